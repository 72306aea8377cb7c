import { closedGateway } from "../closed-gateway.js";
import { paired, ratio, type Target } from "../figures.js";
import { type Contender, interleave, type Measurement } from "../measure.js";
import type { Actor, Gateway, Stage } from "../stage.js";
import type { Workload } from "../workload.js";
import { payloadOf, toolgateContender } from "./contenders.js";

/**
 * The same calls on a node that asks nobody who he is, and on nodes that do: one as it is, one that has limits besides, and one that
 * records every call and its end. The audit of the others has changes, logins and refusals.
 */
const MODES = ["open", "authenticated", "limited", "audited"] as const;
type Mode = (typeof MODES)[number];

const WAYS = [
  { how: "session", label: "Session" },
  { how: "unary", label: "Invoke" },
] as const;

const KEPT: Target = { better: "higher", least: 0.97, aim: 0.99 };

/** Limits that apply to every call and never refuse one. */
const LIMITS = ["caller", "tenant", "tool"].map((per, index) => ({
  kind: "limit",
  name: `bench-${index}`,
  body: { per, rate: { calls: 1_000_000, perMs: 1_000 } },
}));

/** What it costs that callers prove who they are, that what they do is limited, and that it is recorded. */
export const ACCESS: Workload = {
  name: "access",
  description: "authentication against none; limits, and the audit of all calls, against that",
  async run(context) {
    context.progress("starting the processes");
    const stage = await context.stage();
    const agent = await stage.agent();
    const clusters = await Promise.all(MODES.map(async (mode) => ({ mode, ...(await cluster(stage, mode)) })));
    for (const inFlight of context.quick ? [64] : [1, 64, 256]) {
      const contenders: Contender[] = WAYS.flatMap(({ how, label }) =>
        clusters.map(({ mode, key, ...own }) => {
          const call = { payload: payloadOf(64), ...(key === undefined ? {} : { key }) };
          return toolgateContender(`${label} ${mode}`, how, { stage, ...own }, call);
        }),
      );
      const say = ({ name }: Contender) => context.progress(`${name}, ${inFlight} in flight`);
      const found = await interleave(stage, agent, contenders, inFlight, context.effort, say);
      for (const [contender, measurements] of found)
        context.detail({ work: "access", contender, inFlight, payloadBytes: 64, measurements });
      const of = (label: string, mode: Mode, pick: (one: Measurement) => number): number[] =>
        (found.get(`${label} ${mode}`) ?? []).map(pick);
      for (const { label } of WAYS) {
        for (const [mode, against, what, target] of [
          ["authenticated", "open", "with authentication against without", KEPT],
          ["limited", "authenticated", "with three rates besides against without", KEPT],
          ["audited", "authenticated", "with all calls in the audit against without", undefined],
        ] as const) {
          const add = (id: string, name: string, pick: (one: Measurement) => number, target?: Target): void =>
            context.figure({
              id: `access/${id}@${inFlight}`,
              what: `${label} ${what}, ${name}, ${inFlight} in flight`,
              unit: "×",
              values: paired(of(label, mode, pick), of(label, against, pick), ratio),
              ...(target === undefined ? {} : { target }),
            });
          const id = `${mode}-${label.toLowerCase()}`;
          add(id, "calls/s", (one) => one.perSecond, target);
          add(`${id}-node`, "CPU of the node per call", (one) => one.cpuPerCall.gateway ?? Number.NaN);
          add(`${id}-redis`, "CPU of Redis per call", (one) => one.cpuPerCall.redis ?? Number.NaN);
        }
      }
    }
  },
};

interface Cluster {
  readonly gateway: Gateway;
  readonly provider: Actor;
  /** The agent's credential. */
  readonly key: string | undefined;
}

async function cluster(stage: Stage, mode: Mode): Promise<Cluster> {
  if (mode === "open") {
    const gateway = await stage.gateway({ registry: mode });
    return { gateway, provider: await stage.provider(gateway), key: undefined };
  }
  const audit = mode === "audited" ? "calls" : "changes";
  const { gateway, administrator } = await closedGateway(stage, { registry: mode, flags: ["--audit", audit] });
  try {
    const key = await administrator.createKey("default", "agent");
    if (mode === "limited") await administrator.apply("default", LIMITS);
    // It also tries a call.
    const provider = await administrator.createKey("default", "provider", "agent");
    return { gateway, provider: await stage.provider(gateway, { key: provider }), key };
  } finally {
    administrator.close();
  }
}
