import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect, ToolCallError, type Toolgate, ToolgateError } from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";
import { expectWithin } from "../support/redis-span.js";
import { Inbox, ScriptedNode, type ScriptedSession } from "./scripted-gateway.js";

expectNoLeaks();

let nodes: ScriptedNode[] = [];
let client: Toolgate;

beforeEach(async () => {
  nodes = [await ScriptedNode.start(), await ScriptedNode.start()];
  client = await connect(nodes.map(({ address }) => address));
});

afterEach(async () => {
  await client.close();
  for (const node of nodes) node.kill();
});

/** The node that the client is at, and the other one. */
function sides(): { here: ScriptedNode; there: ScriptedNode } {
  const here = nodes.find(({ address }) => address === client.node);
  const there = nodes.find(({ address }) => address !== client.node);
  if (here === undefined || there === undefined) throw new Error("the client is nowhere");
  return { here, there };
}

async function firstCall(node: ScriptedNode) {
  const session = await node.sessions.next();
  const call = await session.calls.next();
  return { session, call, ref: call.ref };
}

describe("a call", () => {
  test("gives the parsed result", async () => {
    const result = client.invoke<number>("math", "sum", { a: 1, b: 2 });
    const { session, call, ref } = await firstCall(sides().here);
    expect(call.call).toMatchObject({ toolset: "math", tool: "sum", onDisconnect: "ON_DISCONNECT_CONTINUE" });
    expect(JSON.parse(String(call.call?.payloadJson))).toEqual({ a: 1, b: 2 });
    session.result(ref, 3);
    expect(await result).toBe(3);
  });

  test("carries what the caller said, and its own ids where the caller said none", async () => {
    const options = { turnId: "t", traceparent: "00-1-2-01", expectDigest: "x", wait: true, timeoutMs: 5000 };
    const startMs = performance.now();
    const results = [client.invoke("m", "t", undefined, options), client.invoke("m", "t", Buffer.from(' {"a":1}'))];
    const { session, call } = await firstCall(sides().here);
    const second = await session.calls.next();
    expect(call.call).toMatchObject({ expectDigest: "x", wait: "WAIT_POLICY_WAIT", meta: { turnId: "t" } });
    expect(call.call?.meta?.traceparent).toBe("00-1-2-01");
    const tookMs = Math.ceil(performance.now() - startMs);
    expectWithin(call.call?.timeoutMs, { fromMs: -tookMs, toMs: 0 }, 5_000);
    expect(String(call.call?.payloadJson)).toBe("{}");
    expect(String(second.call?.payloadJson)).toBe(' {"a":1}');
    expect(call.call?.meta?.runId).toBe(second.call?.meta?.runId);
    expect(call.call?.meta?.runId).not.toBe("");
    expect(call.call?.meta?.toolCallId).not.toBe(second.call?.meta?.toolCallId);
    session.result(call.ref, null);
    session.result(second.ref, null);
    expect(await Promise.all(results)).toEqual([null, null]);
  });

  test("that is refused throws what a unary request would have", async () => {
    const result = client.invoke("math", "sum");
    const { session, ref } = await firstCall(sides().here);
    const violations = [{ field: "/a", description: "must be a number" }];
    const error = { reason: "INVALID_PAYLOAD", message: "bad", violations };
    session.send({
      terminals: [{ ref, terminal: { kind: "TERMINAL_KIND_REJECTED", executed: "EXECUTED_NO", error } }],
    });
    const refused = await result.catch((thrown: unknown) => thrown);
    expect(refused).toBeInstanceOf(ToolgateError);
    expect(refused).toMatchObject({ reason: "INVALID_PAYLOAD", executed: "no", violations });
  });

  test("without a healthy provider is left to the caller's policy", async () => {
    const result = client.invoke("math", "sum");
    const { session, ref } = await firstCall(sides().here);
    session.reject(ref, "NO_HEALTHY_PROVIDER", { retryAfterMs: 250 });
    await expect(result).rejects.toMatchObject({ reason: "NO_HEALTHY_PROVIDER", executed: "no", retryAfterMs: 250 });
    expect(session.calls.all).toHaveLength(1);
    expect(sides().there.sessions.all).toHaveLength(0);
  });

  test("that ends without a result throws its ending", async () => {
    const result = client.invoke("math", "sum");
    const { session, ref } = await firstCall(sides().here);
    const error = { reason: "NO_FUNDS", message: "broke", detailsJson: Buffer.from('{"cents":0}') };
    const terminal = {
      callId: "c",
      kind: "TERMINAL_KIND_TOOL_ERROR",
      executed: "EXECUTED_YES",
      attempt: 2,
      error,
    } as const;
    session.send({ terminals: [{ ref, terminal }] });
    const thrown = await result.catch((caught: unknown) => caught);
    expect(thrown).toBeInstanceOf(ToolCallError);
    expect(thrown).toMatchObject({
      message: "broke",
      terminal: {
        kind: "tool_error",
        reason: "NO_FUNDS",
        details: { cents: 0 },
        executed: "yes",
        attempt: 2,
        callId: "c",
      },
    });
  });

  test("passes output on in order", async () => {
    const deltas: unknown[] = [];
    const result = client.invoke("math", "count", {}, { onDelta: (data) => deltas.push(data) });
    const { session, call, ref } = await firstCall(sides().here);
    expect(call.wantDeltas).toBe(true);
    const delta = (cursor: string, value: unknown) => {
      return { ref, delta: { cursor, attempt: 1, dataJson: Buffer.from(JSON.stringify(value)) } };
    };
    session.send({ deltas: [delta("1", "one"), delta("2", "two")] });
    session.result(ref, "done");
    expect(await result).toBe("done");
    expect(deltas).toEqual(["one", "two"]);
  });

  test("many calls of one turn share frames of at most 64", async () => {
    const results = Array.from({ length: 150 }, (_, index) => client.invoke("math", "same", index));
    const { session, call } = await firstCall(sides().here);
    session.result(call.ref, 0);
    for (let count = 1; count < 150; count++) {
      const { ref, call: spec } = await session.calls.next();
      session.result(ref, JSON.parse(String(spec?.payloadJson)));
    }
    expect(await Promise.all(results)).toEqual(Array.from({ length: 150 }, (_, index) => index));
    expect(session.frames.all.map(({ calls }) => calls.length)).toEqual([64, 64, 22]);
  });

  test("large payloads are spread over frames of at most 128 KiB", async () => {
    const results = Array.from({ length: 5 }, () => client.invoke("math", "big", "x".repeat(50_000)));
    const { session, call } = await firstCall(sides().here);
    session.result(call.ref, 0);
    for (let count = 1; count < 5; count++) session.result((await session.calls.next()).ref, 0);
    await Promise.all(results);
    expect(session.frames.all.map(({ calls }) => calls.length)).toEqual([2, 2, 1]);
  });
});

