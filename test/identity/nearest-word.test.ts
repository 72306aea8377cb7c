import { expect, test } from "vitest";
import { nearestWord } from "../../src/identity/nearest-word.js";

test.each([
  ["lsiten", "listen"],
  ["Listen", "listen"],
  ["lisen", "listen"],
  ["retention", undefined],
  ["", undefined],
  ["lockttlms", "lockTtlMs"],
])("%s means %s", (word, meant) => {
  expect(nearestWord(word, ["listen", "lockTtlMs", "registry"])).toBe(meant);
});
