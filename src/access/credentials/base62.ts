const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Writes bytes as a number in base 62, which has no character that a shell, a URL or a double click takes for an end.
 *
 * @param width how many digits are written, with zeros in front: 43 hold 32 bytes, and 6 hold 4.
 */
export function toBase62(bytes: Uint8Array, width: number): string {
  let rest = bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let digits = "";
  for (; rest > 0n; rest /= 62n) digits = DIGITS.charAt(Number(rest % 62n)) + digits;
  return digits.padStart(width, "0");
}
