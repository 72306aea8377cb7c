import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connect, type Provider, type Toolgate } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectKeysToExpire, expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { expectWithin, spanOf } from "../support/redis-span.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Gate, gate, type Ledger, serveLab } from "./tools.js";

expectNoLeaks();

let redis: TestRedis;
let client: Redis;
let cluster: Cluster;
let agents: Toolgate[];
let ledger: Ledger;
let held: Gate;
let provider: Provider;

beforeAll(async () => {
  redis = await privateRedis();
  client = redis.client();
  cluster = await startCluster({ redis, config: { ...FAST, maxPayloadBytes: 10_000, maxDeltas: 500 } });
  agents = await Promise.all(cluster.addresses.map((address) => connect(address)));
});
beforeEach(async () => {
  ledger = { runs: [] };
  held = gate();
  provider = await serveLab(ledger, { nodes: cluster.addresses[0] ?? "" }, held);
  await until("every node can call the toolset", async () =>
    (await Promise.all(agents.map((agent) => agent.get("lab")))).every(({ healthy }) => healthy),
  );
});
afterEach(async () => {
  held.open();
  await provider.stop();
});
afterAll(async () => {
  for (const agent of agents ?? []) await agent.close();
  await cluster?.stop();
  await redis?.stop();
});

const agent = (index: number): Toolgate => {
  const found = agents[index];
  if (found === undefined) throw new RangeError(`no agent ${index}`);
  return found;
};

