import type { Draft } from "../contract/draft.js";

/**
 * Which part of an instance a subschema validates:
 * - `place`: the very value that the outer schema validates,
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
  /** The drafts that define it; the first is the one to name where another draft does not. */
  readonly drafts: readonly Draft[];
  /** The drafts whose validator acts on it; those that define it unless said. */
  readonly activeIn?: readonly Draft[];
  /** Whether it can refuse a value. */
  readonly asserts: boolean;
  readonly applies?: Applicator;
  /** What to write in a draft that does not know it. */
  readonly instead?: string;
}

const ALL: readonly Draft[] = ["2020-12", "2019-09", "draft-07", "draft-06", "draft-04"];
const SINCE_06: readonly Draft[] = ["draft-06", "draft-07", "2019-09", "2020-12"];
const SINCE_07: readonly Draft[] = ["draft-07", "2019-09", "2020-12"];
const SINCE_2019: readonly Draft[] = ["2020-12", "2019-09"];
const NEW: readonly Draft[] = ["2020-12"];
const UNTIL_07: readonly Draft[] = ["draft-07", "draft-06", "draft-04"];
const UNTIL_2019: readonly Draft[] = ["draft-07", "draft-06", "draft-04", "2019-09"];

function annotation(drafts: readonly Draft[] = ALL, instead?: string): Keyword {
  return { drafts, asserts: false, ...(instead === undefined ? {} : { instead }) };
}

function assertion(drafts: readonly Draft[] = ALL, instead?: string): Keyword {
  return { drafts, asserts: true, ...(instead === undefined ? {} : { instead }) };
}

function applicator(reach: Reach, shape: Shape, drafts: readonly Draft[] = ALL, more: Partial<Keyword> = {}): Keyword {
  return { drafts, asserts: reach !== "held", applies: { reach, shape }, ...more };
}

/** Every keyword that a person may mean. Anything else is an annotation without a meaning here. */
export const KEYWORDS: ReadonlyMap<string, Keyword> = new Map(
  Object.entries({
    $schema: annotation(),
    $id: annotation(SINCE_06, "id"),
    $comment: annotation(),
    $ref: assertion(),
    $anchor: annotation(SINCE_2019, "$id with a fragment"),
    $dynamicRef: assertion(NEW, "$ref"),
    $dynamicAnchor: annotation(NEW),
    $vocabulary: annotation(SINCE_2019),
    $defs: applicator("held", "map", SINCE_2019, { activeIn: ALL, instead: "definitions" }),
    definitions: applicator("held", "map"),
    $recursiveRef: assertion(["2019-09"], "$dynamicRef or $ref"),
    $recursiveAnchor: annotation(["2019-09"], "$dynamicAnchor"),
    id: annotation(["draft-04"], "$id"),

    allOf: applicator("place", "list"),
    anyOf: applicator("place", "list"),
    oneOf: applicator("place", "list"),
    not: applicator("place", "one"),
    if: applicator("place", "one", SINCE_07),
    // biome-ignore lint/suspicious/noThenProperty: it is the keyword's name, and this table is never awaited
    then: applicator("place", "one", SINCE_07),
    else: applicator("place", "one", SINCE_07),
    dependentSchemas: applicator("place", "map", SINCE_2019, { instead: "dependencies" }),
    dependencies: applicator("place", "map-or-names", UNTIL_07, {
      activeIn: ALL,
      instead: "dependentSchemas or dependentRequired",
    }),

    prefixItems: applicator("array", "list", NEW, { instead: "items with an array of schemas" }),
    items: applicator("array", "one-or-list"),
    additionalItems: applicator("array", "one", UNTIL_2019, { instead: "items beside prefixItems" }),
    unevaluatedItems: applicator("array", "one", SINCE_2019),
    contains: applicator("array", "one", SINCE_06),

    properties: applicator("named", "map"),
    patternProperties: applicator("wild", "map"),
    additionalProperties: applicator("wild", "one"),
    unevaluatedProperties: applicator("wild", "one", SINCE_2019),
    propertyNames: applicator("keys", "one", SINCE_06),

    type: assertion(),
    enum: assertion(),
    const: assertion(SINCE_06, "enum with one value"),
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
    maxContains: assertion(SINCE_2019),
    minContains: assertion(SINCE_2019),
    maxProperties: assertion(),
    minProperties: assertion(),
    required: assertion(),
    dependentRequired: assertion(SINCE_2019, "dependencies"),

    title: annotation(),
    description: annotation(),
    default: annotation(),
    examples: annotation(),
    deprecated: annotation(SINCE_2019),
    readOnly: annotation(),
    writeOnly: annotation(),
    contentMediaType: annotation(),
    contentEncoding: annotation(),
    contentSchema: applicator("held", "one", SINCE_2019, { instead: "contentMediaType alone" }),
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

/** Whether a keyword means something in a draft. */
export function isKnownIn(keyword: string, draft: Draft): boolean {
  const known = KEYWORDS.get(keyword);
  return known !== undefined && isActive(known, draft);
}

/** The keywords of other drafts, which a validator for this one must not act on. */
export function keywordsOfOthers(draft: Draft): string[] {
  return [...KEYWORDS].flatMap(([name, keyword]) => (isActive(keyword, draft) ? [] : [name]));
}

function isActive(keyword: Keyword, draft: Draft): boolean {
  return (keyword.activeIn ?? keyword.drafts).includes(draft);
}
