import { describe, expect, test } from "vitest";
import { linearPattern } from "../../src/schemas/linear-regexp.js";

/** Texts in which engines differ: white space, line ends, letters and digits beyond ASCII, halves of characters, brackets. */
const TEXTS = [
  ..."\t\n\v\f\r \u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff\u200b\u180e\u0085",
  ..."aAzZ_0 9é߀৪-[]^$.\\/:{}\u{1f432}\u0000\b",
  "\ud800",
  "\udc00",
  "",
  "ab",
  "a\n",
  "\na",
  "a-z",
  "aa",
  "0123",
  "x{2}",
  "αβ",
  "a]",
  "[:alpha:]",
];

function sameAsEngine(pattern: string): void {
  const linear = linearPattern(pattern);
  if (linear.kind === "refused") throw new Error(linear.reason);
  const engine = new RegExp(pattern, "u");
  const differing = TEXTS.filter((text) => linear.test(text) !== engine.test(text));
  expect(differing.map((text) => JSON.stringify(text))).toEqual([]);
}

describe("patterns mean what ECMA-262 says", () => {
  test.each([
    String.raw`^\s$`,
    String.raw`^\S$`,
    String.raw`^[\s]$`,
    String.raw`^[^\s]$`,
    String.raw`^[\S]$`,
    String.raw`^[^\S\n]$`,
    String.raw`^[\d\D]$`,
    String.raw`^\w\W?$`,
    String.raw`^[\W_]$`,
    "^.$",
    "^.+$",
    "^a$",
    "[]",
    "^[^]$",
    "a[^]",
    "^[[]$",
    "^[[:alph]+",
    String.raw`^[\]\\]$`,
    "^[a-c0-9-]+$",
    String.raw`^[\b]$`,
    String.raw`\bab\b`,
    String.raw`^\u0041\x61?$`,
    String.raw`^\u{1f432}$`,
    String.raw`^\ud83d\udc32$`,
    "^\u{1f432}{1,2}$",
    String.raw`^\cJ$`,
    String.raw`^\0$`,
    String.raw`^[\0-\x1f]$`,
    String.raw`^\p{Letter}+$`,
    String.raw`^\P{L}$`,
    String.raw`^[^\p{Lu}\p{digit}]$`,
    String.raw`^\p{Script=Greek}+$`,
    String.raw`^\p{gc=Nd}$`,
    "^(?<letter>[a-z])+$",
    "^(a|b){1,2}?$",
    String.raw`^\[:alpha:\]$`,
    String.raw`^x\{2\}$`,
    "^x{2}$",
    "^[0-9]{2,4}$",
    String.raw`^\/|\-`.replace(String.raw`\-`, "-"),
    "^[^a]$",
    "^[a^]$",
    "$^",
  ])("%s", sameAsEngine);

  test("what RE2 and other engines have beside it is refused, with its name", () => {
    for (const letter of ["a", "A", "z", "Z", "Q", "C", "e", "h"]) {
      const linear = linearPattern(`^\\${letter}`);
      expect(linear).toMatchObject({ kind: "refused", reason: expect.stringContaining(`\\${letter}`) });
    }
    expect(linearPattern(String.raw`\p{Script_Extensions=Greek}`)).toMatchObject({
      reason: expect.stringContaining("Unicode properties"),
    });
    expect(linearPattern(String.raw`(a)\1`)).toMatchObject({ reason: expect.stringContaining("back references") });
    expect(linearPattern("(?=a)")).toMatchObject({ reason: expect.stringContaining("look-ahead") });
    expect(linearPattern("[a")).toMatchObject({ kind: "refused" });
    expect(linearPattern("(a")).toMatchObject({ kind: "refused" });
    expect(linearPattern("a**")).toMatchObject({ kind: "refused" });
    expect(linearPattern("[b-a]")).toMatchObject({ kind: "refused" });
  });

  test("schemas escape more than they need, and set flags as other engines have them", () => {
    const cases: [string, string, boolean][] = [
      [String.raw`^[\w\-\.\@]+\@$`, "a.b-c@@", true],
      [String.raw`^a\-b\_c$`, "a-b_c", true],
      [String.raw`^[\w-.]+$`, "a-.", true],
      ["(?i)^abc$", "ABC", true],
      ["(?i:a)b", "AB", false],
      ["(?s)^a.b$", "a\nb", true],
      ["(?P<year>[0-9]{4})", "2026", true],
      ["^a{,2}$", "a{,2}", true],
      ["^{a}$", "{a}", true],
    ];
    for (const [pattern, text, expected] of cases) {
      const linear = linearPattern(pattern);
      expect([pattern, linear.kind === "ok" && linear.test(text)]).toEqual([pattern, expected]);
    }
  });
});
