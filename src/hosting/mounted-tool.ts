import type { JsonSchema, ToolAnnotations, ToolMeta } from "../contract/contract.js";
import { isToolName } from "../identity/names.js";
import type { Json } from "../json/json.js";
import { wholeJson, wholeText } from "../json/lone-surrogates.js";
import { bundle, type SchemaDocuments } from "../sdk/schema-bundle.js";
import { answerSchema } from "./answer-schema.js";
import { printable } from "./server-log.js";

/** A tool of an MCP server, as it is registered. */
export interface MountedTool {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly payload: JsonSchema;
  readonly result: JsonSchema;
  readonly annotations?: ToolAnnotations;
  /** What else the server says of it, as MCP names it. */
  readonly meta?: ToolMeta;
}

/** A tool that cannot be registered, or the result schema of one, and why. */
export interface SkippedPart {
  /** The tool. */
  readonly name: string;
  /** What is left out: the tool, or only its result schema, so that the tool is served without it. */
  readonly part: "tool" | "result_schema";
  readonly why: string;
}

/** What a server's list of tools comes to. */
export interface MountedTools {
  readonly tools: readonly MountedTool[];
  readonly skipped: readonly SkippedPart[];
  /** What was changed to fit, for the operator. */
  readonly notes: readonly string[];
}

/** Which tools the operator wants. */
export interface ToolChoice {
  /** Only these; undefined means all. */
  readonly only?: readonly string[];
  /** Not these. */
  readonly skip?: readonly string[];
  /** Documents that the tools' schemas refer to, by their addresses. */
  readonly schemaDocuments?: SchemaDocuments;
}

