import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Environment } from "@marcbachmann/cel-js";
import { describe, expect, test } from "vitest";
import { type ConditionVerdict, parseCondition } from "../../../src/access/policy/condition.js";
import type { Principal } from "../../../src/identity/principal.js";
import { DEFAULT_TENANT } from "../../../src/identity/tenant.js";
import type { Json } from "../../../src/json/json.js";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";

const ANN: Principal = {
  tenant: DEFAULT_TENANT,
  id: "ann",
  kind: "key",
  roles: ["agent"],
  attributes: { team: "red" },
};

function judge(source: string, args: Json): ConditionVerdict {
  const parsed = parseCondition(source);
  if (parsed.kind === "refused") throw new Error(`${source}: ${parsed.reason}`);
  return parsed.condition.judge(args, ANN);
}

test.each<[string, Json, ConditionVerdict]>([
  ["args.count > 5", { count: 6 }, "holds"],
  ["args.count > 5", { count: 5 }, "fails"],
  ["args.count > 5", { count: "6" }, "fault"],
  ["args.count > 5", {}, "fault"],
  ["args.count == 5 && args.price <= 2.5", { count: 5, price: 2.5 }, "holds"],
  ["args.count + 1 == 6 && args.count - -1 == 6 && 2 * args.count == 10", { count: 5 }, "holds"],
  ["args.path.startsWith('/public/') && !args.path.contains('..')", { path: "/public/a" }, "holds"],
  ["args.path.startsWith('/public/') && !args.path.contains('..')", { path: "/public/../etc" }, "fails"],
  ["args.name.lowerAscii().endsWith('.exe')", { name: "A.EXE" }, "holds"],
  ["args.name.matches('^[a-z]+$')", { name: "abc" }, "holds"],
  ["args.name.matches('^[a-z]+$')", { name: "abc1" }, "fails"],
  ["has(args.path) && args.path == 'x'", {}, "fails"],
  ["has(args.a.b)", { a: { b: null } }, "holds"],
  ["args.kind in ['a', 'b'] || 'x' in args.map", { kind: "c", map: { x: 1 } }, "holds"],
  ["args.list.all(x, x < 10)", { list: [1, 9] }, "holds"],
  ["args.list.exists(x, x.id == 'b')", { list: [{ id: "a" }, { id: "b" }] }, "holds"],
  ["args.list.exists(x, x.id == 'c')", { list: [{}, { id: "c" }] }, "holds"],
  ["args.list.exists(x, x.id == 'd')", { list: [{}, { id: "c" }] }, "fault"],
  ["args.list.exists_one(x, x == 1)", { list: [1, 1] }, "fails"],
  ["size(args.list.filter(x, x > 1)) == 2", { list: [1, 2, 3] }, "holds"],
  ["args.map.all(key, key.startsWith('x-'))", { map: { "x-a": 1 } }, "fault"],
  ["size(args.map) == 1", { map: { "x-a": 1 } }, "fault"],
  ["args.map == args.map", { map: {} }, "fault"],
  ["args.a.exists(x, args.b.exists(y, x == y))", { a: [1, 2], b: [2] }, "holds"],
  ["args.list[1] == 'b' && args['list'][0] == 'a'", { list: ["a", "b"] }, "holds"],
  ["args.list[2] == 'b'", { list: ["a", "b"] }, "fault"],
  ["args.list[-1] == 'b'", { list: ["a", "b"] }, "fault"],
  [
    "principal.id == 'ann' && principal.attributes.team == args.team && 'agent' in principal.roles",
    { team: "red" },
    "holds",
  ],
  ["principal.attributes.boss == 'x'", {}, "fault"],
  ["args.missing || true", {}, "holds"],
  ["args.missing && false", {}, "fails"],
  ["args.missing || false", {}, "fault"],
  ["size(args.text) == 2", { text: "é😀" }, "holds"],
  ["args.a == args.b", { a: [1, ["x", null]], b: [1, ["x", null]] }, "holds"],
  ["args.a == args.b", { a: [1], b: { 0: 1 } }, "fails"],
  ["args.flag", { flag: "true" }, "fault"],
  ["args.flag ? args.n == 1 : args.n == 2", { flag: false, n: 2 }, "holds"],
])("%s of %j: %s", (source, args, verdict) => {
  expect(judge(source, args)).toBe(verdict);
});

