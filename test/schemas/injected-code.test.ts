import { afterEach, describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { type Draft, idKeyword } from "../../src/contract/draft.js";
import type { Json } from "../../src/json/json.js";
import { linkCode } from "../../src/schemas/portable-code.js";
import { prepareSchema } from "../../src/schemas/prepare-schema.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";

/**
 * A validator is code that is generated from a stranger's schema, and an event loop runs it. Whatever the schema's texts hold, none
 * of them becomes a part of the program.
 */

const DRAFTS: Readonly<Record<Draft, string>> = {
  "2020-12": "https://json-schema.org/draft/2020-12/schema",
  "2019-09": "https://json-schema.org/draft/2019-09/schema",
  "draft-07": "http://json-schema.org/draft-07/schema#",
  "draft-06": "http://json-schema.org/draft-06/schema#",
  "draft-04": "http://json-schema.org/draft-04/schema#",
};

const TRIP = "globalThis.tripped=true";
/** Texts that leave what they may have been written into: a comment, a string of each kind, an expression, a line. */
const TEXTS = [
  `*/;${TRIP};/*`,
  `*/${TRIP}}/*`,
  `";${TRIP};"`,
  `"+(${TRIP})+"`,
  `\\";${TRIP};//`,
  `';${TRIP};'`,
  `'+(${TRIP})+'`,
  `\`+(${TRIP})+\``,
  `\${${TRIP}}`,
  `\n${TRIP}\n`,
  `\u2028${TRIP}\u2029`,
  `];${TRIP};[`,
  `});${TRIP};({`,
  `$&$\`$'${TRIP}`,
  `return function ${TRIP}`,
];

const tripped = (): unknown => (globalThis as { tripped?: unknown }).tripped;

afterEach(() => {
  delete (globalThis as { tripped?: unknown }).tripped;
});

function pointerPart(name: string): string {
  return encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1"));
}

/** Judges values where the code was generated, and where it was not; the rules that each of them breaks. */
function rulesBroken(schema: JsonSchema, values: readonly Json[]): readonly string[][][] {
  const prepared = prepareSchema(schema, DEFAULT_SCHEMA_LIMITS, { assertFormats: true, exactNumbers: false });
  if (prepared.kind === "refused") throw new Error(JSON.stringify(prepared.faults));
  if (prepared.inline === undefined) throw new Error("It is cheap.");
  const checks = [prepared.compiled, linkCode(structuredClone(prepared.inline.code))];
  return checks.map((check) =>
    values.map((value) => {
      const verdict = check.check(value, 0);
      return verdict.kind === "invalid" ? verdict.violations.map(({ description }) => description) : [verdict.kind];
    }),
  );
}

describe.each(Object.entries(DRAFTS) as [Draft, string][])(
  "no text of a schema of %s becomes code",
  (draft, $schema) => {
    const id = idKeyword(draft);
    test.each(TEXTS.map((text) => [text]))("%j", (text) => {
      const places: Readonly<Record<string, JsonSchema>> = {
        "its name": { [id]: text, type: "string" },
        "the name of a part": {
          definitions: { a: { [id]: draft.startsWith("draft") ? `#${text}` : text, type: "string" } },
          $ref: "#/definitions/a",
        },
        "the name of what no keyword applies": { "x-own": { [id]: text, type: "string" }, $ref: "#/x-own" },
        "a reference": { definitions: { [text]: { type: "string" } }, $ref: `#/definitions/${pointerPart(text)}` },
        annotations: { title: text, $comment: text, default: text, [text]: text, type: "string" },
        "a format": { format: text, type: "string" },
        "a pattern": { type: "string", pattern: text.replaceAll(/[^\w\s]/g, "\\$&") },
        "a constant": { enum: [text, { [text]: [text] }] },
        constants: { enum: Array.from({ length: 30 }, (_, index) => `${text}${index}`) },
        "a name": { required: [text], properties: { [text]: { type: "string" } }, type: "object" },
        names: {
          dependencies: { [text]: [text, `${text}1`], [`${text}2`]: { required: [text] } },
          patternProperties: { [text.replaceAll(/[^\w\s]/g, "\\$&")]: { type: "string" } },
          additionalProperties: false,
          type: "object",
        },
      };
      for (const [place, schema] of Object.entries(places)) {
        const values = [1, { [text]: 1 }, { [`${text}2`]: 1 }];
        const [there, here] = rulesBroken({ $schema, ...(schema as object) }, values);
        expect(here, place).toEqual(there);
        expect(here?.flat(), place).not.toContain("inconclusive");
        expect(tripped(), place).toBeUndefined();
      }
    });
  },
);
