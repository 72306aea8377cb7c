import {
  call,
  type HostileInput,
  type HostileResult,
  list,
  members,
  names,
  nested,
  rawCall,
  schemaInput,
} from "./input.js";

/** Names that are something in JavaScript, and text that would be if it were pasted into code. */
const NAMES = [
  ...["constructor", "toString", "hasOwnProperty", "valueOf", "__defineGetter__", "prototype", "then"],
  ...["\u2028", "'", '"', "\\", "`$\u007bprocess.exit()}`", "*/process.exit()/*", "\n", "\0"],
];
const RESERVED = ["__proto__", "constructor", "prototype"];

const numbers = (count: number): string =>
  `[${list(count, "0.1000000000000000055511151231257827021181583404541015625").join(",")}]`;

/** Values that are hard to read or to judge, whatever the schema. */
export const VALUE_INPUTS: readonly HostileInput[] = [
  schemaInput("large values of a plain schema", "yes", { type: ["object", "array", "string", "number"] }, [
    rawCall("valid", () => JSON.stringify("x".repeat(1_000_000))),
    rawCall("valid", () => JSON.stringify("\u0001".repeat(170_000))),
    rawCall("valid", () => `[${list(500_000, "1").join(",")}]`),
    rawCall("valid", () => `[${list(140_000, "[]").join(",")}]`),
    call("valid", () => members(names(31_000), () => 1)),
    // More of them than a value may have.
    rawCall("malformed", () => `[${list(340_000, "[]").join(",")}]`),
    rawCall("malformed", () => `[${list(340_000, "{}").join(",")}]`),
    call("malformed", () => members(names(80_000), () => 1)),
    rawCall("malformed", () => `{${Array.from({ length: 60_000 }, (_, index) => `"${index * 65_537}":1`).join(",")}}`),
  ]),
  schemaInput("large values of a schema for each part", "yes", { items: { type: "string", minLength: 2 } }, [
    rawCall("invalid", () => `[${list(500_000, "1").join(",")}]`),
    call("valid", () => list(60_000, "some text")),
    call("invalid", () => list(250_000, "a")),
  ]),
  schemaInput("values that are too large", "yes", {}, [
    rawCall("malformed", () => JSON.stringify("x".repeat(2_000_000))),
  ]),
  schemaInput("values that nest", "yes", {}, [
    rawCall("malformed", () => "[".repeat(200_000)),
    rawCall("malformed", () => `${"[".repeat(10_000)}${"]".repeat(10_000)}`),
    rawCall("malformed", () => `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`),
    rawCall("valid", () => `${"[".repeat(60)}${"]".repeat(60)}`),
  ]),
  schemaInput("values that are no JSON", "yes", {}, [
    rawCall("malformed", () => '{"a":1,"a":2}'),
    rawCall("malformed", () => '{"__proto__":{"a":1}}'),
    rawCall("malformed", () => '{"a":{"\\u005f_proto__":1}}'),
    rawCall("malformed", () => "NaN"),
    rawCall("valid", () => ""), // no payload is an empty object
    rawCall("malformed", () => '"a'),
    rawCall("malformed", () => "1e400"),
    rawCall("malformed", () => new Uint8Array([0x22, 0xff, 0xfe, 0x22])),
    rawCall("malformed", () => new Uint8Array(500_000)),
    rawCall("malformed", () => `{${list(80_000, '"a":1').join(",")}}`),
  ]),
  schemaInput(
    "numbers as they were written",
    "yes",
    { items: { multipleOf: 0.001, maximum: 2 ** 53 }, uniqueItems: true },
    [
      rawCall("either", () => numbers(15_000)),
      rawCall("either", () => `[${list(30_000, "9007199254740993").join(",")}]`),
      rawCall("either", () => `[${"1".repeat(300)}]`),
      rawCall("either", () => "1".repeat(900_000)),
      rawCall("either", () => `0.${"1".repeat(900_000)}`),
    ],
  ),
  schemaInput(
    "names of JavaScript",
    "yes",
    { required: NAMES, properties: members(NAMES, () => ({ type: "number", minimum: 5 })) },
    [call("valid", () => members(NAMES, () => 5)), call("invalid", () => members(NAMES, () => 1)), call("invalid", {})],
  ),
  {
    name: "tools with names of JavaScript",
    registers: "yes",
    tools: () => RESERVED.map((name) => ({ name, payload: '{"type":"string"}' })),
    calls: RESERVED.flatMap((tool) => [
      { ...call("valid", "a"), tool },
      { ...call("invalid", 1), tool },
    ]),
  },
  schemaInput(
    "bounds out of reach",
    "either",
    { maxLength: 1e300, minItems: 1e300, maximum: 1e308, multipleOf: 1e-300 },
    [call("valid", "a"), call("either", 1e308), call("invalid", [])],
  ),
];

/** What a hostile provider answers. */
export const HOSTILE_RESULTS: readonly HostileResult[] = [
  {
    name: "doubles",
    schema: JSON.stringify({
      $defs: { node: { anyOf: list(2, { properties: { n: { $ref: "#/$defs/node" } } }), required: ["no"] } },
      $ref: "#/$defs/node",
    }),
    result: () => JSON.stringify(nested(60)),
    truth: "invalid",
    times: 6,
  },
  {
    name: "backtracks",
    schema: JSON.stringify({ pattern: "^(?=(a+)+$)" }),
    result: () => JSON.stringify(`${"a".repeat(40)}!`),
    truth: "invalid",
    times: 6,
  },
  {
    name: "all-invalid",
    schema: JSON.stringify({ items: { type: "string", enum: names(19) } }),
    result: () => `[${list(1_000_000, "1").join(",")}]`,
    truth: "invalid",
    times: 2,
  },
  {
    name: "long",
    schema: JSON.stringify({ items: { pattern: "^[^b]*$", maxLength: 3_000_000 } }),
    result: () => JSON.stringify(["a".repeat(2_900_000)]),
    truth: "valid",
    times: 2,
  },
];