describe("a lost node", () => {
  test("costs nothing: the identical call goes to the other one", async () => {
    const { here, there } = sides();
    const result = client.invoke("math", "sum", { a: 1 }, { timeoutMs: 60_000, toolCallId: "mine", runId: "run" });
    const first = await firstCall(here);
    here.kill();
    const second = await firstCall(there);
    const { timeoutMs: firstLeft = 0, ...firstSpec } = first.call.call ?? {};
    const { timeoutMs: secondLeft = 0, ...secondSpec } = second.call.call ?? {};
    expect(secondSpec).toEqual({ ...firstSpec, lostNodes: 1 });
    expect(secondLeft).toBeLessThanOrEqual(firstLeft);
    second.session.result(second.ref, "once");
    expect(await result).toBe("once");
  });

  test("is told to the other one, which may refuse the call for it, and then it is not sent again", async () => {
    const { here, there } = sides();
    const result = client.invoke("math", "sum");
    const { call } = await firstCall(here);
    expect(call.call?.lostNodes).toBe(0);
    here.kill();
    const { session, call: again, ref } = await firstCall(there);
    expect(again.call).toEqual({ ...call.call, lostNodes: 1 });
    session.reject(ref, "PAYLOAD_TOO_COSTLY");
    await expect(result).rejects.toMatchObject({ reason: "PAYLOAD_TOO_COSTLY" });
    expect(there.sessions.all).toHaveLength(1);
    expect(session.calls.all).toHaveLength(1);
  });

  test("is not told where a node only ends the session, or never got the call", async () => {
    const { here, there } = sides();
    const result = client.invoke("math", "sum");
    const { session } = await firstCall(here);
    session.fail(new ToolgateError("NODE_DRAINING", "the node is stopping"));
    const second = await firstCall(there);
    expect(second.call.call?.lostNodes).toBe(0);
    second.session.result(second.ref, 1);
    expect(await result).toBe(1);
  });

  test("leaves it unknown whether a call ran of which the repeat alone was refused", async () => {
    const { here, there } = sides();
    const result = client.invoke("math", "sum", { a: 1 });
    await firstCall(here);
    here.kill();
    const { session, ref } = await firstCall(there);
    const error = { reason: "STORE_UNAVAILABLE", message: "away" };
    session.send({
      terminals: [{ ref, terminal: { kind: "TERMINAL_KIND_REJECTED", executed: "EXECUTED_NO", error } }],
    });
    await expect(result).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
  });

  test("does not repeat output that was passed on", async () => {
    const { here, there } = sides();
    const seen = new Inbox<unknown>();
    const result = client.invoke("math", "count", {}, { onDelta: (data) => seen.put(data) });
    const first = await firstCall(here);
    const delta = (ref: number, cursor: string) => ({
      ref,
      delta: { cursor, attempt: 1, dataJson: Buffer.from(cursor) },
    });
    first.session.send({ deltas: [delta(first.ref, "1"), delta(first.ref, "2")] });
    await seen.next();
    await seen.next();
    here.kill();
    const second = await firstCall(there);
    second.session.send({ deltas: ["1", "2", "3"].map((cursor) => delta(second.ref, cursor)) });
    second.session.result(second.ref, "done");
    expect(await result).toBe("done");
    expect(seen.all).toEqual([1, 2, 3]);
  });

  test("fails a call that was to be cancelled with its connection, and says that it may have run", async () => {
    const { here, there } = sides();
    const result = client.invoke("math", "sum", {}, { onDisconnect: "cancel" });
    const { call } = await firstCall(here);
    expect(call.call?.onDisconnect).toBe("ON_DISCONNECT_CANCEL");
    here.kill();
    await expect(result).rejects.toMatchObject({ reason: "NODE_UNREACHABLE", executed: "unknown" });
    expect(there.sessions.all).toHaveLength(0);
  });

  test("when all are lost, calls fail after the client's patience and say so", async () => {
    await client.close();
    client = await connect(
      nodes.map(({ address }) => address),
      { patienceMs: 300 },
    );
    const result = client.invoke("math", "sum");
    await firstCall(sides().here);
    for (const node of nodes) node.kill();
    const error = await result.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: "NODE_UNREACHABLE", executed: "unknown" });
    for (const { address } of nodes) expect(String(error)).toContain(address);
    await expect(client.invoke("math", "sum")).rejects.toMatchObject({ reason: "NODE_UNREACHABLE", executed: "no" });
  });

  test("comes back on the same port, and is used again", async () => {
    await client.close();
    const [only] = nodes;
    if (only === undefined) throw new Error("no node");
    client = await connect(only.address);
    const result = client.invoke("math", "sum");
    await firstCall(only);
    only.kill();
    const again = await ScriptedNode.start(only.port);
    nodes.push(again);
    const { session, ref } = await firstCall(again);
    session.result(ref, 1);
    expect(await result).toBe(1);
  });
});

