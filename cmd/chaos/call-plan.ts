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
  /** It goes on whatever it is told. */
  readonly stubborn: boolean;
}

/** The tools of every toolset. */
export const TOOLS = { once: "charge", idempotent: "lookup" } as const satisfies Record<Delivery, string>;

/** The next call of an agent. Most are short; some stream, some last, some overrun their deadline. */
export function planCall(n: number, toolsets: readonly string[], random: SeededRandom): CallPlan {
  const delivery = random.chance(0.5) ? "once" : "idempotent";
  const [main = "", ...others] = toolsets;
  const toolset = others.length === 0 || random.chance(0.8) ? main : random.pick(others);
  const length = random.next();
  const ms =
    length < 0.6 ? random.integer(0, 40) : length < 0.93 ? random.integer(50, 900) : random.integer(1_500, 4_500);
  const timeoutMs = random.integer(1_500, 7_000);
  return {
    toolset,
    tool: TOOLS[delivery],
    delivery,
    payload: { n, ms, pieces: random.chance(0.25) ? random.integer(1, 4) : 0, stubborn: random.chance(0.03) },
    timeoutMs,
    how: random.chance(0.4) ? "follow" : "invoke",
    wait: random.chance(0.4),
    twice: random.chance(0.1),
    cancelAfterMs: random.chance(0.05) ? random.integer(0, ms + 50) : undefined,
    repeatAfterMs: random.integer(100, 3_000),
  };
}
