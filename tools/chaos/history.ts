/**
 * What agents saw: one JSON line per event, written as it happens. Times are milliseconds by the machine's clock in the
 * files, and by Redis's clock once they have been read.
 */

/** How often a tool may run for one call. */
export type Delivery = "once" | "idempotent";

/** A terminal as an agent saw it; an invoke that succeeded shows the result only. */
export interface SeenTerminal {
  /** `result`, `tool_error`, … */
  readonly kind: string;
  /** The result as JSON text; empty with other kinds. */
  readonly body: string;
  readonly reason?: string;
  readonly attempt?: number;
  /** By Redis's clock. */
  readonly endedAtMs?: number;
}

/** A piece of output as an agent saw it. */
export interface SeenDelta {
  readonly cursor: string;
  readonly attempt: number;
  /** JSON text. */
  readonly data: string;
}

interface Event {
  readonly atMs: number;
}

interface RequestEvent extends Event {
  /** One request of an agent; a call may have several, all with the same ids. */
  readonly request: string;
  readonly call: string;
}

export type HistoryEvent =
  | (RequestEvent & {
      readonly kind: "asked";
      /** What its payload has for `n`, and its result must have. */
      readonly n: number;
      readonly toolset: string;
      readonly delivery: Delivery;
      readonly timeoutMs: number;
      /** `invoke`, `follow`, `repeat`, … */
      readonly how: string;
    })
  /** The gateway acknowledged the call: here is its handle. */
  | (RequestEvent & {
      readonly kind: "admitted";
      readonly callId: string;
      readonly deadlineMs: number;
      readonly repeated: boolean;
    })
  /** The gateway said how the call ended; with all output, where it was followed from its beginning. */
  | (RequestEvent & { readonly kind: "ended"; readonly terminal: SeenTerminal; readonly deltas?: readonly SeenDelta[] })
  /** The call was refused, and did not run. */
  | (RequestEvent & { readonly kind: "refused"; readonly reason: string; readonly message?: string })
  /** How it ended was not learnt: a time-out, a lost connection, a cancellation by the agent itself. */
  | (RequestEvent & { readonly kind: "unknown"; readonly reason: string; readonly message?: string })
  | (Event & { readonly kind: "watched"; readonly watch: string; readonly revision: string; readonly what: string });

/** Reads a history file; a last line that was cut off when its writer died does not count. */
export function parseLines<T>(text: string): T[] {
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  const parsed = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as T); // our own writers made them
  try {
    if (last !== "") parsed.push(JSON.parse(last) as T); // complete after all
  } catch {
    // cut off
  }
  return parsed;
}
