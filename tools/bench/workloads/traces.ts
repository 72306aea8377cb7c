import { paired, ratio, type Target } from "../figures.js";
import { type Contender, interleave, type Measurement } from "../measure.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

/**
 * The same calls on a node that traces nothing, and on one that has a collector, all without and with a context that is not sampled. The
 * collector is not there: nothing is to be sent to it.
 */
const MODES = [
  { mode: "off", traces: "off", context: false },
  { mode: "on", traces: "http://127.0.0.1:9", context: false },
  { mode: "off-context", traces: "off", context: true },
  { mode: "on-context", traces: "http://127.0.0.1:9", context: true },
] as const;
type Mode = (typeof MODES)[number]["mode"];

const WAYS = [
  { how: "session", label: "Session" },
  { how: "unary", label: "Invoke" },
] as const;

const UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const KEPT: Target = { better: "higher", least: 0.97, aim: 0.99 };

/** What it costs that a node could trace, where no call is sampled. */
export const TRACES: Workload = {
  name: "traces",
  description: "a node that traces, of unsampled calls, against one that does not",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const off = await stage.gateway({ registry: "off", flags: ["--traces", "off"] });
    const on = await stage.gateway({ registry: "on", flags: ["--traces", MODES[1].traces] });
    const nodes = {
      off: { gateway: off, provider: await stage.provider(off) },
      on: { gateway: on, provider: await stage.provider(on) },
    };
    for (const inFlight of context.quick ? [64] : [1, 64, 256]) {
      const contenders: Contender[] = WAYS.flatMap(({ how, label }) =>
        MODES.map(({ mode, traces, context: sendsContext }) => {
          const call = { payload: payloadOf(64), ...(sendsContext ? { traceparent: UNSAMPLED } : {}) };
          const node = traces === "off" ? nodes.off : nodes.on;
          return toolgateContender(`${label} ${mode}`, how, { stage, ...node }, call);
        }),
      );
      const say = ({ name }: Contender) => context.progress(`${name}, ${inFlight} in flight`);
      const found = await interleave(stage, agent, contenders, inFlight, context.effort, say);
      for (const [contender, measurements] of found)
        context.detail({ work: "traces", contender, inFlight, payloadBytes: 64, measurements });
      const of = (label: string, mode: Mode, pick: (one: Measurement) => number): number[] =>
        (found.get(`${label} ${mode}`) ?? []).map(pick);
      for (const { label } of WAYS) {
        for (const [mode, against, what] of [
          ["on", "off", "without context"],
          ["on-context", "off-context", "with an unsampled context"],
        ] as const) {
          const add = (id: string, name: string, pick: (one: Measurement) => number, target?: Target): void =>
            context.figure({
              id: `traces/${id}@${inFlight}`,
              what: `${label} ${what}, with traces against without, ${name}, ${inFlight} in flight`,
              unit: "×",
              values: paired(of(label, mode, pick), of(label, against, pick), ratio),
              ...(target === undefined ? {} : { target }),
            });
          const id = `${mode}-${label.toLowerCase()}`;
          add(id, "calls/s", (one) => one.perSecond, KEPT);
          add(`${id}-node`, "CPU of the node per call", (one) => one.cpuPerCall.gateway ?? Number.NaN);
        }
      }
    }
  },
};
