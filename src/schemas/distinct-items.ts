import { decimalText } from "../json/decimal.js";
import { type ExactNumbers, NO_EXACT_NUMBERS } from "../json/exact-numbers.js";
import type { Step } from "../json/pointer.js";

/**
 * Tells equal JSON values apart from others within one value that is validated.
 *
 * Each array and object gets a number, which equal ones share: it is that of a text in which what is inside stands by its own
 * number. So a value costs time linear in its size, and once, however many arrays around it ask whether their items differ: an
 * array of arrays of arrays, each with `uniqueItems`, would be written out once for each level else. Ajv compares each pair of
 * items, which takes an array of 20,000 objects minutes.
 */
export class Identities {
  readonly #byText = new Map<string, number>();
  readonly #known = new Map<object, number>();

  /** Whether no two items are equal. @param numbers those that are distinguished by how they were written. */
  areDistinct(items: readonly unknown[], numbers: ExactNumbers = NO_EXACT_NUMBERS): boolean {
    const seen = new Set<unknown>();
    for (const [index, item] of items.entries()) {
      const size = seen.size;
      // Scalars are their own identity (a Set holds 0 and -0 as one), and a prefix keeps texts from what stands for others.
      seen.add(typeof item === "string" ? `"${item}` : this.#identity(item, items, index, numbers));
      if (seen.size === size) return false;
    }
    return true;
  }

  /** Forgets the value; what was validated may be large. */
  clear(): void {
    if (this.#known.size === 0) return;
    this.#byText.clear();
    this.#known.clear();
  }

  #identity(value: unknown, container: object, key: Step, numbers: ExactNumbers): unknown {
    if (typeof value === "object" && value !== null) return `#${this.#numberOf(value, numbers)}`;
    if (typeof value !== "number" || numbers.isEmpty) return value;
    const exact = numbers.get(container, key);
    return exact === undefined ? value : decimalText(exact);
  }

  #numberOf(value: object, numbers: ExactNumbers): number {
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    const text = Array.isArray(value)
      ? `[${value.map((item, index) => this.#text(item, value, index, numbers)).join(",")}]`
      : `{${Object.entries(value)
          .map(([name, member]) => `${JSON.stringify(name)}:${this.#text(member, value, name, numbers)}`)
          .sort()
          .join(",")}}`;
    const number = this.#byText.get(text) ?? this.#byText.size;
    this.#byText.set(text, number);
    this.#known.set(value, number);
    return number;
  }

  #text(value: unknown, container: object, key: Step, numbers: ExactNumbers): string {
    // Unlike RFC 8785 it takes halves of characters, which a stranger's text may have.
    return typeof value === "string" ? JSON.stringify(value) : String(this.#identity(value, container, key, numbers));
  }
}
