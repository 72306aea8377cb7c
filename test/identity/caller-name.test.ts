import { expect, test } from "vitest";
import { callerName } from "../../src/identity/caller-name.js";

test.each([
  ["default", "anonymous", "default anonymous"],
  ["", "", "- -"],
  ["-", "a-b", "%2D a-b"],
  ['a"b', "c\\d", "a%22b c%5Cd"],
  ["a b", "100%", "a%20b 100%25"],
  ["line\nbreak", "nul\0,é😀", "line%0Abreak nul%00,%C3%A9%F0%9F%98%80"],
  ["half \ud83d", "x", "half%20%EF%BF%BD x"],
])("the caller %j %j is two words: %s", (tenant, id, name) => {
  expect(callerName({ tenant, id })).toBe(name);
});
