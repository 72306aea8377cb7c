import type { JsonSchema } from "./contract.js";

/** The drafts of JSON Schema that are understood: https://json-schema.org/specification-links. */
export type Draft = "2020-12" | "2019-09" | "draft-07" | "draft-06" | "draft-04";

/** Which draft a schema is written in. */
export type DraftOf = { readonly kind: "known"; readonly draft: Draft } | { readonly kind: "unknown" };

const DRAFTS: ReadonlyMap<string, Draft> = new Map([
  ["json-schema.org/draft/2020-12/schema", "2020-12"],
  ["json-schema.org/draft/2019-09/schema", "2019-09"],
  ["json-schema.org/draft-07/schema", "draft-07"],
  ["json-schema.org/draft-06/schema", "draft-06"],
  ["json-schema.org/draft-04/schema", "draft-04"],
  // Without a version it is the latest that there is.
  ["json-schema.org/schema", "2020-12"],
]);

/** Reads `$schema`; where it is absent, the draft is 2020-12, as the Model Context Protocol has it. */
export function draftOf(schema: JsonSchema): DraftOf {
  if (typeof schema === "boolean" || !Object.hasOwn(schema, "$schema")) return { kind: "known", draft: "2020-12" };
  const named = schema.$schema;
  if (typeof named !== "string") return { kind: "unknown" };
  const draft = DRAFTS.get(named.replace(/^https?:\/\//, "").replace(/#$/, ""));
  return draft === undefined ? { kind: "unknown" } : { kind: "known", draft };
}

/** Up to draft-07 a reference stands alone: what is beside `$ref` is ignored. */
export function referencesStandAlone(draft: Draft): boolean {
  return draft === "draft-07" || draft === "draft-06" || draft === "draft-04";
}

/** Before 2020-12 a list in `items` holds a schema for each of the first items; later it is called `prefixItems`. */
export function itemsMayBeList(draft: Draft): boolean {
  return draft !== "2020-12";
}

/** The keyword that names a schema: `id` in draft-04. */
export function idKeyword(draft: Draft): "$id" | "id" {
  return draft === "draft-04" ? "id" : "$id";
}