describe("invoke", () => {
  test("answers through every node, wherever the provider is attached", async () => {
    const results = await Promise.all(agents.map((one, i) => one.invoke("lab", "sum", { a: 1, b: i })));
    expect(results).toEqual([1, 2, 3]);
  });

  test("repeats of the same ids, over three nodes at once, run once and get the same answer", async () => {
    const ids = { runId: "run-1", toolCallId: "call-1" };
    const results = await Promise.all(
      Array.from({ length: 60 }, (_, i) => agent(i % 3).invoke("lab", "sum", { a: 20, b: 22 }, ids)),
    );
    expect(new Set(results)).toEqual(new Set([42]));
    expect(ledger.runs).toHaveLength(1);
  });

  test("the same ids with another payload are refused, and run nothing", async () => {
    const ids = { runId: "run-2", toolCallId: "call-1" };
    await agent(0).invoke("lab", "sum", { a: 1, b: 1 }, ids);
    await expect(agent(1).invoke("lab", "sum", { a: 1, b: 2 }, ids)).rejects.toMatchObject({
      reason: "CALL_CONFLICT",
      executed: "no",
    });
    expect(ledger.runs).toHaveLength(1);
  });

  test("the same tool_call_id in another run is another call", async () => {
    await agent(0).invoke("lab", "sum", { a: 1, b: 1 }, { runId: "run-3", toolCallId: "call-1" });
    expect(await agent(0).invoke("lab", "sum", { a: 2, b: 2 }, { runId: "run-4", toolCallId: "call-1" })).toBe(4);
    expect(ledger.runs).toHaveLength(2);
  });

  test("a payload that does not fit is refused with the places, never the data, and the tool does not run", async () => {
    const refused = await agent(1)
      .invoke("lab", "sum", { a: "secret-value", c: 1 })
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(refused).toMatchObject({ reason: "INVALID_PAYLOAD", executed: "no" });
    expect(JSON.stringify(refused)).toContain("/a");
    expect(String(refused) + JSON.stringify(refused)).not.toContain("secret-value");
    expect(ledger.runs).toHaveLength(0);
  });

  test("unknown names are refused with near ones", async () => {
    await expect(agent(0).invoke("lap", "sum", {})).rejects.toMatchObject({
      reason: "UNKNOWN_TOOLSET",
      message: expect.stringContaining('"lab"'),
    });
    await expect(agent(0).invoke("lab", "summ", {})).rejects.toMatchObject({
      reason: "UNKNOWN_TOOL",
      message: expect.stringContaining('"sum"'),
    });
  });

  test("a payload that is too large or too deep is refused", async () => {
    await expect(agent(0).invoke("lab", "hold", { text: "x".repeat(20_000) })).rejects.toMatchObject({
      reason: "PAYLOAD_TOO_LARGE",
      executed: "no",
    });
    let deep: unknown = 1;
    for (let i = 0; i < 70; i++) deep = [deep];
    await expect(agent(0).invoke("lab", "hold", { deep })).rejects.toMatchObject({
      reason: "MALFORMED_JSON",
      executed: "no",
    });
  });

  test("a result that breaks its schema ends the call as the tool's error", async () => {
    await expect(agent(2).invoke("lab", "liar", {})).rejects.toMatchObject({
      kind: "tool_error",
      reason: "INVALID_RESULT",
      executed: "yes",
    });
  });

  test("a tool that throws ends the call with its message", async () => {
    await expect(agent(1).invoke("lab", "fail", {})).rejects.toMatchObject({
      kind: "tool_error",
      reason: "TOOL_ERROR",
      executed: "yes",
      message: expect.stringContaining("it did not work"),
    });
  });

  test("expect_digest accepts the contract that the agent saw, and refuses another", async () => {
    const { digest } = await agent(0).get("lab");
    expect(await agent(1).invoke("lab", "sum", { a: 1, b: 1 }, { expectDigest: digest })).toBe(2);
    await expect(agent(1).invoke("lab", "sum", { a: 1, b: 1 }, { expectDigest: "0".repeat(64) })).rejects.toMatchObject(
      { reason: "DIGEST_MISMATCH" },
    );
  });

  test("the deadline reaches the tool, and ends the call", async () => {
    const { value: call, ...span } = await spanOf(client, () => agent(1).call("lab", "hold", {}, { timeoutMs: 300 }));
    expectWithin(call.deadline.getTime(), span, 300);
    const { context } = await until("the tool runs", () => ledger.runs[0]);
    expectWithin(context.deadline.getTime(), { fromMs: span.fromMs, toMs: Date.now() }, 300);
    const end = await until("it has ended", async () => (await agent(1).getCall(call.callId)).terminal);
    expect(end).toMatchObject({ kind: "cancelled", reason: "DEADLINE_EXCEEDED" });
    expect(end.endedAt.getTime()).toBeGreaterThanOrEqual(call.deadline.getTime());
    expect(context.signal.reason).toMatchObject({ reason: "DEADLINE" });
  });

  test("a tool that ignores its deadline leaves an unknown outcome, and its late answer is fenced", async () => {
    await expect(agent(1).invoke("lab", "stubborn", {}, { timeoutMs: 200 })).rejects.toMatchObject({
      kind: "outcome_unknown",
      reason: "DEADLINE_EXCEEDED",
      executed: "unknown",
    });
    const id = ledger.runs[0]?.context.callId ?? "";
    held.open();
    expect(await agent(2).getCall(id)).toMatchObject({ terminal: { kind: "outcome_unknown" } });
  });

  test("trace context and ids reach the tool", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await agent(0).invoke(
      "lab",
      "sum",
      { a: 1, b: 1 },
      { runId: "r", toolCallId: "t-trace", turnId: "turn", traceparent },
    );
    expect(ledger.runs[0]?.context).toMatchObject({
      traceparent,
      attempt: 1,
      meta: { runId: "r", toolCallId: "t-trace", turnId: "turn" },
    });
  });
});

