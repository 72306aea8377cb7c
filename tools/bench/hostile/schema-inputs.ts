import { call, type HostileInput, type Json, list, members, names, nested, schemaInput, textInput } from "./input.js";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema";

/** Arrays in arrays, each with items of its own. */
function arrays(depth: number, width: number): Json {
  return depth === 0 ? names(width) : [arrays(depth - 1, width), ...names(10)];
}

/** References that double with each level. */
function doubled(levels: number): Json {
  const both = (level: number): Json => ({ anyOf: list(2, { $ref: `#/$defs/p${level + 1}` }) });
  return {
    $defs: members(names(levels + 1), (_, level) => (level === levels ? { type: "string" } : both(level))),
    $ref: "#/$defs/p0",
  };
}

/** The same by conditions. */
function conditions(levels: number): Json {
  const both = (level: number): Json => {
    const next = { $ref: `#/$defs/p${level + 1}` };
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    return { if: { required: [`a${level}`] }, then: next, else: next };
  };
  return {
    $defs: members(names(levels + 1), (_, level) => (level === levels ? { type: "object" } : both(level))),
    $ref: "#/$defs/p0",
  };
}

/** Dynamic references that lead elsewhere by each way that leads to them. */
function dynamicTower(levels: number): Json {
  const level = (index: number): Json => ({
    $id: `level-${index}`,
    $dynamicAnchor: "node",
    properties: { n: { $dynamicRef: "#node" } },
    ...(index + 1 < levels ? { anyOf: list(2, { $ref: `level-${index + 1}` }) } : { required: ["no"] }),
  });
  return { $id: "https://example.com/", $defs: members(names(levels), (_, index) => level(index)), $ref: "level-0" };
}

/** A schema in schemas. */
function tower(depth: number, around: (inner: Json) => Json, innermost: Json): Json {
  let schema = innermost;
  for (let level = 0; level < depth; level += 1) schema = around(schema);
  return schema;
}

const DOUBLES_WITH_DEPTH: Json = {
  $defs: {
    node: { anyOf: list(2, { properties: { n: { $ref: "#/$defs/node" } } }), required: ["no"] },
  },
  $ref: "#/$defs/node",
};

/** As much code as a schema may become. */
const MUCH_CODE = (): Json => ({
  properties: members(names(1_990), () => ({
    ...{ type: ["string", "number"], minLength: 1, maxLength: 9, minimum: 1, maximum: 9, exclusiveMinimum: 0 },
  })),
});

const wide = (properties: number, about: Json): Json => ({
  type: "object",
  properties: members(names(properties), () => about),
});

