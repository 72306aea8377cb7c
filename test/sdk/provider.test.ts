import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import {
  CallAborted,
  type DynamicToolset,
  type Provider,
  type ProviderEvent,
  rawJson,
  type ServeOptions,
  serveToolset,
  type ToolContext,
  ToolFailure,
  ToolgateError,
  Type,
} from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";
import { expectWithin } from "../support/redis-span.js";
import { until } from "../support/until.js";
import { Inbox, registration, type ScriptedAttachment, ScriptedNode } from "./scripted-gateway.js";

expectNoLeaks();

let nodes: ScriptedNode[] = [];
let providers: Provider[] = [];
let held: Inbox<Held>[] = [];
let arrivals = new Inbox<{ attachment: ScriptedAttachment; node: ScriptedNode }>();

beforeEach(async () => {
  nodes = [await ScriptedNode.start(), await ScriptedNode.start()];
  providers = [];
  held = [];
  arrivals = new Inbox();
  for (const node of nodes) node.onAttachment = (attachment) => arrivals.put({ attachment, node });
});

afterEach(async () => {
  // A provider that is stopped gives what it has in hand a second to be settled.
  for (const { attachment } of arrivals.all) attachment.settleAll();
  for (const { resolve } of held.flatMap(({ all }) => all)) resolve(null);
  await Promise.all(providers.map((provider) => provider.stop({ graceMs: 1 })));
  for (const node of nodes) node.kill();
});

