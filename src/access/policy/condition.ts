import type { BodyReader } from "../../documents/body-reader.js";
import type { Principal } from "../../identity/principal.js";
import type { Json } from "../../json/json.js";

/** What came of judging a condition: a fault is an error, or too much work. */
export type ConditionVerdict = "holds" | "fails" | "fault";

/** A condition on a call's arguments, and on who makes it. */
export interface Condition {
  /** The expression as it was written. */
  readonly source: string;
  judge(args: Json, principal: Principal): ConditionVerdict;
}

/** Reads a condition; what is wrong with it is noted at its place. */
export function readCondition(reader: BodyReader, value: unknown, place: string): Condition {
  const source = reader.text(value, place, 1_024);
  return { source, judge: () => "fault" };
}
