import type { JsonSchema } from "../../src/contract/contract.js";
import type { Json } from "../../src/json/json.js";
import { FORMATS } from "../../src/schemas/formats.js";
import { KEYWORDS } from "../../src/schemas/keywords.js";

/** Integers from 0 up to below a bound; the same ones for the same seed. */
export type Random = (below: number) => number;

export function seeded(seed: number): Random {
  let state = (seed + 1) * 2_654_435_761;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const NAMES = ["a", "b", "c", "next", "toString", "a b", "\u00e9", "0", "$ref", "x~/y"];
const PATTERNS = [
  "^a",
  "^(a+)+$",
  "^\\p{L}+$",
  "[^\\p{L}\\p{N}]{20}",
  "([a-z]{1,20}-)*x$",
  ".*a.*b.*c.*d",
  "^(\\w+\\s?)*$",
  "(x|y){0,50}z",
];
const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];
const FORMAT_NAMES = [...Object.keys(FORMATS), "unknown"];
const WORDS = [...KEYWORDS.keys()].filter((keyword) => !["$schema", "$vocabulary"].includes(keyword));

/** A schema of any keywords; one in eight parts is far larger than people write. */
export function randomSchema(random: Random): JsonSchema {
  const made = new Maker(random).schema(4);
  const root = typeof made === "boolean" ? { not: made } : made;
  const $defs = Object.fromEntries(["a", "b"].map((name) => [name, new Maker(random).schema(3)]));
  const draft = random(3) === 0 ? { $schema: DRAFT_07 } : {};
  const dynamic = random(6) === 0 ? { dynamic: { $dynamicAnchor: "dynamic" } } : {};
  return { ...root, ...draft, $defs: { ...$defs, ...dynamic } } as JsonSchema;
}

class Maker {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  schema(depth: number): JsonSchema {
    if (depth === 0 || this.#random(8) === 0)
      return this.#one<JsonSchema>([true, false, {}, { type: this.#one(TYPES) }]);
    const schema: Record<string, Json> = {};
    for (let left = 1 + this.#random(5); left > 0; left--) {
      const keyword = this.#one(WORDS);
      const value = this.#value(keyword, depth);
      if (value !== undefined) schema[keyword] = value;
    }
    return schema;
  }

  #value(keyword: string, depth: number): Json | undefined {
    const isHuge = this.#random(8) === 0;
    const inner = () => this.schema(depth - 1) as Json;
    switch (keyword) {
      case "$ref":
        return this.#one(["#", "#/$defs/a", "#/$defs/b", "#/%24defs/a"]);
      case "$dynamicRef":
        return this.#random(8) === 0 ? "#dynamic" : undefined;
      case "$dynamicAnchor":
        return this.#random(8) === 0 ? "dynamic" : undefined;
      case "$anchor":
        return this.#random(4) === 0 ? `anchor${this.#random(1e6)}` : undefined;
      case "$id":
        return this.#random(12) === 0 ? `https://example.com/${this.#random(1e6)}` : undefined;
      case "$recursiveRef":
      case "$recursiveAnchor":
      case "id":
        return undefined;
      case "allOf":
      case "anyOf":
      case "oneOf":
      case "prefixItems":
        return isHuge ? this.#many(1_000, () => this.#one<Json>([false, {}, true, false])) : this.#many(3, inner);
      case "items":
        return inner();
      case "properties":
      case "$defs":
      case "definitions":
      case "dependentSchemas":
        return isHuge
          ? this.#map(300, (index) => [
              `p${index}`,
              this.#one<Json>([{ type: "string" }, { pattern: "^\\p{L}+$" }, {}]),
            ])
          : this.#map(3, () => [this.#one(NAMES), inner()]);
      case "patternProperties":
        return this.#map(isHuge ? 8 : 2, () => [this.#one(PATTERNS), inner()]);
      case "dependentRequired":
        return { [this.#one(NAMES)]: this.#names(isHuge) };
      case "dependencies":
        return { a: this.#names(isHuge), b: inner() };
      case "required":
        return this.#names(isHuge);
      case "type":
        return this.#random(2) === 0 ? this.#one(TYPES) : [this.#one(TYPES)];
      case "enum":
        return this.#many(isHuge ? 3_000 : 4, (index) => (this.#random(2) === 0 ? index : this.json(2)));
      case "const":
      case "default":
        return this.json(isHuge ? 6 : 2);
      case "examples":
        return [this.json(2)];
      case "pattern":
        return this.#one(PATTERNS);
      case "format":
        return this.#one(FORMAT_NAMES);
      case "uniqueItems":
      case "readOnly":
      case "writeOnly":
      case "deprecated":
        return true;
      case "multipleOf":
        return this.#one([0.01, 3, 1e-7, 1e300]);
      case "title":
      case "description":
      case "$comment":
      case "contentMediaType":
      case "contentEncoding":
        return "x".repeat(isHuge ? 20_000 : 3);
      default:
        return /^(min|max|exclusive)/.test(keyword) ? this.#random(5) : inner();
    }
  }

  /** Any JSON. */
  json(depth: number): Json {
    switch (this.#random(depth > 0 ? 7 : 5)) {
      case 0:
        return this.#one(["", "a", "\u{1f600}", "https://example.com"]);
      case 1:
        return this.#random(1_000) / 7;
      case 2:
        return true;
      case 3:
        return null;
      case 4:
        return -this.#random(10);
      case 5:
        return this.#many(4, () => this.json(depth - 1));
      default:
        return this.#map(4, () => [this.#one(NAMES), this.json(depth - 1)]);
    }
  }

  #names(isHuge: boolean): Json {
    return isHuge ? this.#many(1_500, (index) => `p${index}`) : [this.#one(NAMES)];
  }

  #many(most: number, each: (index: number) => Json): Json[] {
    const length = most > 10 ? most : 1 + this.#random(most);
    return Array.from({ length }, (_, index) => each(index));
  }

  #map(most: number, each: (index: number) => readonly [string, Json]): { readonly [key: string]: Json } {
    return Object.fromEntries(Array.from({ length: most }, (_, index) => each(index)));
  }

  #one<Item>(items: readonly Item[]): Item {
    return items[this.#random(items.length)] as Item; // its index is below its length
  }
}
