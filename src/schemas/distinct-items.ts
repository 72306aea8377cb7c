import { decimalText } from "../json/decimal.js";
import type { ExactNumbers } from "../json/exact-numbers.js";

/**
 * Whether no two items of an array are equal JSON values, in time linear in the array's size. Ajv compares each pair,
 * which takes an array of 20,000 objects minutes.
 */
export function areDistinct(items: readonly unknown[]): boolean {
  const seen = new Set<unknown>();
  for (const item of items) {
    const size = seen.size;
    // Scalars are their own identity (a Set holds 0 and -0 as one). Others are told by one text for each value, prefixed
    // so that no string is taken for one.
    seen.add(
      typeof item === "object" && item !== null
        ? `\u0000${sortedText(item)}`
        : typeof item === "string"
          ? `"${item}`
          : item,
    );
    if (seen.size === size) return false;
  }
  return true;
}

/** JSON with its keys in order. Unlike RFC 8785 it takes halves of characters, which a stranger's text may have. */
function sortedText(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sortedText).join(",")}]`;
  const members = value as { readonly [key: string]: unknown }; // an object that is no array
  const texts = Object.keys(members)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sortedText(members[key])}`);
  return `{${texts.join(",")}}`;
}

/** The same, with numbers as they were written: 9007199254740993 is another number than 9007199254740992. */
export function areDistinctExactly(items: readonly unknown[], numbers: ExactNumbers): boolean {
  return areDistinct(items.map((item, index) => withWritten(item, items, String(index), numbers)));
}

/** A value in which each number that its double does not hold is a text, and other texts are marked to be none of those. */
function withWritten(value: unknown, container: object, key: string, numbers: ExactNumbers): unknown {
  if (typeof value === "string") return `"${value}`;
  if (typeof value === "number") {
    const exact = numbers.get(container, key);
    return exact === undefined ? value : decimalText(exact);
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => withWritten(item, value, String(index), numbers));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withWritten(member, value, name, numbers)]),
  );
}
