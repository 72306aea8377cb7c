import type { AdmittedCall, CallEvent } from "./call.js";
import type { CallOptions, InvokeOptions } from "./call-options.js";
import type { ResultTerminal } from "./terminal.js";
import type { InputOf, ValueOf } from "./tool-definition.js";
import type { FollowOptions, Toolgate } from "./toolgate.js";

/** What a typed client needs to know of a toolset: the type of its definition, which may be imported as a type alone. */
export interface TypedToolset {
  readonly name: string;
  readonly tools: { readonly [tool: string]: { readonly payload: unknown; readonly result?: unknown } };
}

/** What agents send to a tool. */
type PayloadOf<Tool> = Tool extends { readonly payload: infer Payload } ? InputOf<Payload> : unknown;
/** What agents get of it. */
type ResultOf<Tool> = Tool extends { readonly result?: infer Result } ? ValueOf<Exclude<Result, undefined>> : unknown;
/** The payload may be left out where `{}` is one. */
type Args<Payload, Options> =
  Record<never, never> extends Payload ? [payload?: Payload, options?: Options] : [payload: Payload, options?: Options];

/** One step of a call's stream, its result typed. */
export type ToolEvent<Result> =
  | Exclude<CallEvent, { readonly kind: "terminal" }>
  | {
      readonly kind: "terminal";
      readonly terminal:
        | Exclude<Extract<CallEvent, { readonly kind: "terminal" }>["terminal"], ResultTerminal>
        | (ResultTerminal & { readonly result: Result });
    };

/** One tool as a function. */
export interface ToolFunction<Payload, Result> {
  /** Runs the tool and gives its result, as `Toolgate.invoke` does. */
  (...args: Args<Payload, InvokeOptions>): Promise<Result>;
  /** Starts a call and gives its handle, as `Toolgate.call` does. */
  start(...args: Args<Payload, CallOptions>): Promise<AdmittedCall>;
  /** Starts a call and follows it: its output, and at last its terminal, as `Toolgate.follow` gives them. Leaving the loop does not cancel the call. */
  stream(...args: Args<Payload, CallOptions>): AsyncIterable<ToolEvent<Result>>;
}

/**
 * What the language calls by itself, when a client is awaited, logged or put into a text. No call must come of that: tools of these
 * names are left out, and are reached by `Toolgate.invoke`.
 */
const OF_THE_LANGUAGE = ["then", "toJSON", "toString", "valueOf"] as const;
type OfTheLanguage = (typeof OF_THE_LANGUAGE)[number];
const isOfTheLanguage = (name: string): boolean => OF_THE_LANGUAGE.some((one) => one === name);

/** A toolset's tools as functions, by their names, but `then`, `toJSON`, `toString` and `valueOf`, which the language calls by itself. */
export type ToolsetClient<Toolset extends TypedToolset> = {
  readonly [Tool in keyof Toolset["tools"] as Tool extends OfTheLanguage ? never : Tool]: ToolFunction<
    PayloadOf<Toolset["tools"][Tool]>,
    ResultOf<Toolset["tools"][Tool]>
  >;
};

/** What of a client is needed. */
export type ToolCaller = Pick<Toolgate, "call"> & {
  invoke<Result>(toolset: string, tool: string, payload?: unknown, options?: InvokeOptions): Promise<Result>;
  follow(callId: string, options?: FollowOptions): AsyncIterable<CallEvent>;
};

/**
 * A client of one toolset whose functions have the types of its definition:
 *
 *     import type { math } from "./math-provider.js";
 *     const tools = toolsetClient<typeof math>(client, "math");
 *     await tools.sum({ a: 1, b: 2 });
 *
 * The types are the definition's word; what the registry has under the name may be another version. `expectDigest` among the
 * defaults refuses calls then.
 *
 * @param toolset its name, or its definition.
 * @param defaults options of every call; those of a call come before them.
 */
export function toolsetClient<Toolset extends TypedToolset>(
  client: ToolCaller,
  toolset: string | Toolset,
  defaults: CallOptions = {},
): ToolsetClient<Toolset> {
  const name = typeof toolset === "string" ? toolset : toolset.name;
  const made = new Map<string, ToolFunction<unknown, unknown>>();
  const tools = new Proxy(Object.create(null), {
    get(_target, tool) {
      if (typeof tool !== "string" || isOfTheLanguage(tool)) return undefined;
      const known = made.get(tool) ?? toolFunction(client, name, tool, defaults);
      made.set(tool, known);
      return known;
    },
  });
  return tools as ToolsetClient<Toolset>; // any name is a function, and the caller's type says which there are
}

function toolFunction(
  client: ToolCaller,
  toolset: string,
  tool: string,
  defaults: CallOptions,
): ToolFunction<unknown, unknown> {
  const start = (payload?: unknown, options: CallOptions = {}) =>
    client.call(toolset, tool, payload, { ...defaults, ...options });
  return Object.assign(
    (payload?: unknown, options: InvokeOptions = {}) =>
      client.invoke(toolset, tool, payload, { ...defaults, ...options }),
    {
      start,
      async *stream(payload?: unknown, options: CallOptions = {}): AsyncGenerator<ToolEvent<unknown>, void, void> {
        const { callId } = await start(payload, options);
        const signal = options.signal ?? defaults.signal;
        yield* client.follow(callId, signal === undefined ? {} : { signal });
      },
    },
  );
}
