import canonicalize from "canonicalize";

/**
 * Whether no two items of an array are equal JSON values, in time linear in the array's size. Ajv compares each pair,
 * which takes an array of 20,000 objects minutes.
 */
export function areDistinct(items: readonly unknown[]): boolean {
  const seen = new Set<unknown>();
  for (const item of items) {
    const size = seen.size;
    // Scalars are their own identity (a Set holds 0 and -0 as one). Others are told by their canonical JSON, prefixed so
    // that no string is taken for one.
    seen.add(
      typeof item === "object" && item !== null
        ? `\u0000${canonicalize(item)}`
        : typeof item === "string"
          ? `"${item}`
          : item,
    );
    if (seen.size === size) return false;
  }
  return true;
}