/** A tool whose calls the test ends, one by one. */
interface Held {
  readonly input: unknown;
  readonly context: ToolContext;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

function heldTool() {
  const calls = new Inbox<Held>();
  held.push(calls);
  const run = (input: unknown, context: ToolContext) =>
    new Promise<unknown>((resolve, reject) => calls.put({ input, context, resolve, reject }));
  return { calls, run };
}

/** The next session, at whichever node. */
function nextAttachment(): Promise<{ attachment: ScriptedAttachment; node: ScriptedNode }> {
  return arrivals.next();
}

/** The next session, which has to be at this node. */
async function attachmentAt(expected: ScriptedNode): Promise<ScriptedAttachment> {
  const { attachment, node } = await nextAttachment();
  expect(node).toBe(expected);
  return attachment;
}

/** @param now the code of the tool of that name, for what a tool does in the turn in which it is called. */
async function serve(
  options: Partial<ServeOptions> = {},
  heartbeatMs?: number,
  now: (input: unknown, context: ToolContext) => unknown = (input) => input,
) {
  const held = heldTool();
  const events = new Inbox<ProviderEvent>();
  const toolset = {
    name: "math",
    version: "1.0.0",
    tools: {
      held: { payload: true, run: held.run },
      again: { payload: true, idempotent: true, run: held.run },
      sum: {
        payload: Type.Object({ a: Type.Number(), b: Type.Number() }),
        result: Type.Number(),
        idempotent: true,
        run: ({ a, b }: { a: number; b: number }) => a + b,
      },
      now: { payload: true, run: now },
    },
  } as const;
  const serving = serveToolset(toolset, {
    nodes: nodes.map(({ address }) => address),
    onEvent: (event) => events.put(event),
    ...options,
  });
  const { attachment, node } = await nextAttachment();
  attachment.welcome(heartbeatMs);
  const provider = await serving;
  providers.push(provider);
  const other = nodes.find((each) => each !== node);
  if (other === undefined) throw new Error("there is one node only");
  return { provider, attachment, node, other, held, events };
}

const text = (bytes: Buffer | undefined) => String(bytes ?? "");

describe("registration", () => {
  test("sends the contract, and the provider says what it was granted", async () => {
    const warnings = [{ tool: "sum", path: "/payload_schema/typ", message: "did you mean type?" }];
    for (const node of nodes) node.script("register", () => registration({ epoch: 9, warnings }));
    const { provider, node, attachment } = await serve({
      providerId: "me",
      maxInFlight: 3,
      replace: true,
      activateAt: 1,
    });
    const { request } = await node.requests.next();
    expect(request).toMatchObject({ providerId: "me", options: { replace: true, activateAt: 1 } });
    expect(request).toMatchObject({
      contract: {
        name: "math",
        version: "1.0.0",
        tools: [
          { name: "held", delivery: "DELIVERY_MODE_ONCE" },
          { name: "again", delivery: "DELIVERY_MODE_IDEMPOTENT" },
          { name: "sum", delivery: "DELIVERY_MODE_IDEMPOTENT" },
          { name: "now", delivery: "DELIVERY_MODE_ONCE" },
        ],
      },
    });
    expect(provider).toMatchObject({
      name: "math",
      providerId: "me",
      epoch: 9,
      state: "serving",
      epochState: "active",
    });
    expect(provider.warnings).toEqual(warnings);
    expect(attachment.hello).toMatchObject({
      lease: { toolset: "math", epoch: 9, providerId: "me", incarnation: provider.incarnation, leaseToken: "token" },
      maxInFlight: 3,
      inHand: [],
    });
  });

  test("leaves out what is invalid, says so, and registers the same again after its lease was lost", async () => {
    const skipped = [
      {
        tool: "again",
        resultSchemaOnly: false,
        violations: [{ field: "/tools/again/payload_schema", description: "x" }],
      },
      { tool: "sum", resultSchemaOnly: true, violations: [] },
    ];
    for (const node of nodes) node.script("register", () => registration({ skipped }));
    const { provider, node, attachment, events } = await serve({ skipInvalid: true });
    expect((await node.requests.next()).request).toMatchObject({ options: { skipInvalid: true } });
    expect(provider.skipped).toEqual(skipped);
    for (const each of nodes) each.script("register", () => registration({ epoch: 8 }));
    attachment.fail(new ToolgateError("LEASE_LOST", "gone"));
    await until("it is registered anew", () =>
      events.all.some((event) => event.kind === "registered" && event.epoch === 8),
    );
    const again = nodes
      .flatMap(({ requests }) => requests.all)
      .filter(({ method }) => method === "register")
      .at(-1);
    expect(again?.request).toMatchObject({
      contract: { tools: [{ name: "held" }, { name: "sum", resultSchemaJson: Buffer.alloc(0) }, { name: "now" }] },
      options: { skipInvalid: true },
    });
    expect(provider.skipped).toEqual(skipped);
  });

  test("that is refused is thrown, with every fault", async () => {
    const violations = [{ field: "tools[sum].payload", description: "no such type" }];
    const refusal = new ToolgateError("INVALID_SCHEMA", "sum does not compile", { violations });
    for (const node of nodes) node.script("register", () => refusal);
    const options = { nodes: nodes.map(({ address }) => address) };
    const serving = serveToolset(
      { name: "math", version: "1.0.0", tools: { x: { payload: true, run: () => 1 } } },
      options,
    );
    await expect(serving).rejects.toMatchObject({ reason: "INVALID_SCHEMA", violations });
  });

  test("of a tool without code is refused before anything is sent", async () => {
    const tools = { fine: { payload: true, run: () => 1 }, sum: { payload: true } };
    const toolset = { name: "math", version: "1.0.0", tools } as unknown as DynamicToolset; // as plain JavaScript may
    const serving = serveToolset(toolset, { nodes: nodes.map(({ address }) => address) });
    await expect(serving).rejects.toMatchObject({
      reason: "INVALID_CONTRACT",
      message: expect.stringContaining("sum"),
      violations: [{ field: "tools[sum].run" }],
    });
    expect(nodes.flatMap((node) => node.requests.all)).toEqual([]);
  });

  test("goes to another node when one is stopping", async () => {
    const { node } = await serve();
    for (const provider of providers) await provider.stop();
    node.script("register", () => new ToolgateError("NODE_DRAINING", "stopping"));
    const second = await serve();
    expect(second.node).not.toBe(node);
  });

  test("fails clearly when no node answers", async () => {
    for (const node of nodes) node.kill();
    await expect(
      serveToolset(
        { name: "math", version: "1.0.0", tools: { x: { payload: true, run: () => 1 } } },
        { nodes: nodes.map(({ address }) => address), connectTimeoutMs: 300 },
      ),
    ).rejects.toMatchObject({ reason: "NODE_UNREACHABLE" });
  });

  test("waits for a store that is away, and says so when that takes too long", async () => {
    const away = new ToolgateError("STORE_UNAVAILABLE", "Redis is away");
    let attempts = 0;
    for (const node of nodes) {
      node.script("register", () => {
        attempts += 1;
        return attempts < 3 ? away : registration();
      });
    }
    await serve();
    for (const node of nodes) node.script("register", () => away);
    await expect(
      serveToolset(
        { name: "math", version: "1.0.0", tools: { x: { payload: true, run: () => 1 } } },
        { nodes: nodes.map(({ address }) => address), connectTimeoutMs: 200 },
      ),
    ).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
  });

  test("comes again as late as a node asks that is busy, and is not given up meanwhile", async () => {
    const retryAfterMs = 400;
    const asked = nodes.map((): number[] => []);
    for (const [index, node] of nodes.entries()) {
      node.script("register", () => {
        asked[index]?.push(performance.now());
        const all = asked.reduce((sum, times) => sum + times.length, 0);
        return all < 4 * nodes.length ? new ToolgateError("NODE_BUSY", "too many", { retryAfterMs }) : registration();
      });
    }
    await serve({ connectTimeoutMs: 1_000 }); // less than they ask for together
    for (const times of asked)
      for (const [index, time] of times.slice(1).entries())
        expect(time - (times[index] ?? 0)).toBeGreaterThanOrEqual(retryAfterMs - 2); // clocks of timers are cut to milliseconds
  });

  test("asks one more node when one is busy, and then none until the time that they ask for has passed", async () => {
    nodes.push(await ScriptedNode.start(), await ScriptedNode.start());
    const retryAfterMs = 300;
    const asked: { readonly node: ScriptedNode; readonly atMs: number }[] = [];
    for (const node of nodes) {
      node.onAttachment = (attachment) => arrivals.put({ attachment, node });
      node.script("register", () => {
        asked.push({ node, atMs: performance.now() });
        return asked.length < 3 ? new ToolgateError("NODE_BUSY", "too many", { retryAfterMs }) : registration();
      });
    }
    await serve();
    expect(asked).toHaveLength(3);
    const [first, second, third] = asked;
    expect(second?.node).not.toBe(first?.node);
    // The first one asked for its time before the second did, perhaps long before; all others are left alone for the second's.
    const refusal = third?.node === first?.node ? first : second;
    expect((third?.atMs ?? 0) - (refusal?.atMs ?? 0)).toBeGreaterThanOrEqual(retryAfterMs - 2); // clocks of timers are cut to milliseconds
  });

  test("can be given up", async () => {
    for (const node of nodes) node.script("register", () => "silence");
    const abort = new AbortController();
    const serving = serveToolset(
      { name: "math", version: "1.0.0", tools: { x: { payload: true, run: () => 1 } } },
      { nodes: nodes.map(({ address }) => address), signal: abort.signal },
    );
    await Promise.race(nodes.map((node) => node.requests.next()));
    const reason = new Error("never mind");
    abort.abort(reason);
    await expect(serving).rejects.toBe(reason);
  });
});

describe("a call", () => {
  test("runs its tool, and its result is in hand until it is settled", async () => {
    const { provider, attachment } = await serve();
    attachment.call("c1", "sum", { a: 1, b: 2 });
    const result = await attachment.results.next();
    expect(result).toMatchObject({ callId: "c1", attempt: 1, outcome: "resultJson" });
    expect(text(result.resultJson)).toBe("3");
    expect(provider.inHand).toBe(1);
    attachment.settle("c1");
    await expect.poll(() => provider.inHand).toBe(0);
  });

  test("tells its tool what it is about", async () => {
    const { attachment, held } = await serve();
    const before = Date.now();
    attachment.send({
      calls: [
        {
          callId: "c1",
          tool: "held",
          attempt: 2,
          timeoutMs: 5000,
          payloadJson: Buffer.from("[1]"),
          meta: { runId: "r", traceparent: "00-1-2-01" },
        },
      ],
    });
    const { input, context, resolve } = await held.calls.next();
    expect(input).toEqual([1]);
    expect(context).toMatchObject({ callId: "c1", attempt: 2, traceparent: "00-1-2-01" });
    expect(context.meta).toEqual({ runId: "r", sessionId: "", turnId: "", toolCallId: "", parentToolCallId: "" });
    expectWithin(context.deadline.getTime(), { fromMs: before, toMs: Date.now() }, 5_000);
    expect(context.tracestate).toBeUndefined();
    resolve(undefined);
    expect(text((await attachment.results.next()).resultJson)).toBe("null");
  });

  const failures: [string, unknown, object][] = [
    ["a typed failure", new ToolFailure("NO_FUNDS", "broke", { cents: 0 }), { reason: "NO_FUNDS", message: "broke" }],
    ["a failure with a bad word", new ToolFailure("no funds", "broke"), { reason: "TOOL_ERROR", message: "broke" }],
    [
      "a failure with an unknown outcome",
      new ToolFailure("BANK_LOST", "it hung up", undefined, { executed: "unknown" }),
      { reason: "BANK_LOST", message: "it hung up", outcomeUnknown: true },
    ],
    ["an error", new TypeError("oops"), { reason: "TOOL_ERROR", message: "oops" }],
    ["something else", "oops", { reason: "TOOL_ERROR", message: "oops" }],
  ];
  test.each(failures)("whose tool throws %s ends as a tool error", async (_name, thrown, error) => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    (await held.calls.next()).reject(thrown);
    expect(await attachment.results.next()).toMatchObject({ outcome: "error", error });
  });

  test("whose result is not JSON, or too large, ends as a tool error that says so", async () => {
    const { attachment, held } = await serve({ maxResultBytes: 10 });
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const [value, reason] of [
      [cycle, "INVALID_RESULT"],
      [() => 1, "INVALID_RESULT"],
      [Symbol.iterator, "INVALID_RESULT"],
      ["x".repeat(9), "OUTPUT_TOO_LARGE"],
    ] as const) {
      attachment.call(`c-${String(reason)}-${typeof value}`, "held", {});
      (await held.calls.next()).resolve(value);
      expect((await attachment.results.next()).error?.reason).toBe(reason);
    }
  });