test.each([
  ["args.x +", /at character|EOF/],
  ["nothing.x == 1", /nothing/],
  ["1 + 1", /true or false/],
  ["args.list.map(x, x) == []", /map/],
  ["args.x == {'a': 1}", /Exceeded/],
  ["args.a.join(',') == ''", /join/],
  ["cel.bind(x, args.a, x == x)", /bind/],
  ["args.a.matches(args.b)", /literal pattern/],
  ["args.a.matches('(a)\\\\1')", /linear/],
  ["args.n == 9007199254740993", /2\^53/],
  ["args.n / 2 == 1", /\//],
  ["b'abc' == args.x", /2\^53|text/],
  ["timestamp('2026-01-01T00:00:00Z') == args.t", /timestamp/],
  ["type(args.x) == string", /type/],
  ["'a' < 1", /overload/],
  ["args.x.y.constructor('return 1')", /constructor/],
  [`${"(".repeat(40)}true${")".repeat(40)}`, /maxDepth|Exceeded/],
  [`args.x in [${"1,".repeat(80)}1]`, /Exceeded/],
  [Array(200).fill("args.x").join("||"), /Exceeded/],
])("%s is refused, and it is said why", (source, why) => {
  const parsed = parseCondition(source);
  expect(parsed).toMatchObject({ kind: "refused", reason: expect.stringMatching(why) });
});

describe("docs/access.md", () => {
  const page = readFileSync(join(PACKAGE_ROOT, "docs", "access.md"), "utf8");
  const [, table = ""] = page.split("| CEL has | such as | Here |\n|---|---|---|\n");
  const rows = table.slice(0, table.indexOf("\n\n")).split("\n");
  const args = { n: 2, text: "a", flag: false, map: { a: 1 }, list: [1], pattern: "a" };

  test.each(rows)("%s", (row) => {
    const [, , example = "", here = ""] = row.split(" | ").join("|").split("|");
    const source = example.trim().replace(/^`(.*)`$/, "$1");
    const parsed = parseCondition(source);
    if (here.includes("refused")) expect(parsed).toMatchObject({ kind: "refused" });
    else {
      expect(here).toContain("cannot be judged");
      expect(judge(source, args)).toBe("fault");
    }
  });

  test("what a map can be asked", () => {
    expect(judge("'a' in args.map && args.map.a == 1 && has(args.map.a) && !has(args.map.b)", args)).toBe("holds");
  });
});

test("nothing but own members is seen, whatever the arguments are named", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty", "prototype"]) {
    const parsed = parseCondition(`has(args.${name}) || args['${name}'] == null`);
    if (parsed.kind === "refused") continue;
    expect(parsed.condition.judge({}, ANN), name).toBe("fault");
    expect(parsed.condition.judge([], ANN), name).toBe("fault");
  }
  expect(judge("args['constructor'] == 'mine'", { constructor: "mine" } as Json)).toBe("holds");
  expect(judge("args.list.length == 1 || args.text.length == 1", { list: [1], text: "a" })).toBe("fault");
});

const big = (size: number, item: (index: number) => Json): Json =>
  Array.from({ length: size }, (_, index) => item(index));

test.each<[string, string, Json]>([
  ["nested loops", "args.a.all(x, args.a.all(y, args.a.all(z, x + y + z >= 0)))", { a: big(1_000, (index) => index) }],
  ["loops over errors", "args.a.exists(x, args.a.exists(y, y.missing == x))", { a: big(5_000, () => ({})) }],
  [
    "loops over keys",
    "args.a.all(x, true) || size(args.a) > 0 || args.a == args.a",
    { a: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, 1])) },
  ],
  [
    "long texts, compared again and again",
    "args.a.all(x, args.t != args.u)",
    { a: big(50_000, () => 1), t: "a".repeat(500_000), u: `${"a".repeat(499_999)}b` },
  ],
  [
    "long texts, searched again and again",
    `args.a.all(x, !args.t.contains('${"a".repeat(200)}b'))`,
    { a: big(50_000, () => 1), t: "a".repeat(500_000) },
  ],
  [
    "large values, compared",
    "args.a.all(x, args.b == args.c)",
    { a: big(50_000, () => 1), b: big(50_000, (index) => [index]), c: big(50_000, (index) => [index]) },
  ],
  [
    "membership in large lists",
    "args.a.all(x, !(x in args.b))",
    { a: big(20_000, (index) => -1 - index), b: big(20_000, (index) => index) },
  ],
  ["patterns that would backtrack", "args.t.matches('^(a+)+$')", { t: `${"a".repeat(1_000_000)}b` }],
  [
    "characters, counted again and again",
    "args.a.all(x, size(args.t) > 0)",
    { a: big(50_000, () => 1), t: "é".repeat(500_000) },
  ],
  [
    "filters of filters",
    "args.a.filter(x, args.a.filter(y, y == x).size() > 0).size() > 0",
    { a: big(10_000, (index) => index) },
  ],
])("%s are given up within 5 ms of CPU, and deny", (_what, source, args) => {
  judge(source, args); // the code is warm, as it is for a node's later calls
  const times = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    expect(judge(source, args)).toBe("fault");
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  // The collector of garbage has threads of its own; the best of some is what the judgement took.
  expect(Math.min(...times)).toBeLessThan(5);
});

