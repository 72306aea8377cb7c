import { nearestWord } from "../identity/nearest-word.js";
import { shortKey } from "../json/pointer.js";

/** Stands in a pointer for a property that the schema does not name. */
const UNNAMED = "*";
/** Among more names than this, for a longer one, or after this many searches, no near name is looked for: it would take too long. */
const MOST_COMPARED = { names: 256, characters: 64, times: 16 };
/** Keywords whose values are data. */
const DATA = new Set(["enum", "const", "default", "examples"]);

/**
 * What may be said of places in a value. A property's name may be data, such as an address that is a key of a map: it is named
 * where the schema names it too, and otherwise a star stands for it. Indices of arrays are given.
 */
export class ReportablePaths {
  readonly #value: unknown;
  readonly #names: ReadonlySet<string>;
  #compared = 0;

  /** @param names the properties that the value's schema names, by `namesIn`. */
  constructor(value: unknown, names: ReadonlySet<string>) {
    this.#value = value;
    this.#names = names;
  }

  /** A JSON pointer into the value, without what may not be named. It is not bounded. */
  pointer(pointer: string): string {
    let place = this.#value;
    const steps = pointer.split("/").slice(1);
    return steps
      .map((step) => {
        const isItem = Array.isArray(place);
        const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
        place = typeof place === "object" && place !== null ? (place as Record<string, unknown>)[key] : undefined;
        return `/${isItem ? step : this.member(key)}`;
      })
      .join("");
  }

  /** The name of a member, as a step of a pointer. */
  member(name: string): string {
    return this.#names.has(name) ? shortKey(name) : UNNAMED;
  }

  /** The schema's name that an unknown one most likely meant. */
  near(name: string): string | undefined {
    if (this.#names.size > MOST_COMPARED.names || name.length > MOST_COMPARED.characters) return undefined;
    if (++this.#compared > MOST_COMPARED.times) return undefined;
    return nearestWord(name, this.#names);
  }
}

/** The names of properties that a schema has in its keywords, anywhere in it. */
export function namesIn(schema: unknown, names = new Set<string>()): ReadonlySet<string> {
  if (typeof schema !== "object" || schema === null) return names;
  for (const [keyword, value] of Object.entries(schema)) {
    if (DATA.has(keyword)) continue;
    addNames(keyword, value, names);
    namesIn(value, names);
  }
  return names;
}

function addNames(keyword: string, value: unknown, names: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  switch (keyword) {
    case "required":
      for (const name of Object.values(value)) names.add(String(name));
      break;
    case "properties":
    case "dependentSchemas":
      for (const name of Object.keys(value)) names.add(name);
      break;
    case "dependentRequired":
    case "dependencies":
      for (const [name, others] of Object.entries(value)) {
        names.add(name);
        if (Array.isArray(others)) for (const other of others) names.add(String(other));
      }
      break;
    default:
  }
}