  test("of a tool that is not there ends as a tool error", async () => {
    const { attachment } = await serve();
    attachment.call("c1", "nope", {});
    expect((await attachment.results.next()).error).toMatchObject({ reason: "UNKNOWN_TOOL" });
  });

  test("beyond the provider's room waits for its turn", async () => {
    const { attachment, held, provider } = await serve({ maxInFlight: 1 });
    attachment.call("c1", "held", 1);
    attachment.call("c2", "held", 2);
    const first = await held.calls.next();
    await expect.poll(() => provider.inHand).toBe(2);
    expect(held.calls.unread).toBe(0);
    first.resolve("one");
    const second = await held.calls.next();
    expect(second.input).toBe(2);
    second.resolve("two");
    expect((await attachment.results.next()).callId).toBe("c1");
    expect((await attachment.results.next()).callId).toBe("c2");
  });

  test("is awaited whatever its tool makes promises of", async () => {
    // biome-ignore lint/suspicious/noThenProperty: this is what is tested
    const later = { then: (tell: (value: string) => void) => tell("later") };
    const { attachment } = await serve({}, undefined, () => later);
    attachment.call("c1", "now", {});
    expect(text((await attachment.results.next()).resultJson)).toBe('"later"');
  });

  test("that is delivered twice runs once", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", 1);
    attachment.call("c1", "held", 1);
    (await held.calls.next()).resolve("one");
    await attachment.results.next();
    attachment.call("c1", "held", 1);
    expect(text((await attachment.results.next()).resultJson)).toBe('"one"');
    expect(held.calls.all).toHaveLength(1);
  });
});