/** What becomes much code, or takes long to judge. */
const COSTLY: readonly HostileInput[] = [
  schemaInput("1,800 dependent names", "yes", { dependentRequired: { a: names(1_800) } }, [
    call("valid", { b: 1 }),
    call("invalid", { a: 1 }),
  ]),
  schemaInput("1,800 dependencies", "yes", { $schema: DRAFT_07, dependencies: { a: names(1_800), b: false } }, [
    call("invalid", { a: 1 }),
    call("invalid", { b: 1 }),
    call("valid", { c: 1 }),
  ]),
  schemaInput("dependent names of items", "yes", { items: { dependentRequired: { a: names(500) } } }, [
    call("invalid", list(1_000, { a: 1 }), 8),
  ]),
  schemaInput(
    "300 dependent schemas",
    "either",
    { dependentSchemas: members(names(300), (key) => ({ required: [`${key}x`] })) },
    [call("invalid", () => members(names(300), () => 1))],
  ),
  schemaInput("a thousand that never fit, one of them", "yes", { oneOf: list(1_000, false) }, [call("invalid", 1)]),
  schemaInput("a thousand that never fit, any of them", "yes", { anyOf: list(1_000, false) }, [call("invalid", 1)]),
  schemaInput("hundreds for each item", "yes", { items: { oneOf: [...list(700, false), true] } }, [
    call("valid", list(1_000, 1), 8),
  ]),
  schemaInput(
    "300 objects, one of them",
    "yes",
    { oneOf: names(300).map((key) => ({ properties: { [key]: { type: "number" } }, required: [key] })) },
    [call("valid", { p299: 1 }, 24), call("invalid", () => members(names(300), () => 1))],
  ),
  schemaInput(
    "300 copies of a Unicode pattern",
    "yes",
    { properties: members(names(300), () => ({ pattern: "^\\p{L}+$" })) },
    [call("valid", { p1: "a" }), call("invalid", { p1: "1" })],
  ),
  schemaInput(
    "200 Unicode patterns for names",
    "either",
    {
      patternProperties: members(names(200), () => ({ type: "number" })),
      propertyNames: { pattern: "^\\p{L}\\p{N}+$" },
    },
    [call("valid", () => members(names(5_000), () => 1))],
  ),
  schemaInput("400 names for each item", "yes", { items: { required: names(400) } }, [
    call("invalid", list(3_000, {})),
  ]),
  schemaInput(
    "different items in all of many arrays",
    "yes",
    { $ref: "#/$defs/n", $defs: { n: { uniqueItems: true, items: { $ref: "#/$defs/n" } } } },
    [call("valid", () => arrays(40, 1_000), 4), call("valid", () => arrays(58, 3_000), 4)],
  ),
  schemaInput("different objects", "yes", { uniqueItems: true }, [
    call("valid", () => Array.from({ length: 6_000 }, (_, index) => ({ a: { b: { c: [1, 2, 3, index] } } })), 4),
    call("valid", () => Array.from({ length: 12_000 }, (_, index) => `${"a".repeat(60)}${index}`), 4),
  ]),
  schemaInput("items that all are invalid", "yes", { items: { type: "string", enum: names(19) } }, [
    call("invalid", list(100_000, 1), 4),
  ]),
  schemaInput("properties that all are invalid", "yes", { additionalProperties: false }, [
    call("invalid", () => members(names(20_000), () => 1), 4),
  ]),
  schemaInput("a wide object", "yes", wide(1_000, { type: "string", minLength: 1 }), [call("invalid", { p1: "" })]),
  schemaInput("much code, 20 at once", "either", MUCH_CODE, [call("valid", { p1: 5 }, 8)], { registrations: 20 }),
  schemaInput("an enum of 20,000", "either", { items: { enum: names(20_000) } }, [
    call("valid", () => list(2_000, "p19999"), 4),
  ]),
  schemaInput(
    "an enum of objects",
    "either",
    { items: { enum: names(100).map((key) => members(names(60), (other) => `${key}${other}`)) } },
    [
      call(
        "invalid",
        () =>
          list(
            500,
            members(names(60), (other) => `p99${other}x`),
          ),
        4,
      ),
    ],
  ),
  schemaInput("a large constant", "either", () => ({ items: { const: names(5_000) } }), [
    call("invalid", () => list(10, [...names(4_999), "x"]), 4),
  ]),
  schemaInput(
    "one definition 500 times",
    "either",
    { $defs: { big: wide(100, { type: "string", maxLength: 4 }) }, allOf: list(500, { $ref: "#/$defs/big" }) },
    [call("valid", { p1: "a" }, 24)],
  ),
  schemaInput("contained items", "yes", { contains: { type: "number", minimum: 5 }, minContains: 5_000 }, [
    call("invalid", list(100_000, 1), 4),
  ]),
  schemaInput(
    "properties that nothing evaluates",
    "either",
    { unevaluatedProperties: false, anyOf: names(200).map((key) => ({ properties: { [key]: true } })) },
    [call("valid", { p1: 1, p3: 1 }, 8), call("invalid", () => members(names(5_000), () => 1), 8)],
  ),
  schemaInput(
    "items that nothing evaluates",
    "either",
    { unevaluatedItems: false, anyOf: names(100).map((_, index) => ({ prefixItems: list(index + 1, true) })) },
    [call("valid", list(100, 1), 8), call("invalid", list(5_000, 1), 8)],
  ),
  schemaInput(
    "unevaluated properties in a tower",
    "either",
    tower(20, (inner) => ({ anyOf: [inner, { properties: { a: true } }], unevaluatedProperties: false }), {
      properties: { b: true },
    }),
    [call("either", { a: 1, b: 1 }, 8)],
  ),
];

