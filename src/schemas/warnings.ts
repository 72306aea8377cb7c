import { type Draft, referencesStandAlone } from "../contract/draft.js";
import { editDistance } from "../identity/edit-distance.js";
import { pointerOf, shortKey } from "../json/pointer.js";
import { FORMATS as ASSERTED_FORMATS } from "./formats.js";
import { assertsIn, KEYWORDS } from "./keywords.js";
import type { SchemaNode } from "./schema-graph.js";

/** Something in a schema that is ignored, as the specification demands, and that may be a slip. */
export interface SchemaNote {
  /** JSON pointer into the schema. */
  readonly pointer: string;
  /** What is ignored, and what may have been meant. */
  readonly message: string;
}

const FORMATS: ReadonlySet<string> = new Set(Object.keys(ASSERTED_FORMATS));
/** Keywords of OpenAPI and of editors, which schemas carry on purpose. */
const KNOWN_ELSEWHERE = new Set([
  "discriminator",
  "example",
  "externalDocs",
  "xml",
  "deprecationMessage",
  "enumDescriptions",
  "markdownDescription",
  "propertyOrdering",
]);
/** Slips that a suggestion forgives. */
const MAX_SLIPS = 2;
/** Words that people write for another one. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ["min", "minimum"],
  ["max", "maximum"],
  ["regex", "pattern"],
  ["optional", "required, which lists what is not optional"],
  ["oneof", "oneOf"],
  ["allowedValues", "enum"],
  ["values", "enum"],
]);

/**
 * Notes on every schema object of a graph: unknown keywords, keywords that only another draft has, and unknown formats where
 * formats are asserted.
 */
export function schemaNotes(nodes: readonly SchemaNode[], draft: Draft, assertFormats: boolean): SchemaNote[] {
  return nodes.flatMap((node) => nodeNotes(node, draft, assertFormats));
}

function nodeNotes(node: SchemaNode, draft: Draft, assertFormats: boolean): SchemaNote[] {
  const notes: SchemaNote[] = [];
  const note = (keyword: string, message: string) =>
    notes.push({ pointer: pointerOf([...node.steps, keyword]), message });
  const isReferenceOnly = referencesStandAlone(draft) && Object.hasOwn(node.schema, "$ref");
  for (const [keyword, value] of Object.entries(node.schema)) {
    const message = keywordMessage(keyword, draft);
    if (message !== undefined) note(keyword, message);
    else if (isReferenceOnly && keyword !== "$ref" && assertsIn(keyword, draft)) {
      note(keyword, `is ignored beside $ref in ${draftName(draft)}; put both into allOf, or use draft 2020-12`);
    } else if (assertFormats && keyword === "format" && typeof value === "string" && !FORMATS.has(value)) {
      note(keyword, `names a format that is not known, so it checks nothing${suggestion(value, FORMATS)}`);
    }
  }
  return notes;
}

function keywordMessage(keyword: string, draft: Draft): string | undefined {
  const known = KEYWORDS.get(keyword);
  if (known === undefined) {
    if (keyword.startsWith("x-") || KNOWN_ELSEWHERE.has(keyword)) return undefined;
    if (keyword === "nullable") return 'belongs to OpenAPI, so it allows nothing here; write "null" into type';
    return `is not a keyword of ${draftName(draft)}, so it checks nothing${suggestion(keyword, KEYWORDS.keys())}`;
  }
  if (known.drafts.includes(draft)) return undefined;
  const origin = draftName(known.drafts[0] ?? draft);
  // Spelled in another draft's way, yet understood in this one.
  if (known.activeIn?.includes(draft) === true) {
    return keyword === "$defs"
      ? undefined
      : `belongs to ${origin}, and works here; ${draftName(draft)} calls it ${known.instead}`;
  }
  const instead = known.instead === undefined ? "" : `; did you mean ${known.instead}?`;
  return `belongs to ${origin}, so it checks nothing in ${draftName(draft)}${instead}`;
}

function draftName(draft: Draft): string {
  return draft.startsWith("draft-") ? draft : `draft ${draft}`;
}

/** The known word that is nearest, as a question. */
function suggestion(word: string, known: Iterable<string>): string {
  const meant = MEANT.get(word);
  if (meant !== undefined) return `; did you mean ${meant}?`;
  if (word.length > 64) return "";
  let nearest: { name: string; slips: number } | undefined;
  for (const name of known) {
    const slips = editDistance(
      word.toLowerCase(),
      name.toLowerCase(),
      Math.min(MAX_SLIPS, Math.floor(word.length / 3)),
    );
    if (slips !== undefined && slips < (nearest?.slips ?? Number.POSITIVE_INFINITY)) nearest = { name, slips };
  }
  return nearest === undefined ? "" : `; did you mean ${shortKey(nearest.name)}?`;
}