describe("stopping a call", () => {
  test("aborts its signal with a typed reason, and ends as cancelled when the tool stops", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, reject } = await held.calls.next();
    context.signal.addEventListener("abort", () => reject(context.signal.reason));
    attachment.send({ cancels: [{ callId: "c1", attempt: 1, reason: "CANCEL_REASON_CANCELLED" }] });
    expect(await attachment.results.next()).toMatchObject({ callId: "c1", outcome: "cancelled" });
    expect(context.signal.reason).toBeInstanceOf(CallAborted);
    expect(context.signal.reason).toMatchObject({ reason: "CANCELLED" });
  });

  test("leaves a tool that answers all the same its result", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, resolve } = await held.calls.next();
    context.signal.addEventListener("abort", () => resolve("done anyway"));
    attachment.send({ cancels: [{ callId: "c1", attempt: 1, reason: "CANCEL_REASON_CANCELLED" }] });
    expect(text((await attachment.results.next()).resultJson)).toBe('"done anyway"');
  });

  test("of another attempt changes nothing", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {}, { attempt: 2 });
    const { context, resolve } = await held.calls.next();
    attachment.send({
      cancels: [{ callId: "c1", attempt: 1, reason: "CANCEL_REASON_FENCED" }],
      pings: [{ nonce: "p" }],
    });
    await attachment.pongs.next();
    resolve("fine");
    await attachment.results.next();
    expect(context.signal.aborted).toBe(false);
  });

  test("happens by itself at its deadline", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {}, { timeoutMs: 20 });
    const { context, reject } = await held.calls.next();
    context.signal.addEventListener("abort", () => reject(new Error("stopped")));
    expect(await attachment.results.next()).toMatchObject({ outcome: "cancelled" });
    expect(context.signal.reason).toMatchObject({ reason: "DEADLINE" });
  });

  test("does not happen before a deadline that is further away than a timer can be", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {}, { timeoutMs: 2 ** 31 });
    const { context, resolve } = await held.calls.next();
    // Node takes what a timer cannot have for a millisecond: such a one would be over before this one.
    await sleep(20);
    resolve("fine");
    await attachment.results.next();
    expect(context.signal.aborted).toBe(false);
  });

  test("happens at its deadline also while it waits for its turn", async () => {
    const { attachment, held } = await serve({ maxInFlight: 1 });
    attachment.call("c1", "held", 1, { timeoutMs: 300 });
    attachment.call("c2", "held", 2, { timeoutMs: 20 });
    const { context, resolve } = await held.calls.next();
    if (!context.signal.aborted) await once(context.signal, "abort");
    resolve("late");
    expect((await attachment.results.next()).callId).toBe("c1");
    expect(await attachment.results.next()).toMatchObject({ callId: "c2", outcome: "cancelled" });
    expect(held.calls.all).toHaveLength(1);
  });

  test("that is fenced lets it go: no result is sent", async () => {
    const { attachment, held, provider } = await serve();
    attachment.call("c1", "held", {});
    attachment.call("c2", "held", {});
    const first = await held.calls.next();
    const second = await held.calls.next();
    attachment.send({ cancels: [{ callId: "c1", attempt: 1, reason: "CANCEL_REASON_FENCED" }] });
    await expect.poll(() => first.context.signal.aborted).toBe(true);
    expect(provider.inHand).toBe(1);
    first.resolve("nobody wants it");
    second.resolve("two");
    expect((await attachment.results.next()).callId).toBe("c2");
    expect(attachment.results.all).toHaveLength(1);
  });

  test("before its turn ends it without its tool", async () => {
    const { attachment, held } = await serve({ maxInFlight: 1 });
    attachment.call("c1", "held", {});
    attachment.call("c2", "held", {});
    await held.calls.next();
    attachment.send({ cancels: [{ callId: "c2", attempt: 1, reason: "CANCEL_REASON_CANCELLED" }] });
    expect(await attachment.results.next()).toMatchObject({ callId: "c2", outcome: "cancelled" });
    expect(held.calls.all).toHaveLength(1);
  });
});