/** What multiplies by references. */
const TOWERS: readonly HostileInput[] = [
  schemaInput("references that double, 8 levels", "yes", doubled(8), [call("valid", "a"), call("invalid", 1)]),
  schemaInput("references that double, 12 levels", "either", doubled(12), [
    call("valid", "a", 24),
    call("invalid", 1, 24),
  ]),
  schemaInput("references that double, 24 levels", "no", doubled(24), []),
  schemaInput("references that double with the value's depth", "yes", DOUBLES_WITH_DEPTH, [
    call("invalid", nested(60), 24),
    call("valid", { no: 1 }, 24),
  ]),
  schemaInput(
    "recursive references that double with the value's depth",
    "either",
    {
      ...{ $schema: DRAFT_2019, $recursiveAnchor: true, required: ["no"] },
      anyOf: list(2, { properties: { n: { $recursiveRef: "#" } } }),
    },
    [call("invalid", nested(60), 24)],
  ),
  schemaInput("conditions that double, 12 levels", "either", conditions(12), [call("valid", {}, 8)]),
  schemaInput("conditions that double, 40 levels", "no", conditions(40), []),
  schemaInput("a tower of dynamic references, 6 levels", "either", dynamicTower(6), [call("either", nested(20), 8)]),
  schemaInput("a tower of dynamic references, 60 levels", "either", dynamicTower(60), [call("either", nested(20), 8)]),
  schemaInput(
    "a chain of 1,900 references",
    "either",
    () => ({
      $defs: members(names(1_900), (_, index) =>
        index === 1_899 ? { type: "string" } : { $ref: `#/$defs/p${index + 1}` },
      ),
      $ref: "#/$defs/p0",
    }),
    [call("valid", "a"), call("invalid", 1)],
  ),
  schemaInput(
    "references in a ring",
    "no",
    { $defs: { a: { $ref: "#/$defs/b" }, b: { $ref: "#/$defs/a" } }, $ref: "#/$defs/a" },
    [],
  ),
  schemaInput(
    "60 times not",
    "either",
    tower(60, (inner) => ({ not: inner }), { type: "string" }),
    [call("valid", "a"), call("invalid", 1)],
  ),
  schemaInput(
    "items in items, 60 levels",
    "yes",
    tower(60, (items) => ({ items }), { type: "string" }),
    [
      call(
        "invalid",
        tower(60, (inner) => [inner], 1),
      ),
    ],
  ),
  textInput("items in items, 10,000 levels", "no", `${'{"items":'.repeat(10_000)}true${"}".repeat(10_000)}`),
];

/** Expressions that take for ever. */
const PATTERNS: readonly HostileInput[] = [
  schemaInput("a pattern that backtracks", "yes", { items: { pattern: "^(a+)+$" } }, [
    call("invalid", () => [`${"a".repeat(200_000)}!`], 8),
  ]),
  schemaInput("wildcards in wildcards", "yes", { items: { pattern: "^(.*)*(.*)*(.*)*x$" } }, [
    call("invalid", () => ["y".repeat(100_000)], 8),
  ]),
  schemaInput("a pattern of many states", "either", { items: { pattern: "^(a?){300}a{300}$" } }, [
    call("either", () => ["a".repeat(100_000)], 8),
  ]),
  schemaInput("a look-ahead that backtracks", "yes", { pattern: "^(?=(a+)+$)" }, [
    call("invalid", `${"a".repeat(40)}!`, 24),
  ]),
  schemaInput("a look-behind that backtracks", "yes", { pattern: "(?<=^(a|aa|aaa)+)b$" }, [
    call("either", `${"a".repeat(60)}!b`, 24),
  ]),
  schemaInput("an alternative that backtracks", "yes", { pattern: "^(?:(?=a)a|a)*$" }, [
    call("invalid", `${"a".repeat(40)}!`, 24),
  ]),
  schemaInput("a reference back to a group", "either", { pattern: "^(a+)\\1\\1\\1b$" }, [
    call("invalid", "a".repeat(20_000), 8),
  ]),
  schemaInput("names by a look-ahead", "yes", { propertyNames: { pattern: "^(?=(p+)+$)" } }, [
    call("invalid", { [`${"p".repeat(40)}!`]: 1 }, 8),
  ]),
  schemaInput("a pattern that is none", "no", { pattern: "(" }, []),
  schemaInput("a repetition of a hundred thousand", "either", { pattern: "^a{2,100000}$" }, [call("valid", "aaa")]),
  schemaInput(
    "patterns without end",
    "either",
    { properties: members(names(400), () => ({ pattern: "^[a-z]{1,900}$" })) },
    [call("either", { p1: "a" })],
  ),
];

