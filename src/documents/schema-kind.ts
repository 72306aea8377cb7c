import { createRequire } from "node:module";
import type { ErrorObject, ValidateFunction } from "ajv";
import type { Static, TSchema } from "typebox";
import type { Violation } from "../errors/toolgate-error.js";
import { boundPointer, shortKey } from "../json/pointer.js";
import type { DocumentKind, DocumentRef } from "./document.js";
import { invalidDocument } from "./invalid-document.js";

/** What a kind is made of. */
export interface SchemaKindDefinition<Schema extends TSchema> {
  /** Its name: a lower-case word. */
  readonly kind: string;
  /**
   * What its contents are: JSON Schema, written `as const`, whose type is derived. The builder of TypeBox is nothing for a node: its 370
   * modules would be loaded at every start. Objects need not say `additionalProperties`: members that the schema does not name are refused when a document is
   * applied, and passed over when one is read that a later version has written.
   */
  readonly schema: Schema;
  /** Faults that no schema says: each by its JSON pointer. Called only with what fits the schema. */
  readonly check?: (content: Static<Schema>, ref: DocumentRef) => readonly Violation[];
  /** See `DocumentKind`. Called with whatever an administrator may have stored, so it must not rely on the schema. */
  readonly redact?: (body: unknown) => unknown;
  /** See `DocumentKind`. Called with whatever is applied and stored, so it must not rely on the schema. */
  readonly restore?: (body: unknown, former: unknown) => unknown;
  /** See `DocumentKind`. */
  readonly history?: number;
}

/** Makes a kind whose contents are what a schema says. */
export function schemaKind<const Schema extends TSchema>(
  definition: SchemaKindDefinition<Schema>,
): DocumentKind<Static<Schema>> {
  const { kind, schema, check, redact, restore, history } = definition;
  let compiled: ValidateFunction | undefined;
  const faultsOf = (body: unknown): { readonly unknown: Violation[]; readonly others: Violation[] } => {
    compiled ??= compile(closed(schema));
    const validate = compiled;
    validate(body);
    const errors = validate.errors ?? [];
    return {
      unknown: errors.filter(isUnknownMember).map(violationOf),
      others: errors.filter((error) => !isUnknownMember(error)).map(violationOf),
    };
  };
  return {
    kind,
    ...(redact === undefined ? {} : { redact }),
    ...(restore === undefined ? {} : { restore }),
    ...(history === undefined ? {} : { history }),
    parse(body, ref) {
      const { others } = faultsOf(body);
      if (others.length > 0) throw invalidDocument(ref, others);
      const content = body as Static<Schema>; // it fits, but for members that the type does not name
      const more = check?.(content, ref) ?? [];
      if (more.length > 0) throw invalidDocument(ref, more);
      return content;
    },
    unknownMembers: (body) => faultsOf(body).unknown,
  };
}

const require = createRequire(import.meta.url);

/** Ajv is loaded when the first document of such a kind is read: most nodes have none, and it takes as long to load as all kinds together. */
function compile(schema: unknown): ValidateFunction {
  const { Ajv } = require("ajv") as typeof import("ajv"); // a module of CommonJS
  return new Ajv({ allErrors: true, ownProperties: true, strict: false }).compile(schema as object); // an object
}

/** The schema with its objects closed: what they do not name is reported, and what is made of that is the caller's affair. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const parts = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, closed(part)]));
  return "properties" in parts && !("additionalProperties" in parts)
    ? { ...parts, additionalProperties: false }
    : parts;
}

function isUnknownMember({ keyword }: ErrorObject): boolean {
  return keyword === "additionalProperties";
}

function violationOf({ keyword, instancePath, params, message }: ErrorObject): Violation {
  switch (keyword) {
    case "additionalProperties":
      return {
        field: boundPointer(`${instancePath}/${shortKey(String(params.additionalProperty))}`),
        description: "is not known",
      };
    case "required":
      return { field: boundPointer(`${instancePath}/${params.missingProperty}`), description: "is missing" };
    case "enum":
      // The words are the schema's own, so they may be told.
      return { field: boundPointer(instancePath), description: `must be one of ${params.allowedValues.join(", ")}` };
    case "const":
      return { field: boundPointer(instancePath), description: `must be ${params.allowedValue}` };
    default:
      return { field: boundPointer(instancePath), description: message ?? "does not fit" };
  }
}
