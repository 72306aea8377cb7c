import { paired, ratio } from "../figures.js";
import { interleave, type Measurement } from "../measure.js";
import type { Gateway, Stage } from "../stage.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

const MODES = ["fast", "replicated"] as const;
const WAYS = [
  { how: "session", label: "Session" },
  { how: "unary", label: "Invoke" },
] as const;

/** What waiting for a replica costs; Redis has one in both cases. */
export const DURABILITY: Workload = {
  name: "durability",
  description: "`replicated` against `fast`, on one Redis with a replica",
  async run(context) {
    context.progress("starting the processes, Redis with a replica");
    const stage = await context.stage({ replica: true });
    const agent = await stage.agent();
    const clusters = await Promise.all(MODES.map(async (mode) => ({ mode, ...(await cluster(stage, mode)) })));
    for (const inFlight of context.quick ? [64] : [1, 64, 256]) {
      const call = { payload: payloadOf(64) };
      const contenders = WAYS.flatMap(({ how, label }) =>
        clusters.map(({ mode, ...own }) => toolgateContender(`${label} ${mode}`, how, { stage, ...own }, call)),
      );
      const say = ({ name }: { readonly name: string }) => context.progress(`${name}, ${inFlight} in flight`);
      const found = await interleave(stage, agent, contenders, inFlight, context.effort, say);
      for (const [contender, measurements] of found)
        context.detail({ work: "durability", contender, inFlight, payloadBytes: 64, measurements });
      for (const { label } of WAYS) {
        const values = (pick: (one: Measurement) => number, by: typeof ratio): number[] =>
          paired((found.get(`${label} replicated`) ?? []).map(pick), (found.get(`${label} fast`) ?? []).map(pick), by);
        const target = inFlight === 1 ? {} : { target: { better: "higher", least: 0.8, aim: 0.95 } as const };
        context.figure({
          id: `durability/${label.toLowerCase()}@${inFlight}`,
          what: `\`replicated\` against \`fast\`, ${label}, ${inFlight} in flight`,
          unit: "×",
          values: values((one) => one.perSecond, ratio),
          ...target,
        });
      }
    }
  },
};

async function cluster(stage: Stage, mode: (typeof MODES)[number]) {
  const gateway: Gateway = await stage.gateway({ registry: mode, flags: ["--durability", mode] });
  return { gateway, provider: await stage.provider(gateway) };
}
