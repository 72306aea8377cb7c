import { describe, expect, test } from "vitest";
import { lintScripts } from "../../../tools/lint-lua/lint-scripts.js";

const HEADER = "-- KEYS    none\n-- ARGV    none\n-- Returns 0\n";
const lint = (lua: string) => lintScripts([{ name: "SCRIPT", lua: HEADER + lua }]);

describe("finds", () => {
  test.each<[string, string, string]>([
    ["what is no Lua", "local = 1", "line 4: "],
    ["what Lua 5.1 does not have", "goto over ::over:: return 0", "line 4: "],
    ["a name that nothing defines", "return lenght(KEYS[1])", "lenght is not defined"],
    [
      "a name that is defined later",
      "local function a() return b() end\nlocal function b() return 1 end\nreturn a() + b()",
      "b is not defined",
    ],
    ["what Redis keeps from scripts", "return dofile('x')", "dofile is not defined"],
    ["a global that is made", "count = 1 return 0", "count is assigned and not defined"],
    ["a local that nothing uses", "if KEYS[1] then local n = 1 end return 0", "n is never used"],
    ["a local that is only assigned to", "if KEYS[1] then local n = 1 n = 2 end return 0", "n is never used"],
    ["a parameter that nothing uses", "local function f(a, b) return a end return f(1, 2)", "b is never used"],
    [
      "a name defined twice in a block",
      "local a = 1 local a = a + 1 return a",
      "a is defined in this block already, on line 4",
    ],
    ["what no script uses", "local function f() return 1 end return 0", "f is used by no script"],
    [
      "what the own part of no script uses",
      "local function run() local n = 1 return 0 end return run()",
      "n is used by no script",
    ],
    ["a function that only itself uses", "local function f(n) return f(n) end return 0", "f is used by no script"],
  ])("%s", (_, lua, finding) => {
    expect(lint(lua)).toEqual([expect.stringContaining(finding)]);
  });

  test("a header that lacks a line", () => {
    expect(lintScripts([{ name: "SCRIPT", lua: "-- KEYS    none\n-- Returns 0\nreturn 0" }])).toEqual([
      'SCRIPT, line 1: its header has no line that begins with "-- ARGV": -- KEYS    none',
    ]);
  });
});

test("a name that another script uses for something else is no use", () => {
  const scripts = [
    { name: "ONE", lua: `${HEADER}local function run()\nlocal key = 1\nreturn 0\nend\nreturn run()` },
    { name: "OTHER", lua: `${HEADER}local function run()\nlocal key = 2\nreturn key\nend\nreturn run()` },
  ];
  expect(lintScripts(scripts)).toEqual(["key is used by no script: local key = 1"]);
});

describe("accepts", () => {
  test.each<[string, string]>([
    ["flags in the first line", "return redis.call('TIME')"],
    ["a local function that calls itself", "local function f(n) return n == 0 and 0 or f(n - 1) end return f(3)"],
    [
      "one that is defined where it was declared",
      "local f\nlocal function g() return f() end\nfunction f() return 1 end return g()",
    ],
    ["names that say that they are not needed", "for _, key in ipairs(KEYS) do redis.call('DEL', key) end return 0"],
    ["what a loop's end reads of its body", "repeat local page = redis.call('DBSIZE') until page == 0 return 0"],
    ["fields, methods and texts", "local t = { a = 1, ['b'] = 2, 3 } return t.a .. t['b'] .. #t .. ('x'):rep(2)"],
  ])("%s", (_, lua) => {
    expect(lint(lua)).toEqual([]);
    expect(lintScripts([{ name: "SCRIPT", lua: `#!lua flags=allow-oom\n${HEADER}${lua}` }])).toEqual([]);
  });

  test("what one script of two uses", () => {
    const shared = `${HEADER}local function f() return 1 end\n`;
    const scripts = [
      { name: "ONE", lua: `${shared}return f()` },
      { name: "OTHER", lua: `${shared}return 0` },
    ];
    expect(lintScripts(scripts)).toEqual([]);
  });
});