/** Limits of the wire contract (contract.proto). */
const MAX_TOOLS = 1_024;
const MAX_TITLE_CHARACTERS = 256;
const MAX_DESCRIPTION_BYTES = 16 * 1024;
/** The registry's default limits of a schema, less what the result's envelope takes. */
const MAX_SCHEMA_LEVELS = 60;
const MAX_SCHEMA_BYTES = 250_000;
const MAX_META_BYTES = 64 * 1024;
/** What of a tool has a place of its own; all else is handed on as it is. */
const OWN_PLACES = new Set(["name", "title", "description", "inputSchema", "outputSchema", "annotations"]);
const HINTS = new Set(["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]);

/**
 * Turns the tools of an MCP server, which are a stranger's data, into tools of a toolset. A tool that cannot be one is left
 * out and reported, so that one bad tool does not keep the others away:
 *
 * - names must match what toolsets allow (MCP allows the same characters, but also a leading `.`, `/` or `-`), once each;
 * - `inputSchema` must be an object that is not too large or deep to be sent; whether it is a sound JSON Schema is the registry's
 *   to judge. It was read as doubles, so it may not allow a number that those do not hold (`enum`, `const`). An `outputSchema`
 *   for which this does not hold is left out alone;
 * - tools that can only be called as an MCP task are not spoken here;
 * - null stands for absence.
 *
 * `inputSchema` becomes the payload schema as it is. The result is the MCP answer itself,
 * `{ content: [...], structuredContent?: {...}, _meta?: {...} }`; where the tool has an `outputSchema`, the result schema
 * demands a `structuredContent` that fits it. Annotations are kept; none of them decides how a tool is delivered. What has no
 * place in a contract (`_meta`, `icons`, `execution`, annotations besides the four hints, what MCP does not know) is its `meta`.
 */
export function mountTools(listed: readonly unknown[], choice: ToolChoice = {}): MountedTools {
  const tools = new Map<string, MountedTool>();
  const skipped: SkippedPart[] = [];
  const notes: string[] = [];
  const only = choice.only === undefined ? undefined : new Set(choice.only);
  const skip = new Set(choice.skip);
  for (const [index, item] of listed.entries()) {
    const raw = isObject(item) ? selfContained(withoutNulls(item), choice.schemaDocuments) : {};
    if (typeof raw.name !== "string") {
      skipped.push({ name: `#${index + 1}`, part: "tool", why: "it has no name" });
      continue;
    }
    const name = raw.name;
    if ((only !== undefined && !only.has(name)) || skip.has(name)) continue;
    const why = tools.has(name) ? "the server lists this name more than once; the first one counts" : fault(name, raw);
    if (why === undefined && tools.size === MAX_TOOLS) {
      skipped.push({
        name,
        part: "tool",
        why: `a toolset has at most ${MAX_TOOLS} tools; choose with --only or --skip`,
      });
      continue;
    }
    if (why !== undefined) {
      skipped.push({ name: printable(name, 128), part: "tool", why });
      continue;
    }
    const { outputSchema, ...rest } = raw;
    const resultFault = outputSchema === undefined ? undefined : schemaFault("outputSchema", outputSchema);
    if (resultFault !== undefined) skipped.push({ name, part: "result_schema", why: resultFault });
    tools.set(name, mountTool(name, resultFault === undefined ? raw : rest, notes));
  }
  return { tools: [...tools.values()], skipped, notes };
}

/** The tool with schemas that refer to nothing but themselves, where the documents allow it; what does not is the registry's to name. */
function selfContained(
  raw: { readonly [key: string]: Json },
  documents: SchemaDocuments | undefined,
): { readonly [key: string]: Json } {
  if (documents === undefined) return raw;
  const schemas = ["inputSchema", "outputSchema"].flatMap((key): [string, Json][] => {
    const schema = raw[key];
    const bundling = isObject(schema ?? null) ? bundle(schema as JsonSchema, documents) : undefined; // an object, as just seen
    return bundling?.kind === "bundled" ? [[key, bundling.schema]] : [];
  });
  return { ...raw, ...Object.fromEntries(schemas) };
}

function fault(name: string, raw: { readonly [key: string]: Json }): string | undefined {
  if (!isToolName(name)) return "its name must match [A-Za-z0-9_][A-Za-z0-9_./-]{0,127}";
  if (raw.inputSchema === undefined) return "it has no inputSchema";
  const inputFault = schemaFault("inputSchema", raw.inputSchema);
  if (inputFault !== undefined) return inputFault;
  if (isObject(raw.execution) && raw.execution.taskSupport === "required") {
    return "it can only be called as an MCP task, which a mount does not do";
  }
  return undefined;
}

/** Why a tool's schema, which is called so, cannot even be sent; nothing where it can. */
export function schemaFault(which: string, schema: Json): string | undefined {
  if (!isObject(schema)) return `its ${which} is not an object`;
  if (nestsDeeper(schema, MAX_SCHEMA_LEVELS)) return `its ${which} nests more than ${MAX_SCHEMA_LEVELS} levels`;
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > MAX_SCHEMA_BYTES) return `its ${which} has more than ${MAX_SCHEMA_BYTES} bytes`;
  // The value that the server means would be refused, and its neighbour let through.
  return allowsRounded(schema)
    ? `its ${which} allows a number beyond 2^53, which is rounded when it is read`
    : undefined;
}

/** Whether an `enum` or `const` has a number that a double may not hold as it was written. */
function allowsRounded(schema: Json): boolean {
  if (typeof schema !== "object" || schema === null) return false;
  return Object.entries(schema).some(
    ([keyword, value]) => (["enum", "const"].includes(keyword) && hasRounded(value)) || allowsRounded(value),
  );
}

function hasRounded(value: Json): boolean {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  return typeof value === "object" && value !== null && Object.values(value).some(hasRounded);
}

function mountTool(name: string, raw: { readonly [key: string]: Json }, notes: string[]): MountedTool {
  const annotations = isObject(raw.annotations) ? raw.annotations : {};
  const ownTitle = [raw.title, annotations.title].find((title) => typeof title === "string" && title.trim() !== "");
  const title = typeof ownTitle === "string" ? fitTitle(ownTitle) : undefined;
  const ownDescription = typeof raw.description === "string" ? raw.description : "";
  const description = fitDescription(ownDescription);
  if (ownTitle !== title)
    notes.push(
      `the title of ${name} is changed to fit: no control characters, at most ${MAX_TITLE_CHARACTERS} characters`,
    );
  if (ownDescription !== description) {
    notes.push(
      `the description of ${name} is changed to fit: no control characters, at most ${MAX_DESCRIPTION_BYTES} bytes`,
    );
  }
  const hints = readHints(annotations);
  const meta = readMeta(name, raw, title, notes);
  return {
    name,
    ...(title === undefined ? {} : { title }),
    description,
    payload: schemaOf(raw.inputSchema) ?? {},
    result: answerSchema(schemaOf(raw.outputSchema)),
    ...(Object.keys(hints).length === 0 ? {} : { annotations: hints }),
    ...(Object.keys(meta).length === 0 ? {} : { meta }),
  };
}

/** A schema with whole texts. It may have no half of a character, and a description that was cut within one is not worth a tool. */
function schemaOf(raw: Json | undefined): { readonly [key: string]: Json } | undefined {
  const schema = raw === undefined ? undefined : wholeJson(raw);
  return isObject(schema) ? schema : undefined;
}

/** What the contract has no place for; of too much, the largest parts go. */
function readMeta(
  name: string,
  raw: { readonly [key: string]: Json },
  title: string | undefined,
  notes: string[],
): ToolMeta {
  const annotations = Object.entries(isObject(raw.annotations) ? withoutNulls(raw.annotations) : {}).filter(
    ([key, value]) => !(HINTS.has(key) && typeof value === "boolean") && !(key === "title" && value === title),
  );
  const further: [string, Json][] = Object.entries(raw).filter(([key]) => !OWN_PLACES.has(key));
  if (annotations.length > 0) further.push(["annotations", Object.fromEntries(annotations)]);
  const parts = further.map(([key, value]) => {
    const fits = !nestsDeeper(value, MAX_SCHEMA_LEVELS) && !hasProtoKey({ [key]: value });
    const bytes = fits ? Buffer.byteLength(JSON.stringify({ [key]: value })) : Number.POSITIVE_INFINITY;
    return { key, value, bytes };
  });
  const kept: [string, Json][] = [];
  let left = MAX_META_BYTES;
  for (const { key, value, bytes } of parts.sort((a, b) => a.bytes - b.bytes)) {
    left -= bytes;
    if (left >= 0) kept.push([wholeText(key), wholeJson(value)]);
    else
      notes.push(
        `${printable(key, 64)} of ${name} is left out: all such facts of a tool may take ${MAX_META_BYTES} bytes`,
      );
  }
  return Object.fromEntries(kept);
}

/** A registry takes no such key anywhere. */
function hasProtoKey(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.hasOwn(value, "__proto__") || Object.values(value).some(hasProtoKey);
}

function readHints(annotations: { readonly [key: string]: Json }): ToolAnnotations {
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations;
  return {
    ...(typeof readOnlyHint === "boolean" ? { readOnlyHint } : {}),
    ...(typeof destructiveHint === "boolean" ? { destructiveHint } : {}),
    ...(typeof idempotentHint === "boolean" ? { idempotentHint } : {}),
    ...(typeof openWorldHint === "boolean" ? { openWorldHint } : {}),
  };
}

/** A stranger's text as a title may be: one line of at most 256 characters. */
export function fitTitle(text: string): string {
  return printable(text.replace(/\s+/gu, " ").trim(), MAX_TITLE_CHARACTERS - 1);
}

/** A stranger's text as a description may be: at most 16 KiB, no control characters but line breaks and tabs. */
export function fitDescription(text: string): string {
  const clean = printable(text.replace(/\r\n?/g, "\n"), MAX_DESCRIPTION_BYTES);
  if (Buffer.byteLength(clean) <= MAX_DESCRIPTION_BYTES) return clean;
  // A character that the cut splits would decode as U+FFFD: it goes too.
  const kept = Buffer.from(clean)
    .subarray(0, MAX_DESCRIPTION_BYTES - 3)
    .toString("utf8");
  return `${kept.replace(/\uFFFD$/, "")}…`;
}

/** Without the members that are null: many a server writes null for what it does not have. */
function withoutNulls(object: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

function nestsDeeper(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => nestsDeeper(inner, levels - 1));
}

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
