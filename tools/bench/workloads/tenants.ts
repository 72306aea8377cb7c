import type { PacedReport } from "../actors/paced-load.js";
import { type BenchDocument, closedGateway } from "../closed-gateway.js";
import { paired, ratio, summarise } from "../figures.js";
import { type Measurement, measure, warmUp } from "../measure.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

/** How often the noisy tenant calls, in milliseconds, and how much of that its limit lets in. */
const NOISE_EVERY_MS = 1;
const NOISE_RATE = 1_000 / NOISE_EVERY_MS;
const ALLOWED_PER_SECOND = 100;

const LIMIT: BenchDocument = {
  kind: "limit",
  name: "noisy",
  body: { per: "tenant", rate: { calls: ALLOWED_PER_SECOND, perMs: 1_000, burst: 10 } },
};

/**
 * The calls of a tenant by itself, and beside another one that makes a thousand a second where its limit is a hundred: on the same node
 * and the same Redis, each with a provider of its own.
 */
export const TENANTS: Workload = {
  name: "tenants",
  description: "a tenant by itself, and beside one that is far over its limit",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const { gateway, administrator } = await closedGateway(stage, { registry: "tenants" });
    const [quietAgent, noisyAgent] = [await stage.agent(), await stage.agent()];
    const tenants = ["quiet", "noisy"] as const;
    await administrator.apply(
      "default",
      tenants.map((name) => ({ kind: "tenant", name, body: {} })),
    );
    const [quiet, noisy] = await Promise.all(
      tenants.map(async (tenant) => {
        const key = await administrator.createKey(tenant, "agent");
        const providerKey = await administrator.createKey(tenant, "provider", "agent");
        const provider = await stage.provider(gateway, { key: providerKey });
        return toolgateContender(tenant, "session", { stage, gateway, provider }, { payload: payloadOf(64), key });
      }),
    );
    if (quiet === undefined || noisy === undefined) throw new Error("There are two tenants.");
    await administrator.apply("noisy", [LIMIT]);
    administrator.close();

    for (const inFlight of context.quick ? [64] : [1, 64]) {
      await warmUp(stage, [{ name: "quiet", parts: [{ agent: quietAgent, contender: quiet }] }], context.effort);
      const found = { alone: [] as Measurement[], beside: [] as Measurement[] };
      const noise: PacedReport[] = [];
      const { leadMs, windowMs, repetitions } = context.effort;
      const load = { inFlight, leadMs, windowMs };
      const alone = async (): Promise<void> => {
        found.alone.push(await measure(stage, quietAgent, quiet, load));
      };
      const beside = async (): Promise<void> => {
        await noisyAgent.send<null>({ kind: "pace", ...noisy, everyMs: NOISE_EVERY_MS });
        found.beside.push(await measure(stage, quietAgent, quiet, load));
        noise.push(await noisyAgent.send<PacedReport>({ kind: "end_pace" }));
      };
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        context.progress(`${inFlight} in flight, ${repetition + 1} of ${repetitions}`);
        for (const phase of repetition % 2 === 0 ? [alone, beside] : [beside, alone]) await phase();
      }
      for (const [contender, measurements] of Object.entries(found))
        context.detail({ work: "tenants", contender, inFlight, payloadBytes: 64, measurements });
      const of = (pick: (one: Measurement) => number): readonly [number[], number[]] => [
        found.beside.map(pick),
        found.alone.map(pick),
      ];
      context.figure({
        id: `tenants/quiet-beside-noisy@${inFlight}`,
        what: `A tenant beside one that is far over its limit, against by itself, calls/s, ${inFlight} in flight`,
        unit: "×",
        values: paired(...of((one) => one.perSecond), ratio),
        target: { better: "higher", least: 0.9 },
      });
      context.figure({
        id: `tenants/quiet-beside-noisy-p99@${inFlight}`,
        what: `The same, p99, ${inFlight} in flight`,
        unit: "×",
        values: paired(...of((one) => one.p99Ms), ratio),
      });
      const share = summarise(noise.map(({ calls, failed }) => failed / calls)).median;
      context.note(`The other tenant made ${NOISE_RATE} calls a second; ${Math.round(100 * share)} % were refused.`);
    }
  },
};
