import canonicalize from "canonicalize";
import type { Contract, ToolContract } from "./contract.js";

/** The most differences that are listed. */
const MAX_DIFFERENCES = 8;

/** What an agent would notice between two contracts of one toolset: paths, never contents. Empty when they are equal. */
export function contractDifferences(before: Contract, after: Contract): readonly string[] {
  const differences: string[] = [];
  for (const field of ["version", "title", "description", "tags", "assertFormats"] as const) {
    if (!equal(before[field], after[field])) differences.push(`${field} differs`);
  }
  const olds = new Map(before.tools.map((tool) => [tool.name, tool]));
  for (const tool of after.tools) {
    const old = olds.get(tool.name);
    olds.delete(tool.name);
    if (old === undefined) differences.push(`tool "${tool.name}" is new`);
    else differences.push(...toolDifferences(old, tool));
  }
  for (const name of olds.keys()) differences.push(`tool "${name}" is gone`);
  if (differences.length <= MAX_DIFFERENCES) return differences;
  const more = differences.length - (MAX_DIFFERENCES - 1);
  return [...differences.slice(0, MAX_DIFFERENCES - 1), `and ${more} more differences`];
}

function toolDifferences(before: ToolContract, after: ToolContract): string[] {
  const fields = [
    "title",
    "description",
    "tags",
    "payload",
    "result",
    "annotations",
    "delivery",
    "timeoutMs",
    "meta",
  ] as const;
  return fields
    .filter((field) => !equal(before[field], after[field]))
    .map((field) => `tool "${after.name}": ${field} differs`);
}

function equal(a: unknown, b: unknown): boolean {
  return canonicalize(a) === canonicalize(b);
}
