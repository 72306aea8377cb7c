/**
 * An enumeration's value as a word: `result` of `TERMINAL_KIND_RESULT`. A value of a newer version that has no name is `unspecified`.
 *
 * @param prefix what all of its values begin with
 */
export function wordOf(prefix: string, value: string | number | undefined): string {
  if (typeof value !== "string" || !value.startsWith(prefix)) return "unspecified";
  return value.slice(prefix.length).toLowerCase();
}
