import { pointerOf, type Step } from "../json/pointer.js";

/** The most differences that are listed. */
const MAX_LINES = 64;

/** One place where two contents differ. */
export interface Difference {
  readonly change: "added" | "removed" | "changed";
  /** A JSON pointer. */
  readonly pointer: string;
}

/**
 * The places where two JSON values differ, in the order of the first: never what stands there, which may be secret. A member or an item that
 * only one of them has is one place, whatever is in it; items of lists are compared by their index.
 *
 * @param limit how many are looked for.
 */
export function differences(before: unknown, after: unknown, limit = MAX_LINES + 1): readonly Difference[] {
  const found: Difference[] = [];
  compare(before, after, [], found, limit);
  return found;
}

/** The same as lines, such as `changed /rules/0/effect`; at most 64, the last of which says that there are more. */
export function differenceLines(before: unknown, after: unknown): readonly string[] {
  const lines = differences(before, after).map(({ change, pointer }) => `${change} ${pointer || "the whole document"}`);
  return lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES - 1), "and more"];
}

function compare(before: unknown, after: unknown, steps: Step[], found: Difference[], limit: number): void {
  if (found.length >= limit || Object.is(before, after)) return;
  const [olds, news] = [partsOf(before), partsOf(after)];
  if (olds === undefined || news === undefined || Array.isArray(before) !== Array.isArray(after)) {
    found.push({ change: "changed", pointer: pointerOf(steps) });
    return;
  }
  for (const [step, old] of olds) {
    const at = [...steps, step];
    if (news.has(step)) compare(old, news.get(step), at, found, limit);
    else if (found.length < limit) found.push({ change: "removed", pointer: pointerOf(at) });
  }
  for (const step of news.keys()) {
    if (!olds.has(step) && found.length < limit) found.push({ change: "added", pointer: pointerOf([...steps, step]) });
  }
}

/** The members of an object, or the items of a list; nothing of anything else. */
function partsOf(value: unknown): ReadonlyMap<Step, unknown> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Array.isArray(value) ? new Map(value.entries()) : new Map(Object.entries(value));
}
