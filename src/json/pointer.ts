/** A step from a JSON value to a member (by key) or to an item (by index). */
export type Step = string | number;

/** The longest key that is named whole, in UTF-16 code units. */
const MAX_KEY = 64;
/** The longest pointer, in UTF-16 code units: pointers travel in error details, which are small. */
const MAX_POINTER = 256;
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu;

/**
 * The JSON pointer (RFC 6901) of a place, made for people: control characters, lone surrogates and other unprintable
 * ones become U+FFFD, keys over 64 characters end in an ellipsis, and a pointer over 256 characters is cut in its middle.
 */
export function pointerOf(steps: readonly Step[]): string {
  return printable(steps.map((step) => `/${shortKey(step)}`).join(""));
}

/** The same for a pointer that is already escaped. */
export function boundPointer(pointer: string): string {
  if (pointer.length <= MAX_KEY) return printable(pointer);
  return printable(pointer.split("/").map(cut).join("/"));
}

/** One step, escaped and cut, for appending to a pointer with a slash. */
export function shortKey(step: Step): string {
  return typeof step === "number"
    ? String(step)
    : cut(step.slice(0, MAX_KEY + 1))
        .replaceAll("~", "~0")
        .replaceAll("/", "~1");
}

function cut(key: string): string {
  return key.length <= MAX_KEY ? key : `${key.slice(0, MAX_KEY - 1)}…`;
}

function printable(pointer: string): string {
  const half = MAX_POINTER / 2 - 2;
  const short = pointer.length <= MAX_POINTER ? pointer : `${pointer.slice(0, half)}/…/${pointer.slice(-half)}`;
  return short.replace(UNPRINTABLE, "\ufffd");
}
