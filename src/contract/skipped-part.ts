import { MAX_VIOLATIONS, type Violation } from "../errors/toolgate-error.js";
import type { Contract } from "./contract.js";

/** Something that a registration left out of a contract, since it cannot be used. */
export interface SkippedPart {
  /** The tool's name; where it is no tool name, its printable beginning. */
  readonly tool: string;
  /** Only the tool's result schema is left out, so that any result is accepted; the tool itself is served. */
  readonly resultSchemaOnly: boolean;
  /** Why; at most eight. */
  readonly violations: readonly Violation[];
}

/** The most of a name that is reported, in UTF-16 code units. */
const MAX_NAME = 128;
/** How many violations are named for all parts together, beyond the first of each: the answer is one message. */
const MAX_FURTHER = 1_024;

/** Names what was left out, and why. @param violations at least one; the first eight are kept. */
export function skippedPart(tool: string, resultSchemaOnly: boolean, violations: readonly Violation[]): SkippedPart {
  // A name that is cut or cleaned is no tool name, so that it never names another tool.
  const short = tool.length <= MAX_NAME ? tool : `${tool.slice(0, MAX_NAME - 1)}…`;
  return {
    tool: short.replace(/[\p{C}\u2028\u2029]/gu, "\ufffd"),
    resultSchemaOnly,
    violations: violations.slice(0, MAX_VIOLATIONS),
  };
}

/** What two looks at a contract left out, the second of which saw only what the first had left: a tool goes with its result schema. */
export function joinSkipped(first: readonly SkippedPart[], then: readonly SkippedPart[]): SkippedPart[] {
  const gone = new Set(then.flatMap(({ tool, resultSchemaOnly }) => (resultSchemaOnly ? [] : [tool])));
  return [...first.filter(({ tool, resultSchemaOnly }) => !resultSchemaOnly || !gone.has(tool)), ...then];
}

/** The parts, with no more violations than fit into one message. */
export function boundSkipped(parts: readonly SkippedPart[]): SkippedPart[] {
  let further = MAX_FURTHER;
  return parts.map((part) => {
    const shown = part.violations.slice(0, 1 + further);
    further -= Math.max(0, shown.length - 1);
    return { ...part, violations: shown };
  });
}

/** A contract without these parts; it may be without any tool. */
export function withoutParts(contract: Contract, skipped: readonly SkippedPart[]): Contract {
  const parts = new Map(skipped.map((part) => [part.tool, part]));
  const tools = contract.tools.flatMap((tool) => {
    const part = parts.get(tool.name);
    if (part === undefined) return [tool];
    if (!part.resultSchemaOnly) return [];
    const { result: _faulty, ...rest } = tool;
    return [rest];
  });
  return { ...contract, tools };
}
