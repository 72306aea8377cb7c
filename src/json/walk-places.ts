import type { Step } from "./pointer.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Takes a number's bytes, and the place where it stands. The steps are the walk's own, to be copied where they are kept. */
export type OnNumber = (start: number, end: number, steps: readonly Step[]) => void;

/**
 * Walks over a JSON text, which was scanned before, up to an offset in bytes. Linear in the text.
 *
 * @returns the steps to the place there. A key that begins at the offset counts as the last of them.
 */
export function walkPlaces(bytes: Buffer, until: number, onNumber?: OnNumber): readonly Step[] {
  const steps: Step[] = [];
  let keyNext = false;
  for (let at = 0; at < until; at++) {
    const byte = bytes[at] ?? 0;
    const last = steps.length - 1;
    if (byte === QUOTE) {
      const start = at + 1;
      let escaped = false;
      for (at = start; at < bytes.length && bytes[at] !== QUOTE; at++) {
        if (bytes[at] !== BACKSLASH) continue;
        escaped = true;
        at++;
      }
      if (keyNext) steps[last] = keyText(bytes, start, at, escaped);
      keyNext = false;
    } else if (byte === 0x2c) {
      const step = steps[last];
      if (typeof step === "number") steps[last] = step + 1;
      else keyNext = last >= 0;
    } else if (byte === 0x7b || byte === 0x5b) {
      steps.push(byte === 0x7b ? "" : 0);
      keyNext = byte === 0x7b;
    } else if (byte === 0x7d || byte === 0x5d) {
      steps.pop();
      keyNext = false;
    } else if (onNumber !== undefined && (byte === 0x2d || (byte >= 0x30 && byte <= 0x39))) {
      const start = at;
      while (isInNumber(bytes[at + 1] ?? 0)) at++;
      onNumber(start, at + 1, steps);
    }
  }
  return steps;
}

/** Digits, sign, point, exponent. */
export function isInNumber(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) || byte === 0x2e || byte === 0x65 || byte === 0x45 || byte === 0x2b || byte === 0x2d
  );
}

function keyText(bytes: Buffer, start: number, end: number, escaped: boolean): string {
  if (!escaped) return bytes.toString("utf8", start, end);
  try {
    return String(JSON.parse(bytes.toString("utf8", start - 1, end + 1)));
  } catch {
    return "";
  }
}