describe("a stopping node", () => {
  test("finishes what it has, while new calls go to the other one", async () => {
    const { here, there } = sides();
    const old = client.invoke("math", "old");
    const first = await firstCall(here);
    first.session.send({ goAway: true });
    // The frame is on its way; a call that is still sent here is refused, and goes there too.
    const late = client.invoke("math", "new");
    const answer = async (session: ScriptedSession) => {
      const { ref } = await session.calls.next();
      session.reject(ref, "NODE_DRAINING");
    };
    void answer(first.session);
    const second = await firstCall(there);
    second.session.result(second.ref, "new");
    expect(await late).toBe("new");
    first.session.result(first.ref, "old");
    expect(await old).toBe("old");
    await first.session.ended;
  });

  test("that refuses a call has it sent elsewhere", async () => {
    const { here, there } = sides();
    const result = client.invoke("math", "sum");
    const first = await firstCall(here);
    first.session.reject(first.ref, "NODE_DRAINING");
    const second = await firstCall(there);
    second.session.result(second.ref, 3);
    expect(await result).toBe(3);
  });

  test("that fails the session as such has its calls sent elsewhere", async () => {
    const { here, there } = sides();
    const result = client.invoke("math", "sum");
    const first = await firstCall(here);
    first.session.fail(new ToolgateError("NODE_DRAINING", "stopping"));
    const second = await firstCall(there);
    second.session.result(second.ref, 3);
    expect(await result).toBe(3);
  });
});

describe("an abort", () => {
  test("rejects at once with its reason, and cancels the call", async () => {
    const abort = new AbortController();
    const result = client.invoke("math", "slow", {}, { signal: abort.signal });
    const { session, ref } = await firstCall(sides().here);
    const reason = new Error("enough");
    abort.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(await session.cancels.next()).toBe(ref);
    session.result(ref, "too late"); // and nothing fails
  });

  test("before the call sends nothing", async () => {
    const reason = new Error("never mind");
    await expect(client.invoke("m", "t", {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(sides().here.sessions.all).toHaveLength(0);
  });

  test("whose cancellation was lost with the node is sent by id to another one", async () => {
    const { here, there } = sides();
    const abort = new AbortController();
    const result = client.invoke("math", "slow", {}, { signal: abort.signal });
    const { session, call, ref } = await firstCall(here);
    expect(call.wantHandle).toBe(true);
    const other = client.invoke("math", "other");
    const { ref: otherRef } = await session.calls.next();
    session.send({ accepted: [{ ref, handle: { callId: "the-call" } }] });
    session.result(otherRef, 1);
    await other;
    here.kill();
    abort.abort(new Error("enough"));
    await expect(result).rejects.toThrow("enough");
    expect(await there.requests.next()).toEqual({ method: "cancelCall", request: { callId: "the-call" } });
  });
});

describe("closing", () => {
  test("fails what is under way, cancels what nobody can come back for, and ends the stream", async () => {
    const own = client.invoke("math", "own");
    const theirs = client.invoke("math", "theirs", {}, { toolCallId: "t", runId: "r" });
    const { session, ref } = await firstCall(sides().here);
    await session.calls.next();
    const closing = client.close();
    await expect(own).rejects.toMatchObject({ reason: "CANCELLED", executed: "unknown" });
    await expect(theirs).rejects.toMatchObject({ reason: "CANCELLED" });
    await closing;
    await session.ended;
    expect(session.cancels.all).toEqual([ref]);
    await expect(client.invoke("math", "after")).rejects.toMatchObject({ reason: "CANCELLED", executed: "no" });
  });
});
