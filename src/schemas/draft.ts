import type { JsonSchema } from "../contract/contract.js";

/** The drafts of JSON Schema that are understood: https://json-schema.org/draft/2020-12, .../draft-07. */
export type Draft = "2020-12" | "draft-07";

/** Which draft a schema is written in. */
export type DraftOf = { readonly kind: "known"; readonly draft: Draft } | { readonly kind: "unknown" };

const DRAFTS: ReadonlyMap<string, Draft> = new Map([
  ["json-schema.org/draft/2020-12/schema", "2020-12"],
  ["json-schema.org/draft-07/schema", "draft-07"],
]);

/** Reads `$schema`; where it is absent, the draft is 2020-12, as the Model Context Protocol has it. */
export function draftOf(schema: JsonSchema): DraftOf {
  if (typeof schema === "boolean" || !Object.hasOwn(schema, "$schema")) return { kind: "known", draft: "2020-12" };
  const named = schema.$schema;
  if (typeof named !== "string") return { kind: "unknown" };
  const draft = DRAFTS.get(named.replace(/^https?:\/\//, "").replace(/#$/, ""));
  return draft === undefined ? { kind: "unknown" } : { kind: "known", draft };
}