test("what both can judge is judged as the library judges it", () => {
  let state = 7;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const pick = <Item>(items: readonly Item[]): Item => items[random(items.length)] as Item; // there is one
  const value = (depth: number): string => {
    const leaves = [
      "args.n",
      "args.s",
      "args.l",
      "args.b",
      "args.missing",
      "1",
      "2.5",
      "'a'",
      "true",
      "null",
      "['a', 'b']",
      "x",
    ];
    if (depth === 0) return pick(leaves);
    return pick([
      () => pick(leaves),
      () => `args.l[${random(3)}]`,
      () => `size(${value(depth - 1)})`,
      () => `args.m.k${random(2)}`,
      () => `args.l.filter(x, ${truth(depth - 1)})`,
      () => truth(depth - 1),
    ])();
  };
  const truth = (depth: number): string => {
    if (depth === 0) return pick(["true", "false", "args.b", "args.missing", "has(args.n)", "has(args.missing)"]);
    return pick([
      () => `(${truth(depth - 1)} && ${truth(depth - 1)})`,
      () => `(${truth(depth - 1)} || ${truth(depth - 1)})`,
      () => `!${truth(depth - 1)}`,
      () => `(${truth(depth - 1)} ? ${truth(depth - 1)} : ${truth(depth - 1)})`,
      () => `(${value(depth - 1)} ${pick(["==", "!="])} ${value(depth - 1)})`,
      () =>
        `(${pick(["args.n", "args.s", "size(args.l)", "2.5", "'a'"])} ${pick(["<", ">="])} ${pick(["args.n", "args.s", "1"])})`,
      () => `(${value(depth - 1)} in ${pick(["args.l", "args.m", "['a', 1]"])})`,
      () =>
        `${pick(["args.s", "args.l", "x"])}.${pick(["startsWith", "endsWith", "contains"])}('${pick(["a", "bc", ""])}')`,
      () => `args.l.${pick(["all", "exists", "exists_one"])}(x, ${truth(depth - 1)})`,
    ])();
  };
  const values: Json[] = [
    { n: 1, s: "abc", l: ["a", 1, true], m: { k0: "a", k1: 2 }, b: true },
    { n: 2.5, s: "", l: [], m: {}, b: false },
    { n: "1", s: 5, l: [[], ["b"], null], m: { k0: [1] }, b: "yes" },
  ];
  const library = new Environment({ homogeneousAggregateLiterals: false })
    .registerVariable("args", "dyn")
    .registerVariable("principal", "map<string, dyn>");
  let compared = 0;
  for (let count = 0; count < 4_000; count++) {
    const source = truth(3);
    const parsed = parseCondition(source);
    if (parsed.kind === "refused") continue;
    for (const args of values) {
      compared++;
      expect(`${source} of ${JSON.stringify(args)}: ${parsed.condition.judge(args, ANN)}`).toBe(
        `${source} of ${JSON.stringify(args)}: ${libraryVerdict(library, source, args)}`,
      );
    }
  }
  expect(compared).toBeGreaterThan(1_000);
});

function libraryVerdict(library: Environment, source: string, args: Json): ConditionVerdict {
  try {
    const verdict: unknown = library.evaluate(source, { args, principal: {} });
    return verdict === true ? "holds" : verdict === false ? "fails" : "fault";
  } catch {
    return "fault";
  }
}
