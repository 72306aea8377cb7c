/**
 * A number as it is written: digits × 10^exponent, without a rounding. There is one form for each number: its digits neither
 * begin nor end with a zero, and zero has none and is not negative.
 */
export interface Decimal {
  readonly negative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

const ZERO: Decimal = { negative: false, digits: "", exponent: 0 };
/** How many digits are divided at once; more take longer than they save. */
const CHUNK_DIGITS = 256;

/** Reads a number of JSON, or one as the engine prints it; linear in its length. */
export function parseDecimal(text: string): Decimal {
  const mark = /[eE]/.exec(text)?.index ?? text.length;
  const point = text.indexOf(".");
  const fraction = point < 0 || point > mark ? 0 : mark - point - 1;
  const start = text.startsWith("-") ? 1 : 0;
  const all = fraction === 0 ? text.slice(start, mark) : text.slice(start, point) + text.slice(point + 1, mark);
  let first = 0;
  while (all[first] === "0") first++;
  if (first === all.length) return ZERO;
  let end = all.length;
  while (all[end - 1] === "0") end--;
  const power = mark === text.length ? 0 : Number(text.slice(mark + 1));
  return { negative: start === 1, digits: all.slice(first, end), exponent: power - fraction + all.length - end };
}

/** Below zero when the first is less, above when it is more, zero when they are equal. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  return a.negative ? compareMagnitudes(b, a) : compareMagnitudes(a, b);
}

function compareMagnitudes(a: Decimal, b: Decimal): number {
  if (a.digits === "" || b.digits === "") return a.digits.length - b.digits.length;
  const size = a.digits.length + a.exponent - (b.digits.length + b.exponent);
  if (size !== 0) return size;
  // Both begin at the same power of ten, so their digits compare like words.
  if (a.digits === b.digits) return 0;
  return a.digits < b.digits ? -1 : 1;
}

/** Whether it has no fraction. */
export function isWhole({ exponent }: Decimal): boolean {
  return exponent >= 0;
}

/** Whether one is a whole number of times the other; nothing is a multiple of zero. Linear in the digits of the first. */
export function isMultiple(value: Decimal, divisor: Decimal): boolean {
  if (divisor.digits === "") return false;
  if (value.digits === "") return true;
  const shift = value.exponent - divisor.exponent;
  // The value's last digit is not zero, and the quotient would have a fraction of as many places.
  if (shift < 0) return false;
  const modulus = BigInt(divisor.digits);
  let remainder = 0n;
  for (let at = 0; at < value.digits.length; at += CHUNK_DIGITS) {
    const chunk = value.digits.slice(at, at + CHUNK_DIGITS);
    remainder = (remainder * 10n ** BigInt(chunk.length) + BigInt(chunk)) % modulus;
  }
  return (remainder * powerOfTen(shift, modulus)) % modulus === 0n;
}

/** 10^exponent modulo a number, by squaring: exponents reach six hundred, and more where a text is long. */
function powerOfTen(exponent: number, modulus: bigint): bigint {
  let power = 1n;
  let square = 10n % modulus;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = (power * square) % modulus;
    square = (square * square) % modulus;
  }
  return power;
}

/** One text for each number. */
export function decimalText({ negative, digits, exponent }: Decimal): string {
  return `${negative ? "-" : ""}${digits}e${exponent}`;
}
