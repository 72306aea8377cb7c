import { expect, test } from "vitest";
import { differenceLines, differences } from "../../src/documents/differences.js";

test.each([
  ["equal values", { a: [1, { b: null }] }, { a: [1, { b: null }] }, []],
  ["members in another order", { a: 1, b: 2 }, { b: 2, a: 1 }, []],
  [
    "a member more, a member less, another value",
    { a: 1, b: 2 },
    { b: 3, c: 4 },
    ["removed /a", "changed /b", "added /c"],
  ],
  ["places deep within", { r: [{ e: "allow" }, 2] }, { r: [{ e: "deny" }] }, ["changed /r/0/e", "removed /r/1"]],
  ["another type", { a: [] }, { a: {} }, ["changed /a"]],
  ["nothing before", {}, { a: { b: 1 } }, ["added /a"]],
  ["names that pointers escape", {}, { "a/b~c": 1 }, ["added /a~1b~0c"]],
  [
    "names of an object's prototype",
    {},
    JSON.parse('{"constructor":1,"__proto__":2}'),
    ["added /constructor", "added /__proto__"],
  ],
  ["the whole", { a: 1 }, [1], ["changed the whole document"]],
])("%s", (_, before, after, lines) => {
  expect(differenceLines(before, after)).toEqual(lines);
});

test("never says what stands there, and never more lines than a reader takes", () => {
  const many = (text: string) => Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`m${i}`, text]));
  const lines = differenceLines(many("secret"), many("hidden"));
  expect(lines).toHaveLength(64);
  expect(lines.at(-1)).toBe("and more");
  expect(lines.join()).not.toMatch(/secret|hidden/);
  expect(differences(many("a"), many("b"), 8)).toHaveLength(8);
});
