import { Environment } from "@marcbachmann/cel-js";
import type { BodyReader } from "../../documents/body-reader.js";
import type { Principal } from "../../identity/principal.js";
import type { Json } from "../../json/json.js";
import { compileCondition, type Expression, UnsupportedCondition } from "./compile-condition.js";
import { ConditionMeter } from "./condition-meter.js";

/** What came of judging a condition: a fault is an error, a result that is no truth value, or too much work. */
export type ConditionVerdict = "holds" | "fails" | "fault";

/** A condition on a call's arguments, and on who makes it. */
export interface Condition {
  /** The expression as it was written. */
  readonly source: string;
  /**
   * Judges it within 5 ms, whatever it is given. Never throws.
   *
   * @param meter what all conditions of one decision may take together; for this one alone where none is given
   */
  judge(args: Json, principal: Principal, meter?: ConditionMeter): ConditionVerdict;
}

/** The longest condition, in UTF-16 units. */
const MAX_CONDITION = 1_024;
const LIMITS = { maxAstNodes: 256, maxDepth: 24, maxListElements: 64, maxMapEntries: 0, maxCallArguments: 3 };

/** Reads a condition; what is wrong with it is noted at its place. */
export function readCondition(reader: BodyReader, value: unknown, place: string): Condition {
  if (typeof value !== "string" || value === "" || value.length > MAX_CONDITION) {
    reader.add(place, `must be a CEL expression of 1 to ${MAX_CONDITION} characters`);
    return NEVER;
  }
  const parsed = parseCondition(value);
  if (parsed.kind === "ok") return parsed.condition;
  reader.add(place, `${parsed.reason}, at character ${parsed.start + 1}`);
  return NEVER;
}

/** Stands where there is no condition to be had; a document with one is refused. */
const NEVER: Condition = { source: "", judge: () => "fault" };

type ParsedCondition =
  | { readonly kind: "ok"; readonly condition: Condition }
  /** @param start where the fault begins, in UTF-16 units */
  | { readonly kind: "refused"; readonly reason: string; readonly start: number };

/** Parses and checks an expression over `args` and `principal`. */
export function parseCondition(source: string): ParsedCondition {
  try {
    const parsed = new Environment({ homogeneousAggregateLiterals: false, limits: LIMITS })
      .registerVariable("args", "dyn")
      .registerVariable("principal", "map<string, dyn>")
      .parse(source);
    // What conditions do not have is said first: the library would let it pass.
    const run = compileCondition(parsed.ast);
    const { valid, type, error } = parsed.check();
    if (!valid) return refusalOf(error);
    if (type !== "bool" && type !== "dyn") return { kind: "refused", reason: "must be true or false", start: 0 };
    return { kind: "ok", condition: { source, judge: (args, principal, meter) => judge(run, args, principal, meter) } };
  } catch (error) {
    return refusalOf(error);
  }
}

function judge(
  run: Expression,
  args: Json,
  { tenant, id, kind, roles, attributes }: Principal,
  meter = new ConditionMeter(),
): ConditionVerdict {
  const scope = {
    args,
    principal: { tenant, id, kind, roles, attributes },
    meter,
    locals: new Map(),
  };
  try {
    const verdict = run(scope);
    return verdict === true ? "holds" : verdict === false ? "fails" : "fault";
  } catch {
    return "fault"; // whatever it is: an error opens nothing
  }
}

/** The author hears what is wrong, and where. */
function refusalOf(error: unknown): ParsedCondition {
  if (error instanceof UnsupportedCondition) return { kind: "refused", reason: error.message, start: error.start };
  const { summary, range } = typeof error === "object" && error !== null ? (error as LibraryError) : {}; // all of its errors are such
  const why = summary === undefined ? "" : `: ${summary.slice(0, 200)}`;
  return { kind: "refused", reason: `must be a CEL expression${why}`, start: range?.start ?? 0 };
}

interface LibraryError {
  readonly summary?: string;
  readonly range?: { readonly start: number };
}
