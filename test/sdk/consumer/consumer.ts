import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type as ark } from "arktype";
import { connect, defineTool, type ServeOptions, serveToolset, ToolgateError, Type } from "toolgate-sdk";
import * as v from "valibot";
import { z } from "zod";

/** What a project of its own writes, in its types. It is compiled, by the oldest TypeScript and by the newest, and never run. */

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_equal: Equal<A, B>): void {}

const options: ServeOptions = { nodes: "127.0.0.1:7400" };

export async function provide(): Promise<void> {
  const alone = defineTool({ payload: Type.Object({ a: Type.Number() }), result: Type.Number(), run: ({ a }) => a });
  await using provider = await serveToolset(
    {
      name: "math",
      version: "1.0.0",
      tools: {
        alone,
        typebox: {
          payload: Type.Object({ a: Type.Number(), b: Type.Optional(Type.String()) }),
          result: Type.Number(),
          run: (input, ctx) => {
            same<typeof input, { a: number; b?: string }>(true);
            return input.a + ctx.attempt;
          },
        },
        zod: {
          payload: z.object({ a: z.number().default(1), b: z.string().transform((text) => text.length) }),
          result: z.object({ total: z.number() }),
          run: async (input, ctx) => {
            same<typeof input, { a: number; b: number }>(true);
            await ctx.emit(input.b);
            return { total: input.a };
          },
        },
        valibot: {
          payload: toStandardJsonSchema(v.object({ a: v.optional(v.number(), 3) })),
          run: ({ a }) => {
            same<typeof a, number>(true);
            return a;
          },
        },
        arktype: {
          payload: ark({ a: "number = 3", "b?": "string" }),
          result: ark("string"),
          run: (input) => {
            same<typeof input, { a: number; b?: string }>(true);
            return String(input.a);
          },
        },
      },
    },
    options,
  );
  console.log(provider.epoch);
}

export function refuses(): void {
  const tools = { plain: { payload: v.object({ a: v.number() }), run: () => 1 } };
  // @ts-expect-error valibot's schemas cannot tell their JSON Schema unless they are wrapped
  void serveToolset({ name: "math", version: "1.0.0", tools }, options);
  const wrong = { payload: z.object({}), result: z.number(), run: () => "one" };
  // @ts-expect-error a text is no number
  void serveToolset({ name: "math", version: "1.0.0", tools: { wrong } }, options);
}

export async function call(): Promise<number> {
  await using client = await connect("127.0.0.1:7400");
  for await (const toolset of client.list()) console.log(toolset.name);
  try {
    return await client.invoke<number>("math", "sum", { a: 1 }, { signal: AbortSignal.timeout(1000) });
  } catch (error) {
    if (error instanceof ToolgateError) console.log(error.reason, error.status);
    throw error;
  }
}
