import type { Format } from "ajv";
import { fullFormats } from "ajv-formats/dist/formats.js";
import { describe, expect, test } from "vitest";
import { FORMATS } from "../../src/schemas/formats.js";
import { checkSchemaPolicy, DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";

function checkOf(format: Format | undefined): ((text: string) => boolean) | undefined {
  if (typeof format === "function") return format as (text: string) => boolean;
  if (format instanceof RegExp) return (text) => format.test(text);
  return undefined; // of numbers, or without a rule
}

const CHECKS = Object.entries(FORMATS).flatMap(([name, format]) => {
  const check = checkOf(format);
  return check === undefined ? [] : [[name, check] as const];
});

const PREFIXES = [
  "",
  "http://",
  "http://a@",
  "a@",
  "/",
  "#/",
  "1",
  "P1",
  "2026-01-01T00:00:00.",
  "{a",
  "[::",
  "(?<a>",
  "xn--",
];
const UNITS = [
  ..."a1-.:/@~%,=*#? \u00a1\n\\({",
  "%41",
  "a.",
  "a-",
  "1:",
  "{a}",
  "{a,",
  "~0",
  "[a",
  "\\k<a>",
  "(?<a>",
  "\u{1f600}",
  "a@a.",
  "xn--4ca.",
  "\u0628.",
  "\u0628\u200c",
];
const SUFFIXES = ["", "!", " ", "@", ".com", "}"];

function* shapes(characters: number): Generator<string> {
  for (const prefix of PREFIXES) {
    for (const unit of UNITS) {
      const middle = unit.repeat(characters / unit.length);
      for (const suffix of SUFFIXES) yield `${prefix}${middle}${suffix}`;
    }
  }
}

/** CPU time of this process while something is done, in milliseconds. */
function cpuMsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe("every format", () => {
  test("is one that a library or the drafts know, and none is lost", () => {
    expect(Object.keys(FORMATS)).toEqual(expect.arrayContaining(Object.keys(fullFormats)));
  });

  test.each(CHECKS)("%s takes time linear in a text of any shape", (_name, check) => {
    // The shapes that take longest when short are tried long: what is not linear takes minutes there.
    const timed = [...shapes(2_048)].map((text, index) => ({ index, took: timeOf(check, text) }));
    const worst = new Set(
      timed
        .sort((a, b) => b.took - a.took)
        .slice(0, 12)
        .map(({ index }) => index),
    );
    let index = 0;
    for (const text of shapes(131_072)) {
      if (!worst.has(index++)) continue;
      expect(cpuMsOf(() => check(text))).toBeLessThan(250);
    }
  });

  function timeOf(check: (text: string) => boolean, text: string): number {
    let least = Number.POSITIVE_INFINITY;
    for (let time = 0; time < 2; time++) {
      const sinceMs = performance.now();
      check(text);
      least = Math.min(least, performance.now() - sinceMs);
    }
    return least;
  }
});

describe("what ajv-formats judges otherwise", () => {
  test.each([
    ["uri", "https://user:pw@example.com:8080/a/b;c=1?q=%20#frag", true],
    ["uri", "urn:oasis:names:specification:docbook:dtd:xml:4.1.2", true],
    ["uri", "http://[2001:db8::7]/c=GB?objectClass?one", true],
    ["uri", "http://[v1.a:b]:80/", true],
    ["uri", "//example.com/no-scheme", false],
    ["uri", "http://example.com/a b", false],
    ["uri", "http://example.com/%zz", false],
    ["uri", "http://[::1", false],
    ["uri", "http://a:b:c/", false],
    ["uri", "http://example.com:port/", false],
    ["uri", "bar,baz:foo", false],
    ["uri-reference", "", true],
    ["uri-reference", "../a?b#c", true],
    ["uri-reference", "a/b:c", true],
    ["uri-reference", "1a:b", false],
    ["uri-reference", "\\\\WINDOWS\\share", false],
    ["uri-template", "http://example.com/{term:1}/{+path,x*}?{&q}", true],
    ["uri-template", "http://example.com/{term", false],
    ["uri-template", "a}b", false],
    ["uri-template", "{}", false],
    ["json-pointer", "", true],
    ["json-pointer", "/a~0b/~1/", true],
    ["json-pointer", "/a~2", false],
    ["json-pointer", "a", false],
    ["json-pointer-uri-fragment", "#/a%25", true],
    ["json-pointer-uri-fragment", "/a", false],
    ["relative-json-pointer", "0#", true],
    ["relative-json-pointer", "10/a", true],
    ["relative-json-pointer", "01/a", false],
    ["relative-json-pointer", "/a", false],
    ["url", "https://example.com", true],
    ["url", "http://user:pw@b\u00fccher.example:8080/a?b#c", true],
    ["url", "ftp://93.184.216.34/x", true],
    ["url", "http://10.0.0.1/", false],
    ["url", "http://localhost/", false],
    ["url", "http://example.com:x/", false],
    ["url", "http://-a.com/", false],
    ["url", "http://example.com/a b", false],
    ["url", "mailto:a@example.com", false],
    ["iri", "http://\u00fc.example/\u2202?\ue000#\u{10000}", true],
    ["iri", "http://a/#\ue000", false],
    ["iri", "http://a/\ufffe", false],
    ["uri", "http://\u212aelvin/", false],
    ["iri-reference", "\u00e9/b", true],
    ["hostname", "example.com.", false],
    ["hostname", "r3---sn-a.example.com", true],
    ["hostname", "xn--9n2bp8q.XN--9t4b11yi5a", true],
    ["hostname", "xn--x", false],
    ["idn-hostname", "\uc2e4\ub840.example.com", true],
    ["idn-hostname", "EXAMPLE.com", true],
    ["idn-hostname", "\u00c4.example", false],
    ["idn-hostname", "\u00e4.1", true],
    ["idn-hostname", "a/b", false],
    ["idn-hostname", "\u2603.example", false],
    ["idn-hostname", "\u0627\u0644.com", true],
    ["idn-hostname", "1\u0627.com", false],
    ["idn-hostname", "\u0627\u0644.1com", false],
    ["email", '"a b"@[127.0.0.1]', true],
    ["email", "a@[IPv6:::1]", true],
    ["email", `${"a".repeat(65)}@example.com`, false],
    ["email", "a@b", true],
    ["email", "\u00e4@example.com", false],
    ["idn-email", "\u00e4@\u00e4.example", true],
    ["date-time", "2026-02-29T00:00:00Z", false],
    ["date-time", "2024-02-29t00:00:00.5z", true],
    ["date-time", "2016-12-31T24:59:60+01:00", false],
    ["time", "01:29:60+01:30", true],
    ["time", "01:29:60-01:30", false],
    ["duration", "P1Y2D", false],
    ["duration", "P1Y2M3DT4H5M6S", true],
    ["uuid", "urn:uuid:2eb8aa08-aa98-11ea-b4aa-73b441d16380", false],
    ["ipv6", "::ffff:192.168.0.1", true],
    ["ipv6", "1:2:3:4:5:6:7::", true],
    ["ipv6", "1:2:3:4:5:6:7:8::", false],
    ["ipv6", ":1:2:3:4:5:6:7", false],
    ["ipv6", "::1%eth0", false],
    ["regex", "^a$", true],
    ["regex", "\\a", false],
    ["regex", "^[\\p{L}\\P{Script=Greek}-]+\\p{Emoji}*$", true],
    ["regex", "\\\\p{No}", false],
    ["regex", "\\\\[p{L}]", true],
    ["regex", "\\\\p", true],
    ["regex", "\\p", false],
    ["regex", "\\p{", false],
    ["regex", "\\p{Nope}", false],
    ["regex", "[\\p{L}-z]", false],
    ["regex", "\\", false],
    ["regex", "(?<\\u{61}>\\u{61})\\k<a>", true],
    ["byte", "aGVsbG8=", true],
    ["byte", "", true],
    ["byte", "aGVsbG8", false],
    ["byte", "aGV=bG8=", false],
  ] as const)("%s: %j is one: %s", (name, text, expected) => {
    expect(checkOf(FORMATS[name])?.(text)).toBe(expected);
  });
});

test("regex does not write out the Unicode properties of a class together, as the engine does", () => {
  const isRegex = checkOf(FORMATS.regex);
  const shape = (last: string) => `[${"\\p{L}".repeat(400)}${last}]`;
  const engine = cpuMsOf(() => new RegExp(shape("a"), "u"));
  const own = cpuMsOf(() => expect(isRegex?.(shape("b"))).toBe(true)); // the engine knows what it has compiled
  expect(own).toBeLessThan(engine / 4);
});

test("names cost more than other formats, where formats are asserted", () => {
  const perValue = (format: string, assertFormats: boolean) => {
    const policy = checkSchemaPolicy({ items: { format } }, DEFAULT_SCHEMA_LIMITS, assertFormats);
    return policy.kind === "passed" && policy.cost.kind === "cheap" ? policy.cost.rates.perValue : Number.NaN;
  };
  expect(perValue("hostname", true)).toBeGreaterThan(100 * perValue("uri", true));
  expect(perValue("hostname", false)).toBe(perValue("uri", false));
});