describe("output", () => {
  test("goes out in order, before the result", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, resolve } = await held.calls.next();
    await context.emit({ step: 1 });
    void context.emit({ step: 2 });
    resolve("done");
    await attachment.results.next();
    expect(attachment.deltas.all.map(({ dataJson }) => text(dataJson))).toEqual(['{"step":1}', '{"step":2}']);
    expect(attachment.deltas.all[0]).toMatchObject({ callId: "c1", attempt: 1 });
  });

  test("waits while the gateway has no room, and the result waits with it", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, resolve } = await held.calls.next();
    attachment.send({ flowControl: { pauseOutput: true }, pings: [{ nonce: "p" }] });
    await attachment.pongs.next();
    let isSent = false;
    const emitted = context.emit("late").then(() => {
      isSent = true;
    });
    resolve("done");
    attachment.call("c2", "sum", { a: 1, b: 1 });
    expect((await attachment.results.next()).callId).toBe("c2");
    expect(isSent).toBe(false);
    expect(attachment.deltas.all).toHaveLength(0);
    attachment.send({ flowControl: { pauseOutput: false } });
    await emitted;
    expect((await attachment.results.next()).callId).toBe("c1");
    expect(text((await attachment.deltas.next()).dataJson)).toBe('"late"');
  });

  test("that waits is waited for also by a tool that has answered already", async () => {
    const { attachment } = await serve({}, undefined, (input, context) => {
      void context.emit("late");
      return input;
    });
    attachment.send({ flowControl: { pauseOutput: true } });
    attachment.call("c1", "now", "done");
    attachment.call("c2", "sum", { a: 1, b: 1 });
    expect((await attachment.results.next()).callId).toBe("c2");
    attachment.send({ flowControl: { pauseOutput: false } });
    expect((await attachment.results.next()).callId).toBe("c1");
    expect(text((await attachment.deltas.next()).dataJson)).toBe('"late"');
  });

  test("that waits is given up when the call is stopped", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, reject } = await held.calls.next();
    attachment.send({ flowControl: { pauseOutput: true }, pings: [{ nonce: "p" }] });
    await attachment.pongs.next();
    const emitted = context.emit("never");
    void context.emit("unawaited, and no harm done");
    attachment.send({ cancels: [{ callId: "c1", attempt: 1, reason: "CANCEL_REASON_CANCELLED" }] });
    await expect(emitted).rejects.toMatchObject({ reason: "CANCELLED" });
    reject(new Error("stopped"));
    expect(await attachment.results.next()).toMatchObject({ outcome: "cancelled" });
  });

  test("that is not JSON, or too large, fails the tool that does not care", async () => {
    const { attachment, held } = await serve({ maxDeltaBytes: 10 });
    attachment.call("c1", "held", {});
    const { context, reject } = await held.calls.next();
    await expect(context.emit(Symbol.iterator)).rejects.toMatchObject({ reason: "INVALID_OUTPUT" });
    const tooLarge = await context.emit("x".repeat(10)).catch((error: unknown) => error);
    expect(tooLarge).toMatchObject({ reason: "OUTPUT_TOO_LARGE" });
    reject(tooLarge);
    expect((await attachment.results.next()).error).toMatchObject({ reason: "OUTPUT_TOO_LARGE" });
    await expect(context.emit("after the end")).rejects.toMatchObject({ reason: "CALL_ENDED" });
  });
});

describe("JSON that is not to change", () => {
  const exact = Buffer.from('{ "id": 725653563933458433, "price": 10.00, "text": "\\u0041" }');

  test("reaches the tool, and comes from it, as its bytes", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", exact);
    const { context, resolve } = await held.calls.next();
    expect(text(context.payloadJson)).toBe(text(exact));
    await context.emit(rawJson(context.payloadJson));
    await context.emit({ inner: [rawJson("1.50")], big: 12345678901234567890n });
    resolve(rawJson(context.payloadJson));
    expect(text((await attachment.deltas.next()).dataJson)).toBe(text(exact));
    expect(text((await attachment.deltas.next()).dataJson)).toBe('{"inner":[1.50],"big":12345678901234567890}');
    expect(text((await attachment.results.next()).resultJson)).toBe(text(exact));
  });

  test("is in the details of a failure, too", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", Buffer.alloc(0));
    const { context, reject } = await held.calls.next();
    expect(text(context.payloadJson)).toBe("{}");
    reject(new ToolFailure("NO_FUNDS", "broke", { cents: rawJson("0.00") }));
    expect(text((await attachment.results.next()).error?.detailsJson)).toBe('{"cents":0.00}');
  });

  test("may be read with bigints", async () => {
    const { attachment, held } = await serve({ integers: "bigint" });
    attachment.call("c1", "held", exact);
    const { input, resolve } = await held.calls.next();
    expect(input).toEqual({ id: 725653563933458433n, price: 10, text: "A" });
    resolve(input);
    expect(text((await attachment.results.next()).resultJson)).toBe('{"id":725653563933458433,"price":10,"text":"A"}');
  });
});

describe("output that is refused", () => {
  const refusals: [string, unknown, string][] = [
    ["is not JSON", Symbol.iterator, "INVALID_OUTPUT"],
    ["is too large", "x".repeat(100), "OUTPUT_TOO_LARGE"],
  ];
  test.each(refusals)(
    "because it %s ends the call as a tool error, also when nobody looks",
    async (_, piece, reason) => {
      const { attachment, held } = await serve({ maxDeltaBytes: 50 });
      attachment.call("c1", "held", {});
      const { context, resolve } = await held.calls.next();
      const refusal: unknown = await context.emit(piece).catch((error: unknown) => error);
      if (!(refusal instanceof ToolFailure)) throw new Error("it was not refused");
      await context.emit("fits");
      void context.emit(Symbol.iterator);
      resolve("done");
      const result = await attachment.results.next();
      expect(result).toMatchObject({ callId: "c1", outcome: "error", error: { reason, message: refusal.message } });
    },
  );

  test("because too much waits ends the call as a tool error, after what was taken", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, resolve } = await held.calls.next();
    attachment.send({ flowControl: { pauseOutput: true }, pings: [{ nonce: "p" }] });
    await attachment.pongs.next();
    for (let step = 0; step < 1500; step += 1) void context.emit(step);
    resolve("done");
    attachment.send({ flowControl: { pauseOutput: false } });
    const { error } = await attachment.results.next();
    expect(error).toMatchObject({ reason: "OUTPUT_TOO_LARGE", message: expect.stringContaining("await emit()") });
    expect(attachment.deltas.all).toHaveLength(1000);
  });

  test("leaves a call that fails by itself its own failure", async () => {
    const { attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, reject } = await held.calls.next();
    void context.emit(Symbol.iterator);
    reject(new ToolFailure("NO_FUNDS", "broke"));
    expect((await attachment.results.next()).error).toMatchObject({ reason: "NO_FUNDS", message: "broke" });
  });
});

