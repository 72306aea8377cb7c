import { paired, ratio, type Unit } from "../figures.js";
import { type Contender, interleave, type Measurement } from "../measure.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { echoContender, payloadOf, toolgateContender } from "./contenders.js";

const MIB = 1_048_576;
const DELTA_BYTES = 64;

/** What comes out of calls: followed calls, pieces of output, large results. */
export const OUTPUT: Workload = {
  name: "output",
  description: "CallTool and FollowCall, pieces of output, results of 1 MiB",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const echo = await stage.echo();
    const gateway = await stage.gateway();
    const own = { stage, gateway, provider: await stage.provider(gateway) };

    const compare = async (
      name: string,
      what: string,
      unit: Unit,
      inFlight: number,
      payloadBytes: number,
      contenders: readonly [Contender, Contender],
    ): Promise<void> => {
      const say = (contender: Contender) => context.progress(`${what}: ${contender.name}, ${inFlight} in flight`);
      // Large results are too much for more at once.
      const effort = { ...context.effort, hotInFlight: inFlight };
      const found = await interleave(stage, agent, contenders, inFlight, effort, say);
      for (const [contender, measurements] of found)
        context.detail({ work: `output ${name}`, contender, inFlight, payloadBytes, measurements });
      report(context, name, what, unit, inFlight, found.get(contenders[0].name) ?? [], found.get("echo") ?? []);
    };

    const small = { payload: payloadOf(64) };
    for (const inFlight of context.quick ? [16] : [16, 64])
      await compare("follow", "CallTool then FollowCall against the same two from the echo", "×", inFlight, 64, [
        toolgateContender("follow", "follow", own, small),
        echoContender(echo, small, "follow"),
      ]);
    const stream = { tool: "stream", payload: JSON.stringify({ count: 200, bytes: DELTA_BYTES }) };
    await compare("deltas", "pieces of output against a bare server stream's messages", "/s", 8, DELTA_BYTES, [
      toolgateContender("deltas", "output", own, stream),
      echoContender(echo, stream, "stream"),
    ]);
    const fill = { tool: "fill", payload: JSON.stringify({ bytes: MIB }) };
    await compare("large", "results of 1 MiB, Invoke, against the echo", "×", 4, MIB, [
      toolgateContender("large", "unary", own, fill),
      echoContender(echo, fill),
    ]);
  },
};

function report(
  context: WorkloadContext,
  name: string,
  what: string,
  unit: Unit,
  inFlight: number,
  own: readonly Measurement[],
  echo: readonly Measurement[],
): void {
  const rate = (measurement: Measurement): number => measurement.perSecond;
  const values = paired(own.map(rate), echo.map(rate), ratio);
  context.figure({
    id: `output/${name}-vs-echo@${inFlight}`,
    what: `${what}, ${inFlight} in flight`,
    unit: "×",
    values,
  });
  if (unit === "/s")
    context.figure({
      id: `output/${name}@${inFlight}`,
      what: `${name} per second, ${inFlight} calls in flight`,
      unit,
      values: own.map(rate),
    });
}
