import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { z } from "zod";
import { defineToolset, type RawJson, rawJson, ToolFailure, Type, toolsetClient } from "../../src/index.js";
import { testToolset } from "../../src/testing/index.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const math = defineToolset({
  name: "math",
  version: "1.0.0",
  tools: {
    sum: {
      payload: Type.Object({ a: Type.Number(), b: Type.Number() }),
      result: Type.Number(),
      run: ({ a, b }) => a + b,
    },
    even: { payload: z.object({ n: z.number().refine((n) => n % 2 === 0, "must be even") }), run: ({ n }) => n / 2 },
    wrong: { payload: true, result: Type.Number(), run: () => "one" as unknown as number },
    broke: {
      payload: true,
      run: () => {
        throw new ToolFailure("NO_FUNDS", "broke", { cents: 0 });
      },
    },
    lost: {
      payload: true,
      run: () => {
        throw new ToolFailure("BANK_LOST", "it hung up", { cents: 1 }, { executed: "unknown" });
      },
    },
    count: {
      payload: Type.Object({ to: Type.Integer() }),
      run: async ({ to }, { emit }) => {
        for (let each = 1; each <= to; each++) await emit(each);
        return "done";
      },
    },
    wait: {
      payload: true,
      run: (_input, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    },
    about: { payload: true, run: (_input, { attempt, meta, callId }) => ({ attempt, run: meta.runId, callId }) },
  },
});

test("a toolset runs in this process, with its schemas, its types and its failures", async () => {
  await using tested = testToolset(math);
  const tools = toolsetClient(tested, math);
  expect(await tools.sum({ a: 1, b: 2 })).toBe(3);
  await expect(tested.invoke("math", "sum", { a: "1", b: 2 })).rejects.toMatchObject({
    reason: "INVALID_PAYLOAD",
    executed: "no",
    violations: [{ field: "/a", description: "must be of type number" }],
  });
  await expect(tools.even({ n: 3 })).rejects.toMatchObject({ kind: "tool_error", reason: "PAYLOAD_REFUSED" });
  await expect(tools.wrong()).rejects.toMatchObject({ kind: "tool_error", reason: "INVALID_RESULT" });
  await expect(tools.broke()).rejects.toMatchObject({
    reason: "NO_FUNDS",
    executed: "yes",
    terminal: { details: { cents: 0 } },
  });
  await expect(tools.lost()).rejects.toMatchObject({
    kind: "outcome_unknown",
    reason: "BANK_LOST",
    message: "it hung up",
    executed: "unknown",
    terminal: { origin: "tool", details: { cents: 1 } },
  });
  await expect(tested.invoke("math", "sun")).rejects.toMatchObject({ reason: "UNKNOWN_TOOL" });
  await expect(tested.invoke("maths", "sum")).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET" });
  await expect(tools.about({}, { expectDigest: "0".repeat(64) })).rejects.toMatchObject({ reason: "DIGEST_MISMATCH" });
  expect(await tools.about({}, { expectDigest: tested.digest, runId: "r" })).toMatchObject({ attempt: 1, run: "r" });
});

test("output comes in order, to whom waits and to whom follows from a cursor", async () => {
  await using tested = testToolset(math);
  const seen: unknown[] = [];
  expect(await tested.invoke("math", "count", { to: 3 }, { onDelta: (data) => seen.push(data) })).toBe("done");
  expect(seen).toEqual([1, 2, 3]);
  const { callId } = await tested.call("math", "count", { to: 3 });
  const events = [];
  for await (const event of tested.follow(callId)) events.push(event);
  expect(events.map((event) => (event.kind === "delta" ? event.data : event.terminal.kind))).toEqual([
    1,
    2,
    3,
    "result",
  ]);
  const [first] = events;
  const rest = [];
  for await (const event of tested.follow(callId, first?.kind === "delta" ? { cursor: first.cursor } : {}))
    rest.push(event);
  expect(rest).toEqual(events.slice(1));
});