describe("call, follow, get, cancel", () => {
  test("a call admitted on one node is followed on another, from any cursor, with the same bytes", async () => {
    const handle = await agent(0).call("lab", "count", { to: 20 });
    const events = [];
    for await (const event of agent(1).follow(handle.callId)) events.push(event);
    expect(events.map((event) => (event.kind === "delta" ? event.data : event.kind))).toEqual([
      ...Array.from({ length: 20 }, (_, i) => ({ i: i + 1 })),
      "terminal",
    ]);
    expect(events.at(-1)).toMatchObject({ kind: "terminal", terminal: { kind: "result", result: { to: 20 } } });
    for (const from of [0, 7, 19]) {
      const event = events[from];
      const cursor = event?.kind === "delta" ? event.cursor : "";
      const rest = [];
      for await (const later of agent(2).follow(handle.callId, { cursor })) rest.push(later);
      expect(rest).toEqual(events.slice(from + 1));
    }
  });

  test("output comes while the call runs, to any number of readers", async () => {
    const handle = await agent(0).call("lab", "hold", {});
    const readers = agents.map(async (one) => {
      for await (const event of one.follow(handle.callId)) if (event.kind === "terminal") return event.terminal;
      return undefined;
    });
    await until("the tool runs", () => ledger.runs.length === 1);
    held.open();
    const terminals = await Promise.all(readers);
    expect(terminals[0]).toMatchObject({ kind: "result", result: "let go" });
    expect(terminals[1]).toEqual(terminals[0]);
    expect(terminals[2]).toEqual(terminals[0]);
  });

  test("deltas arrive in order on a session, and none after the end", async () => {
    const seen: unknown[] = [];
    await agent(2).invoke("lab", "count", { to: 300 }, { onDelta: (data) => seen.push(data) });
    expect(seen).toEqual(Array.from({ length: 300 }, (_, i) => ({ i: i + 1 })));
  });

  test("too much output ends the call, and says so", async () => {
    await expect(agent(1).invoke("lab", "count", { to: 900 })).rejects.toMatchObject({
      kind: "tool_error",
      reason: "OUTPUT_TOO_LARGE",
      executed: "yes",
    });
  });

  test("get tells where a call stands, on any node", async () => {
    const handle = await agent(0).call("lab", "hold", {});
    await until("the tool runs", () => ledger.runs.length === 1);
    expect(await agent(2).getCall(handle.callId)).toMatchObject({
      state: "claimed",
      attempt: 1,
      cancelRequested: false,
    });
    held.open();
    await until("it has ended", async () => (await agent(1).getCall(handle.callId)).state === "ended");
    await expect(agent(1).getCall("0.AAAAAAAAAAAAAAAAAAAAAA")).rejects.toMatchObject({
      reason: "UNKNOWN_CALL",
      executed: "unknown",
    });
  });

  test("cancel on another node reaches the tool's signal; the call ends as cancelled", async () => {
    const handle = await agent(0).call("lab", "hold", {});
    await until("the tool runs", () => ledger.runs.length === 1);
    await agent(2).cancel(handle.callId);
    await until("it has ended", async () => (await agent(1).getCall(handle.callId)).state === "ended");
    expect((await agent(1).getCall(handle.callId)).terminal).toMatchObject({ kind: "cancelled", reason: "CANCELLED" });
    expect(ledger.runs[0]?.context.signal.reason).toMatchObject({ reason: "CANCELLED" });
  });

  test("an aborted signal cancels the call", async () => {
    const controller = new AbortController();
    const outcome = agent(1).invoke("lab", "hold", {}, { signal: controller.signal });
    await until("the tool runs", () => ledger.runs.length === 1);
    controller.abort(new Error("enough"));
    await expect(outcome).rejects.toThrow("enough");
    await until("the tool was told", () => ledger.runs[0]?.context.signal.aborted);
  });
});

describe("waiting for a provider", () => {
  test("without one a call fails at once, and says when one was seen last", async () => {
    await provider.stop();
    await expect(agent(1).invoke("lab", "sum", { a: 1, b: 1 })).rejects.toMatchObject({
      reason: "NO_HEALTHY_PROVIDER",
      executed: "no",
      retryAfterMs: 200,
    });
  });

  test("with the wait policy it waits for one within its deadline", async () => {
    await provider.stop();
    const outcome = agent(1).invoke("lab", "sum", { a: 2, b: 3 }, { wait: true, timeoutMs: 20_000 });
    const again = await serveLab(ledger, { nodes: cluster.addresses[2] ?? "" }, held);
    expect(await outcome).toBe(5);
    await again.stop();
  });

  test("a call that nobody took before its deadline did not run", async () => {
    await provider.stop();
    await expect(agent(1).invoke("lab", "sum", { a: 2, b: 3 }, { wait: true, timeoutMs: 100 })).rejects.toMatchObject({
      kind: "not_executed",
      reason: "DEADLINE_EXCEEDED",
      executed: "no",
    });
    expect(ledger.runs).toHaveLength(0);
  });
});

test("nothing in Redis is without an expiry that could grow without bound", async () => {
  await agent(0).invoke("lab", "count", { to: 3 });
  const client = redis.client();
  await expectKeysToExpire(client);
  client.disconnect();
});
