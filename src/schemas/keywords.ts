import type { Draft } from "./draft.js";

/**
 * Which part of an instance a subschema judges:
 * - `place`: the very value that the outer schema judges,
 * - `array`: its items,
 * - `named`: the property that the subschema's key names,
 * - `wild`: properties that no name tells beforehand,
 * - `keys`: the names of its properties,
 * - `held`: nothing, unless a reference leads to it.
 */
export type Reach = "place" | "array" | "named" | "wild" | "keys" | "held";

/** How a keyword holds its subschemas: one, a list, a map; or one or a list; or a map of schemas and of lists of names. */
export type Shape = "one" | "list" | "map" | "one-or-list" | "map-or-names";

interface Applicator {
  readonly reach: Reach;
  readonly shape: Shape;
}

interface Keyword {
  /** The drafts that define it; `old` is neither of the two that are understood. */
  readonly drafts: readonly (Draft | "old")[];
  /** The drafts whose validator acts on it; those that define it unless said. */
  readonly activeIn?: readonly Draft[];
  /** Whether it can refuse a value. */
  readonly asserts: boolean;
  readonly applies?: Applicator;
  /** What to write in a draft that does not know it. */
  readonly instead?: string;
}

const BOTH: readonly Draft[] = ["2020-12", "draft-07"];
const NEW: readonly Draft[] = ["2020-12"];

function annotation(drafts: readonly (Draft | "old")[] = BOTH, instead?: string): Keyword {
  return { drafts, asserts: false, ...(instead === undefined ? {} : { instead }) };
}

function assertion(drafts: readonly (Draft | "old")[] = BOTH, instead?: string): Keyword {
  return { drafts, asserts: true, ...(instead === undefined ? {} : { instead }) };
}

function applicator(reach: Reach, shape: Shape, drafts: readonly Draft[] = BOTH, more: Partial<Keyword> = {}): Keyword {
  return { drafts, asserts: reach !== "held", applies: { reach, shape }, ...more };
}

/** Every keyword that a person may mean. Anything else is an annotation without a meaning here. */
export const KEYWORDS: ReadonlyMap<string, Keyword> = new Map(
  Object.entries({
    $schema: annotation(),
    $id: annotation(),
    $comment: annotation(),
    $ref: assertion(),
    $anchor: annotation(NEW, "$id with a fragment"),
    $dynamicRef: assertion(NEW, "$ref"),
    $dynamicAnchor: annotation(NEW),
    $vocabulary: annotation(NEW),
    $defs: applicator("held", "map", NEW, { activeIn: BOTH, instead: "definitions" }),
    definitions: applicator("held", "map", BOTH),
    $recursiveRef: assertion(["old"], "$dynamicRef or $ref"),
    $recursiveAnchor: annotation(["old"], "$dynamicAnchor"),
    id: annotation(["old"], "$id"),

    allOf: applicator("place", "list"),
    anyOf: applicator("place", "list"),
    oneOf: applicator("place", "list"),
    not: applicator("place", "one"),
    if: applicator("place", "one"),
    // biome-ignore lint/suspicious/noThenProperty: it is the keyword's name, and this table is never awaited
    then: applicator("place", "one"),
    else: applicator("place", "one"),
    dependentSchemas: applicator("place", "map", NEW, { instead: "dependencies" }),
    dependencies: applicator("place", "map-or-names", ["draft-07"], {
      activeIn: BOTH,
      instead: "dependentSchemas or dependentRequired",
    }),

    prefixItems: applicator("array", "list", NEW, { instead: "items with an array of schemas" }),
    items: applicator("array", "one-or-list"),
    additionalItems: applicator("array", "one", ["draft-07"], { instead: "items beside prefixItems" }),
    unevaluatedItems: applicator("array", "one", NEW),
    contains: applicator("array", "one"),

    properties: applicator("named", "map"),
    patternProperties: applicator("wild", "map"),
    additionalProperties: applicator("wild", "one"),
    unevaluatedProperties: applicator("wild", "one", NEW),
    propertyNames: applicator("keys", "one"),

    type: assertion(),
    enum: assertion(),
    const: assertion(),
    multipleOf: assertion(),
    maximum: assertion(),
    exclusiveMaximum: assertion(),
    minimum: assertion(),
    exclusiveMinimum: assertion(),
    maxLength: assertion(),
    minLength: assertion(),
    pattern: assertion(),
    format: assertion(),
    maxItems: assertion(),
    minItems: assertion(),
    uniqueItems: assertion(),
    maxContains: assertion(NEW),
    minContains: assertion(NEW),
    maxProperties: assertion(),
    minProperties: assertion(),
    required: assertion(),
    dependentRequired: assertion(NEW, "dependencies"),

    title: annotation(),
    description: annotation(),
    default: annotation(),
    examples: annotation(),
    deprecated: annotation(NEW),
    readOnly: annotation(),
    writeOnly: annotation(),
    contentMediaType: annotation(),
    contentEncoding: annotation(),
    contentSchema: applicator("held", "one", NEW, { instead: "contentMediaType alone" }),
  } satisfies Record<string, Keyword>),
);

/** The subschemas that a keyword holds in a draft, or undefined where it holds none. */
export function applicatorIn(keyword: string, draft: Draft): Applicator | undefined {
  const known = KEYWORDS.get(keyword);
  return known?.applies !== undefined && isActive(known, draft) ? known.applies : undefined;
}

/** Whether a keyword can refuse a value in a draft. */
export function assertsIn(keyword: string, draft: Draft): boolean {
  const known = KEYWORDS.get(keyword);
  return known?.asserts === true && isActive(known, draft);
}

function isActive(keyword: Keyword, draft: Draft): boolean {
  return (keyword.activeIn ?? keyword.drafts).includes(draft);
}
