import { LRUCache } from "lru-cache";
import type { EpochView } from "../../catalog/toolset-view.js";
import type { JsonSchema, ToolContract, ToolMeta } from "../../contract/contract.js";
import { readAnswerSchema } from "../../hosting/answer-schema.js";
import { embedSchema } from "../../hosting/embed-schema.js";
import type { Digest } from "../../identity/names.js";
import type { Json } from "../../json/json.js";
import { type ParamHeader, paramHeadersOf } from "./param-headers.js";
import { isModern, type Revision } from "./revision.js";

/** How a tool's contract and MCP's calls fit together. */
export interface ToolForm {
  /** `object`: the arguments are the payload. `wrapped`: the payload is no object, and is the argument `payload`. */
  readonly payload: "object" | "wrapped";
  /** `answer`: the result is an answer of MCP. `value`: it is any value, that becomes one. */
  readonly result: "answer" | "value";
  /** The arguments that clients repeat in headers. */
  readonly headers: readonly ParamHeader[];
}

/** The argument that is the payload of a tool whose payload is no object. */
export const WRAPPED = "payload";

/** The most that is kept of tools as they are listed, in characters. */
const MAX_KEPT = 16 * 1_048_576;
/** What a contract says of a tool that MCP has a place for besides the contract's own, and what it has no place for here. */
const OWN = new Set(["name", "title", "description", "inputSchema", "outputSchema"]);

/** Those of one contract. */
interface KeptTools {
  readonly texts: Map<string, string>;
  size: number;
}

/** Tools as MCP lists them: JSON without a name, which depends on where they are listed. */
export class ListedTools {
  readonly #kept = new LRUCache<string, KeptTools>({ max: 10_000, maxSize: MAX_KEPT });
  readonly #forms = new LRUCache<string, ToolForm>({ max: 10_000 });

  /** A tool under a name, in JSON. */
  json(epoch: Pick<EpochView, "digest">, tool: ToolContract, name: string, revision: Revision): string {
    return `{"name":${JSON.stringify(name)},${this.#rest(epoch.digest, tool, revision)}`;
  }

  form(epoch: Pick<EpochView, "digest">, tool: ToolContract): ToolForm {
    const key = `${epoch.digest} ${tool.name}`;
    let form = this.#forms.get(key);
    if (form === undefined) {
      form = formOf(tool);
      this.#forms.set(key, form);
    }
    return form;
  }

  #rest(digest: Digest, tool: ToolContract, revision: Revision): string {
    // Of the legacy revisions all have the same form.
    const era = isModern(revision) ? "modern" : "legacy";
    const kept = this.#kept.get(digest) ?? { texts: new Map<string, string>(), size: 0 };
    const key = `${era} ${tool.name}`;
    const known = kept.texts.get(key);
    if (known !== undefined) return known;
    const rest = JSON.stringify(listed(tool, revision)).slice(1);
    kept.texts.set(key, rest);
    kept.size += rest.length;
    this.#kept.set(digest, kept, { size: kept.size });
    return rest;
  }
}

/** What MCP lists of a tool, but its name. */
function listed(tool: ToolContract, revision: Revision): { readonly [key: string]: Json } {
  const { title, description, payload, annotations, meta = {} } = tool;
  const output = outputSchemaOf(tool, revision);
  const further = isObject(meta.annotations) ? meta.annotations : {};
  const hints = { ...further, ...annotations };
  return {
    ...(title === undefined ? {} : { title }),
    description,
    inputSchema: inputSchemaOf(payload),
    ...(output === undefined ? {} : { outputSchema: output }),
    ...moreOf(meta),
    ...(Object.keys(hints).length === 0 ? {} : { annotations: hints }),
  };
}

/** What else the tool's maker says of it. Which tools are run as tasks is decided here, and not by what serves them. */
function moreOf(meta: ToolMeta): { readonly [key: string]: Json } {
  const more = Object.entries(meta).filter(([key]) => !OWN.has(key) && key !== "annotations");
  return Object.fromEntries(
    more.flatMap(([key, value]): [string, Json][] => {
      if (key !== "execution" || !isObject(value)) return [[key, value]];
      const { taskSupport: _own, ...rest } = value;
      return Object.keys(rest).length === 0 ? [] : [[key, rest]];
    }),
  );
}

/** Arguments are objects in MCP, and their schema has to say so at its root. */
function inputSchemaOf(payload: JsonSchema): JsonSchema {
  if (payload === true) return { type: "object" };
  if (isWrapped(payload)) {
    return {
      ...(typeof payload === "object" && typeof payload.$schema === "string" ? { $schema: payload.$schema } : {}),
      type: "object",
      properties: { [WRAPPED]: embedSchema(payload, `#/properties/${WRAPPED}`) },
      required: [WRAPPED],
      additionalProperties: false,
    };
  }
  return typeof payload === "object" && payload.type !== "object" ? { ...payload, type: "object" } : payload;
}

/** Whether no object can be the payload, by the schema's own `type`. */
function isWrapped(payload: JsonSchema): boolean {
  if (typeof payload === "boolean") return false;
  const { type } = payload;
  return type !== undefined && type !== "object" && !(Array.isArray(type) && type.includes("object"));
}

/** Before 2026-07-28 structured content was an object. */
function outputSchemaOf(tool: ToolContract, revision: Revision): JsonSchema | undefined {
  const answer = readAnswerSchema(tool.result);
  const schema = answer === undefined ? tool.result : answer.outputSchema;
  if (typeof schema !== "object") return undefined;
  return isModern(revision) || schema.type === "object" ? schema : undefined;
}

function formOf(tool: ToolContract): ToolForm {
  return {
    headers: isWrapped(tool.payload) ? [] : paramHeadersOf(tool.payload),
    payload: isWrapped(tool.payload) ? "wrapped" : "object",
    result: readAnswerSchema(tool.result) === undefined ? "value" : "answer",
  };
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