/** What is refused for what it is. */
const REFUSED: readonly HostileInput[] = [
  schemaInput("faults without number", "no", { allOf: list(6_000, 1) }, []),
  schemaInput(
    "keywords without number",
    "either",
    members(names(15_000), () => 1),
    [call("valid", 1)],
  ),
  schemaInput("an asynchronous schema", "no", { $async: true }, []),
  schemaInput("rules from the payload", "no", { properties: { a: { maximum: { $data: "1/b" } } } }, []),
  schemaInput("a reference to the network", "no", { $ref: "http://169.254.169.254/latest" }, []),
  schemaInput("a reference to a file", "no", { $ref: "file:///etc/passwd" }, []),
  schemaInput("a draft that is none", "no", { $schema: "https://example.com/mine" }, []),
  schemaInput("one name twice", "no", { $defs: { a: { $id: "x" }, b: { $id: "x" } } }, []),
  textInput("a prototype as a property", "no", '{"properties":{"__proto__":{"type":"string"}}}'),
  textInput("a prototype as what is required", "no", '{"required":["__proto__"]}'),
  textInput("half a character", "no", '{"title":"\\ud800"}'),
  textInput("no JSON", "no", '{"type":'),
  textInput("one key twice", "no", '{"type":"string","type":"number"}'),
  schemaInput("a schema of 300 kB", "no", () => ({ description: "x".repeat(300_000) }), []),
];

/** Contracts as large as they may be, and larger. */
const LARGE: readonly HostileInput[] = [
  {
    name: "a contract of 4 MB",
    registers: "either",
    tools: () =>
      names(118).map((name) => ({ name, payload: JSON.stringify(wide(900, { type: "string", enum: [name] })) })),
    calls: [{ ...call("invalid", { p1: "a" }, 4), tool: "p50" }],
  },
  {
    name: "a contract of 4 MB with a thousand tools",
    registers: "either",
    tools: () => names(1_000).map((name) => ({ name, payload: JSON.stringify(wide(90, { type: "string" })) })),
    calls: [{ ...call("invalid", { p1: 1 }, 4), tool: "p500" }],
  },
  {
    name: "a contract of 4 MB of slow schemas",
    registers: "either",
    tools: () => names(16).map((name) => ({ name, payload: JSON.stringify(MUCH_CODE()) })),
    calls: [{ ...call("valid", { p1: 5 }, 4), tool: "p15" }],
  },
  {
    name: "a description of 3 MB",
    registers: "either",
    tools: () => [{ name: "tool", payload: "{}" }],
    description: () => "x".repeat(3_000_000),
    calls: [call("valid", 1)],
  },
  {
    name: "a contract of 6 MB",
    registers: "no",
    tools: () => names(30).map((name) => ({ name, payload: JSON.stringify({ description: "x".repeat(200_000) }) })),
    calls: [],
  },
];

/** Schemas of all kinds that have held a node up, or might. */
export const SCHEMA_INPUTS: readonly HostileInput[] = [...COSTLY, ...TOWERS, ...PATTERNS, ...REFUSED, ...LARGE];
