import { paired, ratio, type Target } from "../figures.js";
import { interleave, type Measurement } from "../measure.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

const LEAST: Target = { better: "higher", least: 0.5, aim: 0.7 };
/** Where the target holds: fewer calls at once wait for each other, and more only for a core. */
const TARGET_IN_FLIGHT = 64;

/** Calls by HTTP beside the same by gRPC: one request, one answer, on one node. */
export const REST: Workload = {
  name: "rest",
  description: "calls by REST against Invoke",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const gateway = await stage.gateway({ flags: ["--http-listen", "127.0.0.1:0"] });
    const provider = await stage.provider(gateway);
    for (const payloadBytes of context.payloadBytes) {
      const call = { payload: payloadOf(payloadBytes) };
      const contenders = [
        toolgateContender("rest", "rest", { stage, gateway, provider }, call),
        toolgateContender("invoke", "unary", { stage, gateway, provider }, call),
      ];
      for (const inFlight of context.loads) {
        const found = await interleave(stage, agent, contenders, inFlight, context.effort, ({ name }) =>
          context.progress(`${name}, ${inFlight} in flight, ${payloadBytes} B`),
        );
        for (const [contender, measurements] of found)
          context.detail({ work: "rest", contender, inFlight, payloadBytes, measurements });
        const compare = (pick: (one: Measurement) => number): number[] =>
          paired((found.get("rest") ?? []).map(pick), (found.get("invoke") ?? []).map(pick), ratio);
        const add = (id: string, what: string, pick: (one: Measurement) => number, target?: Target): void =>
          context.figure({
            id: `rest/${id}-${payloadBytes}B@${inFlight}`,
            what: `REST against Invoke, ${what}, ${payloadBytes} B, ${inFlight} in flight`,
            unit: "×",
            values: compare(pick),
            ...(target === undefined ? {} : { target }),
          });
        add("calls", "calls/s", (one) => one.perSecond, inFlight === TARGET_IN_FLIGHT ? LEAST : undefined);
        add("node", "CPU of the node per call", (one) => one.cpuPerCall.gateway ?? Number.NaN);
        add("agent", "CPU of the agent per call", (one) => one.cpuPerCall.agent ?? Number.NaN);
      }
    }
  },
};
