import { ToolgateError } from "../errors/toolgate-error.js";
import { RawJson } from "../json/raw-json.js";
import { isStandardJsonSchema, type StandardJsonSchema, type StandardProperties, vendorOf } from "./standard-schema.js";

/** A schema as it is registered, and what checks values beyond it. */
export interface ReadSchema {
  /** JSON Schema. */
  readonly json: unknown;
  /** Of a schema of another maker: what makes its output of a value. Absent where the JSON Schema says all. */
  readonly validate?: NonNullable<StandardProperties["validate"]>;
}

/** The schemas of a tool, taken. */
export interface ToolSchemas {
  readonly payload: ReadSchema;
  readonly result: ReadSchema | undefined;
}

/** Which schema of which tool, for messages. */
export interface SchemaPlace {
  readonly tool: string;
  readonly field: "payload" | "result";
}

/** As deep as the gateway lets schemas nest; what is deeper is left to it. */
const MAX_DEPTH = 64;
/** So much of another library's message is repeated, in characters. */
const MAX_REASON_CHARS = 300;
/** The drafts that the gateway knows, in the order in which they are asked for. */
const TARGETS = ["draft-2020-12", "draft-07"];

/**
 * Takes a schema: a JSON Schema, one of TypeBox, or one of another maker that tells its JSON Schema. Agents send what goes into
 * a payload's schema and receive what comes out of a result's.
 *
 * @throws ToolgateError INVALID_SCHEMA for anything else, with the tool, what was given and what to give instead: as JSON, such a
 *   thing would mostly be a schema that accepts anything.
 */
export function readSchema(schema: unknown, place: SchemaPlace): ReadSchema {
  if (isStandardJsonSchema(schema)) return readStandard(schema, place);
  const vendor = vendorOf(schema);
  if (vendor !== undefined)
    throw refusal(place, `is a schema of ${vendor} that cannot tell its JSON Schema`, remedyFor(vendor));
  const fault = typeof schema === "boolean" || schema instanceof RawJson ? undefined : faultOf(schema, "", 0);
  if (fault !== undefined) throw refusal(place, fault.why, fault.remedy);
  return { json: schema };
}

function readStandard(schema: StandardJsonSchema, place: SchemaPlace): ReadSchema {
  const { vendor, jsonSchema, validate } = schema["~standard"];
  const convert = place.field === "payload" ? jsonSchema.input : jsonSchema.output;
  let why = "";
  for (const target of TARGETS) {
    try {
      const json: unknown = convert({ target });
      return validate === undefined ? { json } : { json, validate };
    } catch (error) {
      why ||= (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARS);
    }
  }
  const side = place.field === "payload" ? "what goes into it" : "what comes out of it";
  throw refusal(
    place,
    `is a schema of ${vendor} that has no JSON Schema for ${side}: ${why}`,
    place.field === "payload"
      ? "describe the JSON that agents send, and make other types of it by a transform"
      : "describe the JSON that agents receive; what a transform makes needs a schema of its own, as zod's pipe() gives it",
  );
}

interface SchemaFault {
  readonly why: string;
  readonly remedy: string;
}

const JSON_SCHEMA_REMEDY =
  "give a JSON Schema, a TypeBox schema (Type.Object(…)), or a schema with Standard JSON Schema, as zod 4.2, arktype and valibot's toStandardJsonSchema() make them";

/** Why a thing is no JSON Schema; undefined when it may be one, which is for the gateway to say. */
function faultOf(value: unknown, path: string, depth: number): SchemaFault | undefined {
  const isRoot = depth === 0;
  const is = isRoot ? "is " : `has, at ${path}, `;
  if (isRoot && typeof value !== "object") {
    return { why: `is ${article(typeof value)}`, remedy: JSON_SCHEMA_REMEDY };
  }
  switch (typeof value) {
    case "boolean":
    case "string":
    case "bigint":
    case "undefined": // as if it were not there
      return undefined;
    case "number":
      return Number.isFinite(value)
        ? undefined
        : { why: `${is}the number ${value}, which JSON has no form for`, remedy: "leave it out" };
    case "object":
      break;
    default:
      return nested(value, path) ?? { why: `${is}${article(typeof value)}`, remedy: JSON_SCHEMA_REMEDY };
  }
  if (value === null) return isRoot ? { why: "is null", remedy: JSON_SCHEMA_REMEDY } : undefined;
  if (value instanceof RawJson) return undefined;
  if (!isRoot) {
    const foreign = nested(value, path);
    if (foreign !== undefined) return foreign;
  }
  if (Array.isArray(value)) {
    if (isRoot) return { why: "is an array", remedy: JSON_SCHEMA_REMEDY };
  } else {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      return { why: `${is}an instance of ${value.constructor?.name || "a class"}`, remedy: JSON_SCHEMA_REMEDY };
    }
  }
  if (depth === MAX_DEPTH) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const fault = faultOf(member, `${path}/${key}`, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** A schema of another maker within an object, as where a shape was given in place of a schema. */
function nested(value: unknown, path: string): SchemaFault | undefined {
  const vendor = vendorOf(value);
  if (vendor === undefined) return undefined;
  return {
    why: `is a plain object that has a schema of ${vendor} at ${path}`,
    remedy: "make one schema of the whole, as z.object({ … }) and type({ … }) do",
  };
}

function remedyFor(vendor: string): string {
  switch (vendor) {
    case "zod":
      return "use zod 4.2 or newer, or give z.toJSONSchema(schema)";
    case "valibot":
      return "wrap it: toStandardJsonSchema(schema) of @valibot/to-json-schema";
    case "arktype":
      return "use arktype 2.1.28 or newer, or give schema.toJsonSchema()";
    default:
      return "use a version of the library that has Standard JSON Schema (https://standardschema.dev/json-schema), or give a JSON Schema";
  }
}

function article(type: string): string {
  return type === "undefined" ? "missing" : `a ${type}`;
}

function refusal({ tool, field }: SchemaPlace, why: string, remedy: string): ToolgateError {
  const violation = { field: `tools[${tool}].${field}`, description: `${why}; ${remedy}` };
  const message = `The ${field} of the tool ${tool} ${why}; ${remedy}.`;
  return new ToolgateError("INVALID_SCHEMA", message, { executed: "no", violations: [violation] });
}
