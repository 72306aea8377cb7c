import type { Static, TSchema } from "typebox";
import type { JsonSchema, ToolAnnotations, ToolMeta } from "../contract/contract.js";
import type { RawJson } from "../json/raw-json.js";
import type { StandardJsonSchema } from "./standard-schema.js";
import type { ToolContext } from "./tool-context.js";

/**
 * A schema: JSON Schema as a plain literal, of draft 2020-12, 2019-09, draft-07, draft-06 or draft-04; one made with TypeBox; or
 * one of another library that can tell its JSON Schema, such as zod 4.2, arktype or valibot with `toStandardJsonSchema`.
 */
export type Schema = (TSchema & NotStandard) | JsonSchema | StandardJsonSchema;

/** A schema of a library that checks values and cannot tell its JSON Schema would pass for one of TypeBox. */
interface NotStandard {
  readonly "~standard"?: never;
}

/**
 * The type of what a schema lets through: what a tool gets of a payload's, and agents of a result's. `unknown` where the schema
 * is known at run time only, as for tools that are taken over from elsewhere: `JsonSchema` itself says nothing.
 */
export type ValueOf<S> = JsonSchema extends S
  ? unknown
  : S extends StandardJsonSchema<unknown, infer Output>
    ? Output
    : S extends TSchema
      ? Static<S>
      : unknown;

/**
 * The type of what is given to a schema: what agents send to a payload's, and a tool gives to a result's. The same as `ValueOf`,
 * but where a library's schema has defaults or transforms.
 */
export type InputOf<S> = JsonSchema extends S
  ? unknown
  : S extends StandardJsonSchema<infer Input, unknown>
    ? Input
    : S extends TSchema
      ? Static<S>
      : unknown;

/** What a tool has besides its schemas and its code. */
export interface ToolProperties {
  /** A name for people; at most 256 characters. */
  readonly title?: string;
  /** What the tool does, for models and people; at most 16 KiB. */
  readonly description?: string;
  /** Words to filter and search by; at most 32, each at most 64 characters. */
  readonly tags?: readonly string[];
  /** Hints for agents; they decide nothing. */
  readonly annotations?: ToolAnnotations;
  /**
   * A call may be delivered again, to another provider, when its provider was lost. `false` when absent: then a call is
   * claimed irrevocably and never run twice.
   */
  readonly idempotent?: boolean;
  /** The longest that one call may take, in milliseconds; absent leaves it to the registry's maximum. */
  readonly timeoutMs?: number;
  /**
   * What else is to be known of the tool, as JSON: it passes through unread, and is part of the contract. At most 64 KiB. Tools of
   * MCP servers have `_meta`, `icons`, `execution` and further `annotations` here, under those names.
   */
  readonly meta?: ToolMeta;
}

/** One tool: its schemas, and the code that runs it. */
export interface ToolDefinition<Payload, Result> extends ToolProperties {
  /**
   * Schema of the payload; the gateway has checked what `run` gets by its JSON Schema. A library's own schema then checks it
   * once more, beside the code, and makes of it what `run` gets; what it refuses ends the call as a tool error PAYLOAD_REFUSED.
   */
  readonly payload: Payload;
  /**
   * Schema of the result; the gateway checks what `run` gives by its JSON Schema, after a library's own schema has made of it
   * what agents receive. Absent accepts any JSON.
   */
  readonly result?: Result;
  /**
   * Runs one call. What it returns is the result, as JSON; `undefined` becomes `null`, a bigint an integer, and a RawJson
   * (see `rawJson`) is sent as it is. A ToolFailure that it throws is a
   * typed tool error; anything else becomes reason TOOL_ERROR with its message. It should stop when `context.signal`
   * aborts.
   */
  run(input: ValueOf<Payload>, context: ToolContext): InputOf<Result> | RawJson | Promise<InputOf<Result> | RawJson>;
}

/** A tool whose schemas are known at run time only; its input is `unknown`. */
export type DynamicTool = ToolDefinition<JsonSchema, JsonSchema>;

/** The tools of a toolset by name: [A-Za-z0-9_][A-Za-z0-9_./-]{0,127}. */
export type ToolDefinitions<
  Payloads extends Record<string, Schema>,
  Results extends { [Name in keyof Payloads]: unknown },
> = {
  // The first two are where the compiler infers the schemas from; the last then types each tool's code. A tool without a result
  // schema leaves `unknown` behind: a narrower bound would make the compiler forget the other tools' schemas with it.
  readonly [Name in keyof Payloads]: { readonly payload: Payloads[Name] };
} & {
  readonly [Name in keyof Results]: { readonly result?: Results[Name] };
} & {
  readonly [Name in keyof Payloads]: ToolDefinition<Payloads[Name], Results[Name]>;
};

/** A toolset: what is registered, and the code that serves it. */
export interface ToolsetDefinition<
  Payloads extends Record<string, Schema>,
  Results extends { [Name in keyof Payloads]: unknown },
> {
  /** Its name: [a-z0-9][a-z0-9._-]{0,127}. */
  readonly name: string;
  /** A semantic version; it names one contract for ever, so another contract needs a higher one. */
  readonly version: string;
  /** A name for people; at most 256 characters. */
  readonly title?: string;
  /** What it is for; at most 16 KiB. */
  readonly description?: string;
  /** Words to filter and search by; at most 32, each at most 64 characters. */
  readonly tags?: readonly string[];
  /**
   * Whether `format` is asserted in the schemas: a text that is no "date-time" is then refused. `false` when absent: a format
   * says what a text means, and refuses nothing, as draft 2020-12 has it.
   */
  readonly assertFormats?: boolean;
  /** At least one, at most 1,024. */
  readonly tools: ToolDefinitions<Payloads, Results>;
}

/** A toolset whose tools' schemas are known at run time only. */
export type DynamicToolset = ToolsetDefinition<Record<string, JsonSchema>, Record<string, JsonSchema>>;

/** Gives a tool that stands on its own (in a file of its own, say) the types that follow from its schemas. */
export function defineTool<const Payload extends Schema, const Result extends Schema = true>(
  tool: ToolDefinition<Payload, Result>,
): ToolDefinition<Payload, Result> {
  return tool;
}

/**
 * Gives a toolset that stands on its own the types that follow from its schemas; `toolsetClient` takes them for agents. Whether it
 * is a sound contract is seen when it is served or tested.
 */
export function defineToolset<
  const Payloads extends Record<string, Schema>,
  const Results extends { [Name in keyof Payloads]: unknown },
>(toolset: ToolsetDefinition<Payloads, Results>): ToolsetDefinition<Payloads, Results> {
  return toolset;
}
