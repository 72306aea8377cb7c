import { describe, expect, test } from "vitest";
import {
  DRAFT_FOLDERS,
  hasSuite,
  PARTS,
  type Part,
  runPart,
  SUITE,
  type SuiteVerdict,
} from "./json-schema-test-suite.js";

/**
 * Verdicts that differ from the suite's, with their reason. The list may only get shorter: one that no longer differs, or is no
 * longer there, fails the test.
 */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map(
  [
    "validation of string-encoded content based on media type: an invalid JSON document",
    "validation of binary string-encoding: an invalid base64 string (% is not a valid character)",
    "validation of binary-encoded media type documents: a validly-encoded invalid JSON document",
    "validation of binary-encoded media type documents: an invalid base64 string that is valid JSON",
  ].map((name) => [
    `draft7/optional/content.json: ${name}`,
    "what a text contains is an annotation, as in later drafts",
  ]),
);

/** The most wrong verdicts that a part may have in all drafts, whatever the list says. */
const MOST: Readonly<Record<Part, number>> = { mandatory: 0, optional: 10, "optional/format": 60 };

/** Why a schema may be refused, as docs/schemas.md has it. */
const REFUSALS = [
  "leads out of its schema",
  "must name draft 2020-12",
  "has a key that is never allowed",
  "no value may have a property of that name",
  "must be a number that a double holds",
  "must list at least one value",
  "cannot be validated where contains applies under a condition",
];

if (!hasSuite()) console.log(`The JSON Schema Test Suite is not run: there is no folder ${SUITE}`);

const verdicts = new Map<Part, readonly SuiteVerdict[]>();

function verdictsOf(part: Part): readonly SuiteVerdict[] {
  const known = verdicts.get(part) ?? Object.keys(DRAFT_FOLDERS).flatMap((folder) => runPart(folder, part));
  verdicts.set(part, known);
  return known;
}

describe.runIf(hasSuite())("JSON Schema Test Suite", () => {
  test.each(PARTS)("%s: each value of an admitted schema is judged as the suite says", (part) => {
    const all = verdictsOf(part);
    const wrong = all.filter(({ verdict, expected }) => verdict !== "refused" && verdict !== expected);
    const excepted = all.filter(({ name }) => EXCEPTIONS.has(name));
    expect(wrong.map(({ name }) => name)).toEqual(excepted.map(({ name }) => name));
    expect(wrong.length).toBeLessThanOrEqual(MOST[part]);
  });

  test.each(PARTS)("%s: what is refused is refused for a reason that is documented, and little is", (part) => {
    const all = verdictsOf(part);
    const refused = all.filter(({ verdict }) => verdict === "refused");
    expect(refused.filter(({ reason }) => !REFUSALS.some((known) => reason.includes(known)))).toEqual([]);
    expect(refused.length).toBeLessThan(0.06 * all.length);
  });

  test("each exception is one of the suite", () => {
    const names = new Set(PARTS.flatMap((part) => verdictsOf(part).map(({ name }) => name)));
    expect([...EXCEPTIONS.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});
