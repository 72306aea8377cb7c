import { randomUUID } from "node:crypto";
import { invalidField } from "../identity/names.js";
import { isJson } from "./is-json.js";
import { type Integers, parseJson } from "./parse-json.js";

/**
 * One JSON value as the bytes that it was written in: numbers keep all of their digits, keys their order, text its
 * escapes. It can stand wherever a value is sent, also inside of other values. `rawJson` makes one.
 */
export class RawJson {
  /** UTF-8, as it was written, white space included. Not to be changed. */
  readonly bytes: Buffer;

  /** @param bytes known to be one JSON value in UTF-8. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** The same as text. */
  get text(): string {
    return this.bytes.toString("utf8");
  }

  /** The value. Integers that no double holds lose digits, unless they are asked for as `bigint`. */
  parse(integers: Integers = "number"): unknown {
    return parseJson(this.text, integers);
  }

  toString(): string {
    return this.text;
  }

  /** What `JSON.stringify` takes it for: the parsed value, so that a log can show it. Where it is sent, its bytes are. */
  toJSON(): unknown {
    return places === undefined ? this.parse() : places.hold(this.text);
  }
}

/**
 * Takes text or UTF-8 bytes as one JSON value, to be sent as they are.
 *
 * @throws ToolgateError INVALID_REQUEST when they are not exactly one JSON value.
 */
export function rawJson(json: string | Uint8Array): RawJson {
  const bytes = Buffer.from(json); // a copy: what was checked is what is sent
  if (!isJson(bytes)) throw invalidField("json", "must be one JSON value in UTF-8");
  return new RawJson(bytes);
}

/**
 * `JSON.stringify` that writes a RawJson as it is and a bigint as an integer, at any depth.
 *
 * @throws TypeError for what JSON has no form for, such as cycles.
 */
export function stringifyJson(value: unknown): string | undefined {
  const outer = places; // a value's toJSON may come here, too
  const own = new Places();
  places = own;
  try {
    return own.fill(stringify(value, own));
  } finally {
    places = outer;
  }
}

/** Where the value that is being written has parts that JSON.stringify cannot write. */
let places: Places | undefined;

function stringify(value: unknown, own: Places): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Perhaps because of a bigint. Only now, since with a function for each part it takes several times as long.
    own.forget();
    return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? own.hold(String(part)) : part));
  }
}

/** Strings that hold places in a JSON text, and what is put there in the end. Their mark is random, so that no data has it. */
class Places {
  #mark: string | undefined;
  #texts: string[] = [];

  /** The string that stands for this text. */
  hold(text: string): string {
    this.#mark ??= randomUUID();
    return `${this.#mark}:${this.#texts.push(text) - 1}`;
  }

  forget(): void {
    this.#texts = [];
  }

  fill(json: string | undefined): string | undefined {
    if (this.#mark === undefined || json === undefined) return json;
    return json.replace(
      new RegExp(`"${this.#mark}:([0-9]+)"`, "g"),
      (_held, index) => this.#texts[Number(index)] ?? "",
    );
  }
}