describe("signs of life", () => {
  test("pings are answered at once while every slot is busy and output is held back", async () => {
    const { attachment, held } = await serve({ maxInFlight: 1 });
    attachment.call("c1", "held", {});
    await held.calls.next();
    attachment.send({ flowControl: { pauseOutput: true } });
    attachment.send({ pings: [{ nonce: "one" }, { nonce: "two" }] });
    expect(await attachment.pongs.next()).toBe("one");
    expect(await attachment.pongs.next()).toBe("two");
  });

  test("heartbeats go both ways", async () => {
    const { attachment } = await serve({}, 300);
    const beat = await attachment.heartbeats.next();
    expect(beat).toMatchObject({ sequence: 1, reply: false });
    attachment.send({ heartbeat: { sequence: 1, reply: true } });
    attachment.send({ heartbeat: { sequence: 77, reply: false } });
    await expect.poll(() => attachment.heartbeats.all).toContainEqual({ sequence: 77, reply: true });
  });

  test("a node that goes silent is left for another one", async () => {
    const { attachment, other, events } = await serve({}, 20);
    await attachment.ended;
    const second = await nextAttachment();
    second.attachment.welcome();
    expect(second.node).toBe(other);
    for (;;) {
      const event = await events.next();
      if (event.kind !== "detached") continue;
      expect(event.error?.message).toContain("nothing was heard");
      break;
    }
  });
});

describe("a lost session", () => {
  test("is opened again on another node, by the same lease, with what is in hand", async () => {
    const { provider, attachment, node, other, held } = await serve();
    attachment.call("done", "sum", { a: 1, b: 2 });
    attachment.call("running", "held", {}, { attempt: 3 });
    expect(await attachment.results.next()).toMatchObject({ lostNodes: 0 });
    const running = await held.calls.next();
    node.kill();
    const again = await attachmentAt(other);
    expect(again.hello?.lease).toEqual(attachment.hello?.lease);
    expect(again.hello?.inHand).toEqual([
      { callId: "done", attempt: 1 },
      { callId: "running", attempt: 3 },
    ]);
    again.welcome();
    // The node was lost with it; with the other one it was not.
    expect(await again.results.next()).toMatchObject({ callId: "done", outcome: "resultJson", lostNodes: 1 });
    expect(running.context.signal.aborted).toBe(false);
    running.resolve("survived");
    const survived = await again.results.next();
    expect([text(survived.resultJson), survived.lostNodes]).toEqual(['"survived"', 0]);
    again.settle("done");
    again.settle("running", 3);
    await expect.poll(() => provider.inHand).toBe(0);
    expect(other.requests.all.filter(({ method }) => method === "register")).toHaveLength(0);
  });

  test("holds output back until there is one again", async () => {
    const { attachment, node, other, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, resolve } = await held.calls.next();
    node.kill();
    const again = await attachmentAt(other);
    const emitted = context.emit("meanwhile");
    resolve("done");
    again.welcome();
    await emitted;
    expect((await again.results.next()).callId).toBe("c1");
    expect(again.deltas.all.map(({ dataJson }) => text(dataJson))).toEqual(['"meanwhile"']);
  });

  test("lets go of calls that were fenced meanwhile", async () => {
    const { attachment, node, other, held, provider } = await serve();
    attachment.call("c1", "held", {});
    const { context } = await held.calls.next();
    node.kill();
    (await attachmentAt(other)).welcome(60_000, [{ callId: "c1", attempt: 1 }]);
    await expect.poll(() => provider.inHand).toBe(0);
    expect(context.signal.reason).toMatchObject({ reason: "FENCED" });
  });
});

