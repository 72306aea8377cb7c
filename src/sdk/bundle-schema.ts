import type { JsonSchema } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { bundle, type SchemaDocuments } from "./schema-bundle.js";

/** Where the documents come from that a schema refers to. Without either, nothing is looked up: every such reference is refused. */
export interface BundleOptions {
  /** Documents by their addresses; one that has an `$id` is found by that too. */
  readonly documents?: SchemaDocuments;
  /**
   * Is asked, once for each address (absolute where the schema has an address, without a fragment), for a document that is not in
   * `documents`; `undefined` refuses it. What it fetches and from where is its own decision: the SDK fetches nothing.
   */
  readonly resolve?: (uri: string) => JsonSchema | undefined | Promise<JsonSchema | undefined>;
  /** The schema's own address, from which relative references count; its `$id` when absent. */
  readonly baseUri?: string;
}

/** How many documents a schema may lead to: one whose resolver makes documents that lead to further ones would never end. */
const MAX_DOCUMENTS = 256;

/**
 * Makes a schema that refers to other documents self-contained, as gateways want it: they follow no reference out of a schema.
 * What is referred to becomes a definition of the schema (`$defs`, or `definitions` up to draft-07), recursion included; all is of
 * the schema's own draft. A schema without such references comes back as it is.
 *
 * @throws ToolgateError INVALID_SCHEMA where a document is not to be had, is of another draft, lacks what is referred to, has
 *   `$dynamicRef` or `$recursiveRef`, or where the schema leads to more than 256 documents.
 */
export async function bundleSchema(schema: JsonSchema, options: BundleOptions = {}): Promise<JsonSchema> {
  const { documents = {}, resolve, baseUri } = options;
  const found = new Map<string, JsonSchema>(Object.entries(documents));
  for (let resolved = 0; ; resolved++) {
    const bundling = bundle(schema, Object.fromEntries(found), baseUri);
    switch (bundling.kind) {
      case "bundled":
        return bundling.schema;
      case "impossible":
        throw refusal(bundling.why);
      case "missing": {
        const { uri } = bundling;
        if (resolved === MAX_DOCUMENTS) throw refusal(`it leads to more than ${MAX_DOCUMENTS} documents`);
        const document = await resolve?.(uri);
        if (document === undefined)
          throw refusal(`no document has the address ${uri}; give it in "documents", or by "resolve"`);
        found.set(uri, document);
        break;
      }
      default:
        bundling satisfies never;
    }
  }
}

function refusal(why: string): ToolgateError {
  return new ToolgateError("INVALID_SCHEMA", `The schema cannot be bundled: ${why}.`, { executed: "no" });
}