test("numbers keep their digits: as their bytes with raw, and as bigints where that is asked for", async () => {
  const big = "12345678901234567890";
  const toolset = defineToolset({
    name: "echo",
    version: "1.0.0",
    tools: {
      echo: {
        payload: Type.Object({ n: Type.Integer() }),
        run: async ({ n }, { emit, payloadJson }) => {
          await emit(rawJson(payloadJson.toString()));
          return rawJson(`{"type":"${typeof n}","n":${big}}`);
        },
      },
    },
  });
  await using tested = testToolset(toolset);
  const seen: string[] = [];
  const raw = { raw: true, onDelta: (data: RawJson) => seen.push(data.text) } as const;
  const result = await tested.invoke("echo", "echo", rawJson(`{"n":${big}}`), { ...raw, runId: "r", toolCallId: "1" });
  expect([...seen, result.text]).toEqual([`{"n":${big}}`, `{"type":"number","n":${big}}`]);
  const { callId } = await tested.call("echo", "echo", rawJson(`{"n":${big}}`), { runId: "r", toolCallId: "1" });
  const { terminal } = await tested.getCall(callId, { raw: true });
  expect(terminal?.kind === "result" && terminal.result.text).toBe(result.text);

  await using exact = testToolset(toolset, { integers: "bigint" });
  expect(await exact.invoke("echo", "echo", { n: BigInt(big) })).toEqual({ type: "bigint", n: BigInt(big) });
});

test("calls can be cancelled and time out", async () => {
  await using tested = testToolset(math);
  const abort = new AbortController();
  const waiting = tested.invoke("math", "wait", {}, { signal: abort.signal, runId: "r", toolCallId: "t" });
  const { callId } = await tested.call("math", "wait", {}, { runId: "r", toolCallId: "t" });
  await nextTurn(); // the tool has it then
  abort.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
  for await (const event of tested.follow(callId)) {
    expect(event).toMatchObject({ terminal: { kind: "cancelled", reason: "CANCELLED" } });
  }
  expect(await tested.getCall(callId)).toMatchObject({ state: "ended", cancelRequested: true });
  await expect(tested.invoke("math", "wait", {}, { timeoutMs: 20 })).rejects.toMatchObject({
    kind: "cancelled",
    reason: "DEADLINE_EXCEEDED",
  });
});

test("a call that is cancelled before its tool has it does not run, and does not wait for its deadline", async () => {
  await using tested = testToolset(math);
  const abort = new AbortController();
  const { callId } = await tested.call("math", "wait", {}, { signal: abort.signal });
  abort.abort();
  const terminal = { kind: "not_executed", reason: "CANCELLED", executed: "no" };
  expect(await tested.getCall(callId)).toMatchObject({ state: "ended", terminal });
});

test("a repeat with the same ids is the same call; another payload under them is a conflict", async () => {
  await using tested = testToolset(math, { attempt: 2 });
  const ids = { runId: "r", toolCallId: "t" };
  const first = await tested.invoke<{ callId: string }>("math", "about", {}, ids);
  expect(await tested.invoke("math", "about", {}, ids)).toEqual(first);
  expect(first).toMatchObject({ attempt: 2 });
  expect(await tested.call("math", "about", {}, ids)).toMatchObject({ callId: first.callId, repeated: true });
  await expect(tested.call("math", "about", { other: 1 }, ids)).rejects.toMatchObject({ reason: "CALL_CONFLICT" });
});

test("a contract or a schema that the registry refuses is refused, and what it warns of is told", async () => {
  const tools = (payload: object) => ({ x: { payload: payload as { type: string }, run: () => 1 } });
  expect(() => testToolset({ name: "Bad Name", version: "1", tools: tools({}) })).toThrow(/name must match/);
  expect(() => testToolset({ name: "m", version: "1.0.0", tools: tools({ type: "int" }) })).toThrow(/payload_schema/);
  const lines: string[] = [];
  const logger = { info: () => {}, warn: (_fields: object, message: string) => lines.push(message) };
  await using tested = testToolset({ name: "m", version: "1.0.0", tools: tools({ typ: "object" }) }, { logger });
  expect(tested.warnings).toMatchObject([{ tool: "x", path: "/payload_schema/typ" }]);
  expect(lines).toHaveLength(1);
});
