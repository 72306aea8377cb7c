import { describe, expect, test } from "vitest";
import { JsonScanner } from "../../src/json/json-scanner.js";
import { type ReadJson, readJson, readJsonSteps } from "../../src/json/read-json.js";
import { type Random, seeded } from "../schemas/random-schema.js";

const BOUNDS = { maxDepth: 64, maxContainers: 100_000, maxDistinctKeys: 100_000 };

/** Scans a text in steps of `stepBytes`. */
function scan(text: string, stepBytes: number): JsonScanner {
  const scanned = new JsonScanner();
  scanned.begin(Buffer.from(text), BOUNDS);
  while (!scanned.step(stepBytes));
  return scanned;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const PIECES = [
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  '"',
  "\\",
  "u0041",
  "a",
  "é",
  "0",
  "1",
  "-",
  ".",
  "e",
  "+",
  "true",
  "null",
];
const BLANKS = ["", " ", "\n", "\t\r"];

/** A value that every rule of the grammar has part in. */
function build(random: Random, depth: number): string {
  const blank = () => BLANKS[random(BLANKS.length)] ?? "";
  const list = (each: (index: number) => string) => Array.from({ length: random(4) }, (_, i) => each(i)).join(",");
  switch (random(depth === 0 ? 3 : 5)) {
    case 0:
      return ["0", "-1", "12.50", "3e2", "1E-7", "-0.1e+3", "12345678901234567"][random(7)] ?? "";
    case 1:
      return ["true", "false", "null"][random(3)] ?? "";
    case 2:
      return ['""', '"a\\n\\u00e9"', '"é\\\\"', '"\\"[{,"'][random(4)] ?? "";
    case 3:
      return `[${blank()}${list(() => blank() + build(random, depth - 1) + blank())}]`;
    default:
      return `{${blank()}${list((index) => `"k${index}"${blank()}:${build(random, depth - 1)}${blank()}`)}}`;
  }
}

/** Leaves a piece out, puts one in, or puts one in another's place. */
function damage(random: Random, text: string): string {
  const at = random(text.length + 1);
  return text.slice(0, at) + (PIECES[random(PIECES.length + 3)] ?? "") + text.slice(at + random(3));
}

describe("the scan", () => {
  test("takes what JSON.parse takes, and refuses what it refuses, whatever the steps", () => {
    const random = seeded(1);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      let text = ` ${build(random, 3)}`;
      for (let damages = random(3); damages > 0; damages--) text = damage(random, text);
      const steps = [1, 2, 7, text.length * 4 + 1].map((stepBytes) => scan(text, stepBytes));
      const [first] = steps;
      for (const each of steps) expect(each.fault, text).toEqual(first?.fault);
      // A number that is too large, and a key that comes twice, are JSON.
      if (first?.fault !== undefined && first.fault.rule !== "grammar") continue;
      expect(first?.fault === undefined, text).toBe(isJson(text));
      if (first?.fault !== undefined) refused++;
    }
    expect(refused).toBeGreaterThan(5_000);
  });

  test("finds the same faults in small steps, at the same places", () => {
    const deep = "[".repeat(65);
    const texts = ['{"a":1,"\\u0061":2}', '{"__proto__":1}', "[1e999]", deep, '["\\ud83d"]', '{"é":{"a":[1,2}]}'];
    for (const text of texts) {
      const once = scan(text, 1_000);
      for (const stepBytes of [1, 3]) expect(scan(text, stepBytes).fault).toEqual(once.fault);
    }
  });

  test("counts what making the value costs", () => {
    const { containers, values, members, distinctKeys } = scan('{"a":[1,"x",{"a":true,"b":null}]}', 5);
    expect({ containers, values, members, distinctKeys }).toEqual({
      ...{ containers: 3, values: 7, members: 3, distinctKeys: 2 },
    });
  });

  test("takes one step no further than it was asked to, but for a number or an escape", () => {
    const scanned = new JsonScanner();
    scanned.begin(Buffer.from(`["${"a".repeat(1_000)}"]`), BOUNDS);
    let steps = 1;
    while (!scanned.step(10)) steps++;
    expect(steps).toBe(101);
  });
});

test("a text that is read in steps is read as one that is read at once", () => {
  const long = (member: string) => `{"rows":[${"[1,2],".repeat(5_000)}0],${member}}`;
  const members = [
    '"a":9007199254740993',
    '"a":"ü"',
    '"rows":1',
    '"__proto__":1',
    '"a":1e999',
    '"a":}',
    '"a":1',
    '"a"',
  ];
  for (const member of members) {
    const bytes = Buffer.from(long(member));
    const steps = readJsonSteps(bytes, { maxBytes: 100_000 });
    let count = 0;
    let read: ReadJson | undefined;
    for (; read === undefined; count++) {
      const { done, value } = steps.next();
      if (done) read = value;
    }
    expect(count).toBeGreaterThanOrEqual(2);
    const once = readJson(bytes, { maxBytes: 100_000 });
    if (read.kind === "ok" && once.kind === "ok") {
      expect(read.parseWork).toBeGreaterThan(0);
      const { value, longNumbers } = read;
      expect({ value, longNumbers }).toEqual({ value: once.value, longNumbers: once.longNumbers });
    } else expect(read).toEqual(once);
  }
});
