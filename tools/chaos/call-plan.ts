import type { Delivery } from "./history.js";
import type { SeededRandom } from "./seeded-random.js";

/** One call that an agent is to make; what the seed decides about it. */
export interface CallPlan {
  readonly toolset: string;
  readonly tool: string;
  readonly delivery: Delivery;
  readonly payload: ToolInput;
  readonly timeoutMs: number;
  readonly how: "invoke" | "follow";
  readonly wait: boolean;
  /** The same call is asked for by another client at the same time. */
  readonly twice: boolean;
  /** The agent gives the call no ids: the SDK makes them. It is asked for once then, and not given up: nothing could ask how it ended. */
  readonly withoutId: boolean;
  /** When the agent changes its mind, in milliseconds from its request; undefined when it does not. */
  readonly cancelAfterMs: number | undefined;
  /** An outcome that stayed unknown is asked for again after so long, in milliseconds. */
  readonly repeatAfterMs: number;
}

/** What the tools take. */
export interface ToolInput {
  readonly n: number;
  /** How long it works, in milliseconds. */
  readonly ms: number;
  /** How many pieces of output it gives. */
  readonly pieces: number;
  /** It goes on when it is asked to stop. */
  readonly stubborn: boolean;
  /** The request, where the call has no ids that its agent gave it: what its runs are known by. */
  readonly asker?: string;
}

/** What the calls of a load are like. Shares are in [0, 1], times in milliseconds. */
export interface LoadMix {
  /** The share of long calls, of those that are not short at once. */
  readonly long: number;
  readonly longMs: readonly [number, number];
  readonly timeoutMs: readonly [number, number];
  /** The share of calls that two clients ask for at the same time. */
  readonly twice: number;
  /** The share of calls whose tools give output. */
  readonly output: number;
  /** The share of calls whose tools go on when they are asked to stop. */
  readonly stubborn: number;
  /** The share of calls whose agent gives them no ids. */
  readonly withoutId: number;
}

/** What the calls of every run with faults are like. */
export const USUAL_MIX: LoadMix = {
  long: 0.07,
  longMs: [1_500, 4_500],
  timeoutMs: [1_500, 7_000],
  twice: 0.1,
  output: 0.25,
  stubborn: 0.03,
  withoutId: 0,
};

/** The tools of every toolset. */
export const TOOLS = { once: "charge", idempotent: "lookup" } as const satisfies Record<Delivery, string>;

/** The next call of an agent. Most are short; some stream, some last, some overrun their deadline. */
export function planCall(n: number, toolsets: readonly string[], random: SeededRandom, mix: LoadMix): CallPlan {
  const delivery = random.chance(0.5) ? "once" : "idempotent";
  const [main = "", ...others] = toolsets;
  const toolset = others.length === 0 || random.chance(0.8) ? main : random.pick(others);
  const length = random.next();
  const ms =
    length < Math.min(0.6, 1 - mix.long)
      ? random.integer(0, 40)
      : length < 1 - mix.long
        ? random.integer(50, 900)
        : random.integer(...mix.longMs);
  const timeoutMs = random.integer(...mix.timeoutMs);
  const plan: CallPlan = {
    toolset,
    tool: TOOLS[delivery],
    delivery,
    payload: {
      n,
      ms,
      pieces: random.chance(mix.output) ? random.integer(1, 4) : 0,
      stubborn: random.chance(mix.stubborn),
    },
    timeoutMs,
    how: random.chance(0.4) ? "follow" : "invoke",
    wait: random.chance(0.4),
    twice: random.chance(mix.twice),
    cancelAfterMs: random.chance(0.05) ? random.integer(0, ms + 50) : undefined,
    repeatAfterMs: random.integer(100, 3_000),
    withoutId: false,
  };
  // Drawn last, and only where there are some: what the seed decides of other runs stays as it is.
  const withoutId = mix.withoutId > 0 && random.chance(mix.withoutId);
  return withoutId ? { ...plan, withoutId, twice: false, cancelAfterMs: undefined } : plan;
}
