import { describe, expectTypeOf, test } from "vitest";
import {
  type AgentSession,
  type CallEvent,
  type CallStatus,
  type DynamicToolset,
  defineTool,
  type JsonSchema,
  type Provider,
  type RawJson,
  rawJson,
  type ServeOptions,
  serveToolset,
  type ToolContext,
  type Toolgate,
  type ToolsetSummary,
  Type,
  type ValueOf,
} from "../../src/index.js";

/** These are checked by the compiler; that they also run only shows that they are reached. */

const options: ServeOptions = { nodes: "127.0.0.1:1" };
/** Types a call without making it. */
const never = <T>(_call: (client: Toolgate & AgentSession) => T): T => undefined as never; // nothing reads the value

describe("a toolset's types", () => {
  test("follow from TypeBox schemas", () => {
    const provider = never(() =>
      serveToolset(
        {
          name: "math",
          version: "1.0.0",
          tools: {
            sum: {
              payload: Type.Object({ a: Type.Number(), b: Type.Optional(Type.String()) }),
              result: Type.Object({ total: Type.Number() }),
              run: (input, context) => {
                expectTypeOf(input).toEqualTypeOf<{ a: number; b?: string }>();
                expectTypeOf(context).toEqualTypeOf<ToolContext>();
                return { total: input.a };
              },
            },
            later: {
              payload: Type.Array(Type.Integer()),
              result: Type.Boolean(),
              run: async (list) => list.length > 1,
            },
          },
        },
        options,
      ),
    );
    expectTypeOf(provider).toEqualTypeOf<Promise<Provider>>();
  });

  test("follow from plain JSON Schemas", () => {
    never(() =>
      serveToolset(
        {
          name: "math",
          version: "1.0.0",
          tools: {
            greet: {
              payload: {
                type: "object",
                properties: { name: { type: "string" }, mood: { enum: ["good", "bad"] } },
                required: ["name"],
              },
              result: { type: "string" },
              run: (input) => {
                expectTypeOf(input.name).toEqualTypeOf<string>();
                expectTypeOf(input.mood).toEqualTypeOf<"good" | "bad" | undefined>();
                return `hello ${input.name}`;
              },
            },
          },
        },
        options,
      ),
    );
  });

  test("hold the tool to its result schema", () => {
    const payload = Type.Object({ a: Type.Number() });
    never(() =>
      serveToolset(
        // @ts-expect-error a text is no number
        { name: "m", version: "1.0.0", tools: { x: { payload, result: Type.Number(), run: ({ a }) => String(a) } } },
        options,
      ),
    );
    never(() =>
      serveToolset(
        // @ts-expect-error there is no b
        { name: "m", version: "1.0.0", tools: { x: { payload, run: ({ b }) => b } } },
        options,
      ),
    );
    never(() =>
      serveToolset(
        // @ts-expect-error misspelt
        { name: "m", version: "1.0.0", tools: { x: { payload, idempotemt: true, run: () => 1 } } },
        options,
      ),
    );
  });

  test("leave a tool without a result schema free", () => {
    never(() =>
      serveToolset(
        { name: "m", version: "1.0.0", tools: { x: { payload: true, run: () => Promise.resolve() } } },
        options,
      ),
    );
  });

  test("are kept by tools that stand on their own", () => {
    const sum = defineTool({
      payload: Type.Object({ a: Type.Number() }),
      result: Type.Number(),
      run: ({ a }) => a,
    });
    const free = defineTool({ payload: Type.Object({ a: Type.Number() }), run: ({ a }) => String(a) });
    expectTypeOf(sum.run).parameter(0).toEqualTypeOf<{ a: number }>();
    never(() => serveToolset({ name: "m", version: "1.0.0", tools: { sum, free } }, options));
    // @ts-expect-error a text is no number
    never(() => defineTool({ payload: true, result: Type.Number(), run: () => "one" }));
  });

  test("are unknown where schemas are known at run time only", () => {
    expectTypeOf<ValueOf<JsonSchema>>().toEqualTypeOf<unknown>();
    const taken: DynamicToolset["tools"] = {
      any: {
        payload: { type: "object" },
        run: (input) => {
          expectTypeOf(input).toEqualTypeOf<unknown>();
          return input;
        },
      },
    };
    never(() => serveToolset({ name: "m", version: "1.0.0", tools: taken }, options));
  });
});

describe("the agents' types", () => {
  test("are what the documentation says", () => {
    expectTypeOf<Toolgate["list"]>().returns.toEqualTypeOf<AsyncIterable<ToolsetSummary>>();
    expectTypeOf(never((client: Toolgate) => client.follow("c"))).toEqualTypeOf<AsyncIterable<CallEvent>>();
    expectTypeOf<Toolgate["session"]>().returns.toEqualTypeOf<AgentSession>();
    expectTypeOf(never((client: Toolgate) => client.invoke("a", "b"))).toEqualTypeOf<Promise<unknown>>();
    expectTypeOf(never((client: Toolgate) => client.invoke<number>("a", "b", { c: 1 }))).toEqualTypeOf<
      Promise<number>
    >();
  });

  test("are raw JSON where that is asked for", () => {
    expectTypeOf(never((client: Toolgate) => client.invoke("a", "b", {}, { raw: true }))).toEqualTypeOf<
      Promise<RawJson>
    >();
    never((session: AgentSession) =>
      session.invoke("a", "b", rawJson("1"), {
        raw: true,
        onDelta: (data, delta) => {
          expectTypeOf(data).toEqualTypeOf<RawJson>();
          expectTypeOf(delta.data).toEqualTypeOf<RawJson>();
        },
      }),
    );
    expectTypeOf(never((client: Toolgate) => client.follow("c", { raw: true }))).toEqualTypeOf<
      AsyncIterable<CallEvent<RawJson>>
    >();
    expectTypeOf(never((client: Toolgate) => client.getCall("c", { raw: true }))).toEqualTypeOf<
      Promise<CallStatus<RawJson>>
    >();
    // @ts-expect-error what a tool's caller says of its result says nothing of its bytes
    never((client: Toolgate) => client.invoke<number>("a", "b", {}, { raw: true }));
  });

  test("let a tool answer with raw JSON whatever its schema", () => {
    never(() =>
      defineTool({ payload: true, result: Type.Integer(), run: (_input, context) => rawJson(context.payloadJson) }),
    );
  });
});
