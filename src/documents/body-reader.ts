import { MAX_VIOLATIONS, ToolgateError, type Violation } from "../errors/toolgate-error.js";
import { nearestWord } from "../identity/nearest-word.js";
import { shortKey } from "../json/pointer.js";
import type { DocumentRef } from "./document.js";

/** Limits on one list of a document. */
export interface ListBounds {
  /** The fewest items; 0 unless said. */
  readonly least?: number;
  readonly most: number;
}

/**
 * Reads the content of a document strictly, and collects every fault by its JSON pointer, so that all can be mended at once. A member
 * that is not known is a fault: a slip in a name must not silently widen what a document allows. What is faulty reads as empty, and the
 * caller ends with `throwIfAny`.
 */
export class BodyReader {
  readonly #faults: Violation[] = [];

  /** Notes a fault. @param pointer a JSON pointer; empty for the whole content */
  add(pointer: string, description: string): void {
    this.#faults.push({ field: pointer, description });
  }

  get faults(): readonly Violation[] {
    return this.#faults;
  }

  /** The members of an object, which may only be those that are named; none of what is no object. */
  object<Member extends string>(
    value: unknown,
    pointer: string,
    members: readonly Member[],
  ): Readonly<Partial<Record<Member, unknown>>> {
    const read = Object.create(null) as Partial<Record<Member, unknown>>; // no member comes from a prototype
    for (const [name, member] of this.entries(value, pointer)) {
      if (isOneOf(name, members)) read[name] = member;
      else this.add(`${pointer}/${shortKey(name)}`, `is not known here${didYouMean(name, members)}`);
    }
    return read;
  }

  /** All members of an object, whatever their names; none of what is no object. */
  entries(value: unknown, pointer: string): [string, unknown][] {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
    this.add(pointer, "must be an object");
    return [];
  }

  /** The items of a list, each with its pointer. */
  list(value: unknown, pointer: string, { least = 0, most }: ListBounds): [unknown, string][] {
    if (!Array.isArray(value)) {
      this.add(pointer, "must be a list");
      return [];
    }
    if (value.length < least || value.length > most) {
      this.add(pointer, `must have ${least === 0 ? "at most" : `${least} to`} ${most} items`);
      return [];
    }
    return value.map((item: unknown, index) => [item, `${pointer}/${index}`]);
  }

  /** A text of at least one character. @param most in UTF-16 units */
  text(value: unknown, pointer: string, most: number): string {
    if (typeof value === "string" && value !== "" && value.length <= most && !/\p{Cc}/u.test(value)) return value;
    this.add(pointer, `must be a text of 1 to ${most} characters without control characters`);
    return "";
  }

  /** A list of such texts. */
  texts(value: unknown, pointer: string, bounds: ListBounds, mostCharacters: number): string[] {
    return this.list(value, pointer, bounds).map(([item, place]) => this.text(item, place, mostCharacters));
  }

  flag(value: unknown, pointer: string): boolean {
    if (typeof value === "boolean") return value;
    this.add(pointer, "must be true or false");
    return false;
  }

  /** A whole number within bounds, both included. */
  integer(value: unknown, pointer: string, least: number, most: number): number {
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    this.add(pointer, `must be a whole number of ${least} to ${most}`);
    return least;
  }

  /** One of some words; undefined where it is none of them. */
  word<Word extends string>(value: unknown, pointer: string, words: readonly Word[]): Word | undefined {
    if (typeof value === "string" && isOneOf(value, words)) return value;
    const near = typeof value === "string" ? didYouMean(value, words) : "";
    this.add(pointer, `must be one of ${words.map((word) => `"${word}"`).join(", ")}${near}`);
    return undefined;
  }

  /** @throws ToolgateError INVALID_DOCUMENT with all faults; the first eight are listed. */
  throwIfAny({ kind, name }: Pick<DocumentRef, "kind" | "name">): void {
    const count = this.#faults.length;
    if (count === 0) return;
    const listed = this.#faults
      .slice(0, MAX_VIOLATIONS)
      .map(({ field, description }) => `${field || "/"} ${description}`);
    const more = count > MAX_VIOLATIONS ? ` (and ${count - MAX_VIOLATIONS} more)` : "";
    throw new ToolgateError(
      "INVALID_DOCUMENT",
      `the ${kind} "${name}" has ${count === 1 ? "a fault" : `${count} faults`}: ${listed.join("; ")}${more}`,
      { violations: this.#faults },
    );
  }
}

function isOneOf<Word extends string>(text: string, words: readonly Word[]): text is Word {
  return words.some((word) => word === text);
}

function didYouMean(word: string, known: readonly string[]): string {
  const near = nearestWord(word.slice(0, 64), known);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}
