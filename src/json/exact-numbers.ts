import { type Decimal, decimalText, parseDecimal } from "./decimal.js";
import { pointerOf, type Step } from "./pointer.js";
import { asBuffer, type JsonText } from "./read-json.js";
import { walkPlaces } from "./walk-places.js";

/** What the number is in that is a text's whole value. */
export const ROOT: object = Object.freeze({});

/**
 * The numbers of a JSON value that its doubles do not hold as they were written: 9007199254740993, which is 9007199254740992
 * in a double. A double that is printed as the same number again does hold it, as 0.1 does.
 *
 * They are found by the array or object that they are in, and their index or key there; the value itself keeps its doubles.
 */
export class ExactNumbers {
  readonly #numbers = new Map<object, Map<string, Decimal>>();

  /** Whether the doubles hold all numbers as they were written. */
  get isEmpty(): boolean {
    return this.#numbers.size === 0;
  }

  /** The number at a place as it was written; nothing where the double holds it. The value itself is at "" in `ROOT`. */
  get(container: unknown, key: Step): Decimal | undefined {
    return this.#numbers.get(container as object)?.get(String(key)); // what is no object is not in the map
  }

  /** Whether a container has such a number itself. */
  has(container: object): boolean {
    return this.#numbers.has(container);
  }

  add(container: object, key: Step, number: Decimal): void {
    const known = this.#numbers.get(container);
    if (known !== undefined) known.set(String(key), number);
    else this.#numbers.set(container, new Map([[String(key), number]]));
  }
}

/** A value of which the doubles hold all numbers. */
export const NO_EXACT_NUMBERS: ExactNumbers = new ExactNumbers();

/** Finds them in a text that `readJson` has read; linear in it. Only worth asking for where that found long numbers. */
export function exactNumbers({ bytes, value }: Pick<JsonText, "bytes" | "value">): ExactNumbers {
  const found = new ExactNumbers();
  eachInexact(asBuffer(bytes), (number, steps) => {
    let container: unknown = ROOT;
    let next: unknown = value;
    for (const step of steps) {
      container = next;
      next = (next as Readonly<Record<Step, unknown>>)[step]; // the walk saw these steps in the same text
    }
    found.add(container as object, steps.at(-1) ?? "", number); // it holds the number
  });
  return found;
}

/** A number that its double does not hold, within a text. */
export interface InexactNumber {
  /** The way to it. */
  readonly steps: readonly Step[];
  readonly written: Decimal;
  /** What its double is printed as. */
  readonly kept: Decimal;
}

/**
 * Where the first of them is that matters, as a JSON pointer, and the number that a double makes of it; nothing when none is.
 */
export function firstInexact(
  bytes: Buffer,
  matters: (number: InexactNumber) => boolean,
): { readonly pointer: string; readonly nearest: string } | undefined {
  let first: { pointer: string; nearest: string } | undefined;
  eachInexact(bytes, (written, steps, kept) => {
    if (first !== undefined || !matters({ steps, written, kept: parseDecimal(kept) })) return;
    first = { pointer: pointerOf(steps), nearest: kept };
  });
  return first;
}

function eachInexact(bytes: Buffer, onFound: (number: Decimal, steps: readonly Step[], printed: string) => void): void {
  walkPlaces(bytes, bytes.length, (start, end, steps) => {
    const text = bytes.toString("latin1", start, end);
    const printed = String(Number(text));
    if (printed === text) return;
    const number = parseDecimal(text);
    if (decimalText(number) !== decimalText(parseDecimal(printed))) onFound(number, steps, printed);
  });
}
