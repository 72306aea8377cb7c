import type { CallLimit, LimitKind } from "../../../src/store/call-limits/call-limit.js";

/** A limit of a kind for a subject of a test's own: its name, made as long as a hash. */
export function limitOf(kind: LimitKind, most: number, name: string, everyUs = 0): CallLimit {
  return { kind, subject: name.padEnd(22, "_"), most, everyUs };
}

/** A rate that lets `burst` calls in at once, and one more every `everyMs`. */
export const rateOf = (burst: number, everyMs: number, name = "rate"): CallLimit =>
  limitOf("rate", burst, name, everyMs * 1_000);
