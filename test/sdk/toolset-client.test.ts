import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { type CallEvent, defineToolset, type ToolCaller, Type, toolsetClient } from "../../src/index.js";

const math = defineToolset({
  name: "math",
  version: "1.0.0",
  tools: {
    sum: {
      payload: Type.Object({ a: Type.Number(), b: Type.Number() }),
      result: Type.Number(),
      run: ({ a, b }) => a + b,
    },
    "text/length": {
      payload: z.object({ text: z.string().default("") }),
      result: z.object({ length: z.number() }),
      run: ({ text }) => ({ length: text.length }),
    },
    free: { payload: true, run: () => "anything" },
  },
});

/** Notes what is asked of it. */
function noting(answer: unknown) {
  const asked: unknown[][] = [];
  const caller: ToolCaller = {
    invoke: async <Result>(...args: unknown[]) => {
      asked.push(["invoke", ...args]);
      return answer as Result; // as the test wants it
    },
    call: async (...args) => {
      asked.push(["call", ...args]);
      return { callId: "c1" } as Awaited<ReturnType<ToolCaller["call"]>>; // no more of it is read
    },
    async *follow(...args) {
      asked.push(["follow", ...args]);
      yield { kind: "delta", data: 1, cursor: "1-0", attempt: 1 } satisfies CallEvent;
    },
  };
  return { asked, caller };
}

test("a typed client's functions are the definition's tools, with their payloads, results and options", async () => {
  const { asked, caller } = noting(3);
  const tools = toolsetClient<typeof math>(caller, "math", { expectDigest: "d", timeoutMs: 5 });
  const onDelta = () => {};
  const sum = await tools.sum({ a: 1, b: 2 }, { timeoutMs: 7, onDelta });
  expectTypeOf(sum).toEqualTypeOf<number>();
  expectTypeOf(tools.sum).parameter(0).toEqualTypeOf<{ a: number; b: number }>();
  expectTypeOf(await tools["text/length"]()).toEqualTypeOf<{ length: number }>();
  expectTypeOf(await tools.free({ any: "thing" })).toEqualTypeOf<unknown>();
  expect(sum).toBe(3);
  expect(asked).toEqual([
    ["invoke", "math", "sum", { a: 1, b: 2 }, { expectDigest: "d", timeoutMs: 7, onDelta }],
    ["invoke", "math", "text/length", undefined, { expectDigest: "d", timeoutMs: 5 }],
    ["invoke", "math", "free", { any: "thing" }, { expectDigest: "d", timeoutMs: 5 }],
  ]);
  // @ts-expect-error there is no such tool
  tools.product;
  // @ts-expect-error a payload is missing
  await tools.sum();
  // @ts-expect-error a text is no number
  await tools.sum({ a: "1", b: 2 });
});

test("a call can be started, and followed by its output and its end", async () => {
  const { asked, caller } = noting(undefined);
  const tools = toolsetClient(caller, math);
  const { signal } = new AbortController();
  expect((await tools.sum.start({ a: 1, b: 2 })).callId).toBe("c1");
  for await (const event of tools.sum.stream({ a: 1, b: 2 }, { signal })) {
    if (event.kind === "terminal" && event.terminal.kind === "result")
      expectTypeOf(event.terminal.result).toExtend<number>();
    else expect(event).toMatchObject({ kind: "delta", data: 1 });
  }
  expect(asked).toEqual([
    ["call", "math", "sum", { a: 1, b: 2 }, {}],
    ["call", "math", "sum", { a: 1, b: 2 }, { signal }],
    ["follow", "c1", { signal }],
  ]);
});

test("a typed client that is logged or put into a text calls no tool", async () => {
  const { asked, caller } = noting(1);
  const tools = toolsetClient<typeof math>(caller, "math");
  expect(JSON.stringify({ tools })).toBe('{"tools":{}}');
  expect(() => `${tools}`).toThrow(TypeError);
  expect(asked).toEqual([]);
});

test("a typed client is no promise", async () => {
  const tools = toolsetClient(noting(1).caller, math);
  expect(await tools).toBe(tools);
  expect(tools.sum).toBe(tools.sum);
});
