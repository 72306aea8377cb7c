import { paired, ratio, type Target } from "../figures.js";
import { type Contender, interleave, type Measurement } from "../measure.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

/** The same calls on a node that has all of it, and on one that has none. */
const MODES = {
  on: ["--http-listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--list-ended-calls", "on"],
  off: ["--http-listen", "off", "--ops-listen", "off", "--list-ended-calls", "off"],
} as const;

const WAYS = [
  { how: "session", label: "Session" },
  { how: "unary", label: "Invoke" },
] as const;

const KEPT: Target = { better: "higher", least: 0.95, aim: 0.98 };

/** What it costs calls by gRPC that a node listens for HTTP, measures what passes, and lists calls that have ended. */
export const FRONT: Workload = {
  name: "front",
  description: "HTTP, metrics and the list of ended calls against none of them",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const node = async (mode: keyof typeof MODES) => {
      const gateway = await stage.gateway({ registry: mode, flags: MODES[mode] });
      return { gateway, provider: await stage.provider(gateway) };
    };
    const nodes = { on: await node("on"), off: await node("off") };
    for (const inFlight of context.quick ? [64] : [1, 64, 256]) {
      const contenders: Contender[] = WAYS.flatMap(({ how, label }) =>
        (["on", "off"] as const).map((mode) =>
          toolgateContender(`${label} ${mode}`, how, { stage, ...nodes[mode] }, { payload: payloadOf(64) }),
        ),
      );
      const found = await interleave(stage, agent, contenders, inFlight, context.effort, ({ name }) =>
        context.progress(`${name}, ${inFlight} in flight`),
      );
      for (const [contender, measurements] of found)
        context.detail({ work: "front", contender, inFlight, payloadBytes: 64, measurements });
      for (const { label } of WAYS) {
        const of = (mode: string, pick: (one: Measurement) => number): number[] =>
          (found.get(`${label} ${mode}`) ?? []).map(pick);
        const add = (id: string, what: string, pick: (one: Measurement) => number, target?: Target): void =>
          context.figure({
            id: `front/${label.toLowerCase()}${id}@${inFlight}`,
            what: `${label} with HTTP, metrics and lists of ended calls against without, ${what}, ${inFlight} in flight`,
            unit: "×",
            values: paired(of("on", pick), of("off", pick), ratio),
            ...(target === undefined ? {} : { target }),
          });
        add("", "calls/s", (one) => one.perSecond, KEPT);
        add("-node", "CPU of the node per call", (one) => one.cpuPerCall.gateway ?? Number.NaN);
        add("-redis", "CPU of Redis per call", (one) => one.cpuPerCall.redis ?? Number.NaN);
      }
    }
  },
};