describe("go away", () => {
  test("of a stopping node moves the provider, without interrupting anything", async () => {
    const { provider, attachment, other, held, events } = await serve();
    attachment.call("c1", "held", 1);
    attachment.call("c2", "held", 2);
    const first = await held.calls.next();
    const second = await held.calls.next();
    attachment.send({ goAway: { reason: "GO_AWAY_REASON_NODE_DRAINING", graceMs: 5000 } });
    const again = await attachmentAt(other);
    first.resolve("during the move");
    expect((await attachment.results.next()).callId).toBe("c1"); // the old session is still there
    expect(again.hello?.inHand).toHaveLength(2);
    again.welcome();
    await attachment.ended;
    expect((await again.results.next()).callId).toBe("c1");
    second.resolve("after the move");
    expect((await again.results.next()).callId).toBe("c2");
    expect(provider.state).toBe("serving");
    const kinds = events.all.map(({ kind }) => kind);
    expect(kinds).toEqual(["registered", "attached", "go_away", "attached"]);
  });

  test("for a lost lease registers again, and goes on with what is in hand", async () => {
    const { provider, attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const call = await held.calls.next();
    for (const node of nodes) node.script("register", () => registration({ epoch: 8, leaseToken: "new" }));
    attachment.send({ goAway: { reason: "GO_AWAY_REASON_LEASE_LOST" } });
    const { attachment: again } = await nextAttachment();
    expect(again.hello?.lease).toMatchObject({ epoch: 8, leaseToken: "new", incarnation: provider.incarnation });
    expect(again.hello?.inHand).toEqual([{ callId: "c1", attempt: 1 }]);
    again.welcome();
    await expect.poll(() => provider.epoch).toBe(8);
    call.resolve(1);
    expect((await again.results.next()).callId).toBe("c1");
  });

  test("as an answer to hello has the same effect", async () => {
    const { attachment, node, other, provider } = await serve();
    node.kill();
    for (const each of nodes) each.script("register", () => registration({ epoch: 8 }));
    (await attachmentAt(other)).fail(new ToolgateError("LEASE_LOST", "unknown lease"));
    const again = await attachmentAt(other);
    expect(again.hello?.lease).toMatchObject({ epoch: 8 });
    expect(again.hello?.lease?.incarnation).toBe(attachment.hello?.lease?.incarnation);
    again.welcome();
    await expect.poll(() => provider.state).toBe("serving");
  });

  test.each([
    ["retired", "GO_AWAY_REASON_RETIRED"],
    ["replaced", "GO_AWAY_REASON_REPLACED"],
    ["unregistered", "GO_AWAY_REASON_UNREGISTERED"],
  ] as const)("as %s ends the provider, once what is in hand is settled", async (kind, reason) => {
    const { provider, attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const call = await held.calls.next();
    attachment.send({ goAway: { reason, graceMs: 60_000 } });
    await attachment.drains.next();
    call.resolve("last");
    await attachment.results.next();
    attachment.settle("c1");
    attachment.end(); // as a node does of what has drained
    expect(await provider.closed).toEqual({ kind });
    expect(provider.state).toBe("closed");
    await attachment.ended;
  });

  test.each([
    ["gone", "retired"],
    ["unregistered", "unregistered"],
    ["replaced", "replaced"],
  ])("that came while no session was open ends it too: a lease that is %s", async (cause, kind) => {
    const { provider, node, other } = await serve();
    node.kill();
    (await attachmentAt(other)).fail(new ToolgateError("LEASE_LOST", "no lease", { metadata: { cause } }));
    expect(await provider.closed).toEqual({ kind });
    expect(other.requests.all.filter(({ method }) => method === "register")).toEqual([]);
  });

  test("runs no call twice that came by the former session, unnamed in the next one's hello, and was settled", async () => {
    const { provider, attachment, other } = await serve();
    attachment.send({ goAway: { reason: "GO_AWAY_REASON_NODE_DRAINING", graceMs: 5_000 } });
    const next = await attachmentAt(other);
    expect(next.hello?.inHand).toEqual([]);
    attachment.call("c1", "sum", { a: 1, b: 1 });
    expect(await attachment.results.next()).toMatchObject({ callId: "c1" });
    attachment.settle("c1");
    await expect.poll(() => provider.inHand).toBe(0);
    next.welcome();
    next.call("c1", "sum", { a: 1, b: 1 }); // as the node found it: held, and not named
    next.call("c2", "sum", { a: 2, b: 2 });
    expect(await next.results.next()).toMatchObject({ callId: "c2" });
    expect(next.results.unread).toBe(0);
  });

  test("for a reason that only newer nodes know moves the provider", async () => {
    const { provider, attachment, other } = await serve();
    attachment.send({ goAway: { reason: 99 as never, graceMs: 1_000 } });
    (await attachmentAt(other)).welcome();
    await expect.poll(() => provider.state).toBe("serving");
  });

  test("and a refusal for good ends it too, with the error", async () => {
    const { provider, node, other } = await serve();
    node.kill();
    (await attachmentAt(other)).fail(new ToolgateError("UNKNOWN_TOOLSET", "it was unregistered"));
    expect(await provider.closed).toMatchObject({ kind: "failed", error: { reason: "UNKNOWN_TOOLSET" } });
  });
});

describe("being superseded", () => {
  test("is told, and calls are served on", async () => {
    const { provider, attachment, events } = await serve();
    attachment.send({ superseded: { activeEpoch: 12, activeVersion: "2.0.0" } });
    attachment.call("c1", "sum", { a: 1, b: 1 });
    await attachment.results.next();
    expect(events.all).toContainEqual({ kind: "superseded", activeEpoch: 12, activeVersion: "2.0.0" });
    expect(provider).toMatchObject({ epochState: "retiring", state: "serving" });
  });
});

describe("stopping", () => {
  test("drains, waits for what is in hand, and gives the lease back", async () => {
    const { provider, attachment, held } = await serve();
    const requests = () => nodes.flatMap(({ requests: { all } }) => all.map(({ method }) => method));
    attachment.call("c1", "held", {});
    const call = await held.calls.next();
    const stopped = provider.stop();
    expect(provider.stop()).toBeInstanceOf(Promise);
    await attachment.drains.next();
    expect(provider.state).toBe("draining");
    call.resolve("last");
    await attachment.results.next();
    expect(requests()).toEqual(["register"]);
    attachment.settle("c1");
    attachment.end();
    await stopped;
    expect(requests().sort()).toEqual(["register", "release"]);
    expect(await provider.closed).toEqual({ kind: "stopped" });
    await provider.stop();
    expect(requests()).toHaveLength(2);
  });

  test("aborts what still runs after the grace, and gives the lease back once that has ended", async () => {
    const { provider, attachment, node, held } = await serve({ maxInFlight: 2 });
    const reasons: unknown[] = [];
    const run = async (callId: string, failure?: Error) => {
      attachment.call(callId, "held", {});
      const { context, reject } = await held.calls.next();
      context.signal.addEventListener("abort", () => {
        reasons.push(context.signal.reason);
        reject(failure ?? context.signal.reason);
      });
    };
    await run("stops");
    await run("explains", new ToolFailure("HALF_DONE", "two of three files were written"));
    attachment.call("waits", "held", {});
    const stopped = provider.stop({ graceMs: 1 });
    const results = [await attachment.results.next(), await attachment.results.next(), await attachment.results.next()];
    expect(new Map(results.map(({ callId, outcome }) => [callId, outcome]))).toEqual(
      new Map([
        ["stops", "cancelled"],
        ["explains", "error"],
        ["waits", "cancelled"],
      ]),
    );
    expect(results.find(({ callId }) => callId === "explains")?.error).toMatchObject({ reason: "HALF_DONE" });
    expect(reasons).toMatchObject([{ reason: "STOPPING" }, { reason: "STOPPING" }]);
    expect(node.requests.all.map(({ method }) => method)).toEqual(["register"]);
    for (const { callId } of results) attachment.settle(callId);
    await stopped;
    expect(node.requests.all.map(({ method }) => method)).toEqual(["register", "release"]);
    expect(held.calls.all).toHaveLength(2);
  });

  test("says nothing of an idempotent call that it aborts: another provider runs it", async () => {
    const { provider, attachment, node, held } = await serve();
    attachment.call("c1", "again", {});
    const { context, reject } = await held.calls.next();
    context.signal.addEventListener("abort", () => reject(context.signal.reason));
    await provider.stop({ graceMs: 1 });
    expect(attachment.results.all).toEqual([]);
    expect(node.requests.all.map(({ method }) => method)).toEqual(["register", "release"]);
  });

  test("tells nobody of a result whose output it has lost", async () => {
    const { provider, attachment, held } = await serve();
    attachment.call("c1", "held", {});
    const { context, resolve } = await held.calls.next();
    attachment.send({ flowControl: { pauseOutput: true }, pings: [{ nonce: "p" }] });
    await attachment.pongs.next();
    void context.emit("held back");
    context.signal.addEventListener("abort", () => resolve("done"));
    const stopped = provider.stop({ graceMs: 1 });
    expect(await attachment.results.next()).toMatchObject({ callId: "c1", outcome: "cancelled" });
    attachment.settle("c1");
    await stopped;
  });

  test("ends also while a tool ignores its signal", async () => {
    const { provider, attachment, node, held } = await serve();
    attachment.call("c1", "held", {});
    await held.calls.next();
    await provider.stop({ graceMs: 1 });
    expect(attachment.results.all).toEqual([]);
    expect(node.requests.all.map(({ method }) => method)).toEqual(["register", "release"]);
    expect(provider.inHand).toBe(0);
  });

  test("leaves nothing behind that keeps the process alive, also when a tool hangs", async () => {
    const code = `
      import { serveToolset } from ${JSON.stringify(new URL("../../dist/src/index.js", import.meta.url).href)};
      let provider;
      const hang = () => {
        setImmediate(() => provider.stop({ graceMs: 1 }));
        return new Promise(() => {});
      };
      const toolset = { name: "math", version: "1.0.0", tools: { hang: { payload: true, run: hang } } };
      provider = await serveToolset(toolset, { nodes: ${JSON.stringify(nodes.map(({ address }) => address))} });
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "ignore" });
    onTestFinished(() => void child.kill("SIGKILL"));
    const exited = once(child, "exit");
    const { attachment } = await nextAttachment();
    attachment.welcome();
    attachment.call("c1", "hang", {}, { timeoutMs: 3_600_000 });
    expect(await exited).toEqual([0, null]);
  });

  test("happens when its signal aborts", async () => {
    const abort = new AbortController();
    const { provider, attachment } = await serve({ signal: abort.signal });
    abort.abort();
    await attachment.drains.next();
    attachment.end();
    expect(await provider.closed).toEqual({ kind: "stopped" });
  });

  test("drain resolves when nothing is in hand, and the lease is kept", async () => {
    const { provider, attachment, node } = await serve();
    await provider.drain();
    await attachment.drains.next();
    await provider.drain();
    expect(provider.state).toBe("draining");
    expect(node.requests.all.map(({ method }) => method)).toEqual(["register"]);
  });

  test("while draining, a lost session comes back for what is in hand only", async () => {
    const { provider, attachment, node, other, held } = await serve();
    attachment.call("c1", "held", {});
    const call = await held.calls.next();
    const drained = provider.drain();
    await attachment.drains.next();
    node.kill();
    const again = await attachmentAt(other);
    again.welcome();
    await again.drains.next();
    call.resolve("last");
    expect((await again.results.next()).callId).toBe("c1");
    again.settle("c1");
    again.end();
    await drained;
    await provider.stop();
    expect(other.requests.all.map(({ method }) => method)).toEqual(["release"]);
    expect(arrivals.unread).toBe(0);
  });

  test("while no node answers still ends", async () => {
    const { provider } = await serve();
    for (const node of nodes) node.kill();
    await provider.stop({ graceMs: 10 });
    expect(await provider.closed).toEqual({ kind: "stopped" });
  });
});
