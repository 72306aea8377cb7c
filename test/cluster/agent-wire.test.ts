import { Metadata, type MethodDefinition, type ServiceDefinition } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CONTRACT_DEFINITIONS } from "../../src/protocol/generated/contract-definitions.js";
import type { CallSpec } from "../../src/protocol/generated/toolgate/v1/CallSpec.js";
import type { CallToolResponse__Output } from "../../src/protocol/generated/toolgate/v1/CallToolResponse.js";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import type { ListCallsRequest } from "../../src/protocol/generated/toolgate/v1/ListCallsRequest.js";
import type { ListCallsResponse__Output } from "../../src/protocol/generated/toolgate/v1/ListCallsResponse.js";
import type { OnDisconnect } from "../../src/protocol/generated/toolgate/v1/OnDisconnect.js";
import type { SessionRequest } from "../../src/protocol/generated/toolgate/v1/SessionRequest.js";
import type { SessionResponse__Output } from "../../src/protocol/generated/toolgate/v1/SessionResponse.js";
import { loadProtocol, MESSAGE_FORM } from "../../src/protocol/load.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import {
  contractNamed,
  FrameStream,
  json,
  openAgentSession,
  provide,
  type RawProvider,
  specOf,
  terminalOf,
  type Wire,
  wiredCluster,
  wireTo,
} from "./wire.js";

expectNoLeaks();

const { wires } = wiredCluster({ ...FAST, maxInFlightPerPeer: 200 });
let a: Wire;
let b: Wire;
let tests = 0;
/** A toolset of each test's own, served on the first node. */
let name: string;
let provider: RawProvider;

beforeAll(() => {
  [a, b] = wires();
});
beforeEach(async () => {
  name = `agent-${++tests}`;
  provider = await provide(a, [a, b], contractNamed(name));
});

/** The number of an enum's value that a node of today does not know. */
const UNKNOWN = 99 as never;
const call = (tool?: string, more?: Partial<CallSpec>) => specOf(name, tool, more);
const getCall = (callId: string) => ask<GetCallResponse__Output>((cb) => a.gateway.getCall({ callId }, cb));
const endOf = (callId: string) => until("the call has ended", async () => (await getCall(callId)).terminal);
const first = <T>(list: readonly T[]): T => {
  const [one] = list;
  if (one === undefined) throw new Error("the list is empty");
  return one;
};

describe("Session", () => {
  test("answers each call under the caller's own number, in any order", async () => {
    const session = openAgentSession(b);
    session.send({ calls: [7, 0, Number.MAX_SAFE_INTEGER].map((ref) => ({ ref, call: call("echo") })) });
    const given = await provider.given(3);
    for (const [i, one] of [...given].reverse().entries()) provider.finish(one, i);
    for (const ref of [7, 0, Number.MAX_SAFE_INTEGER]) {
      expect(await terminalOf(session, ref)).toMatchObject({ kind: "TERMINAL_KIND_RESULT", executed: "EXECUTED_YES" });
    }
    const terminals = session.all((frame) => frame.terminals);
    expect(terminals.map(({ ref }) => ref).sort()).toEqual([0, 7, Number.MAX_SAFE_INTEGER].sort());
    expect(session.all(({ accepted }) => accepted)).toEqual([]);
    expect(session.all(({ deltas }) => deltas)).toEqual([]);
  });

  test("want_handle sends the handle as soon as the call is admitted", async () => {
    const session = openAgentSession(b);
    session.send({ calls: [{ ref: 1, call: call(), wantHandle: true }] });
    const { ref, handle } = await until("the handle came", () => session.all(({ accepted }) => accepted)[0]);
    expect(ref).toBe(1);
    expect(handle).toMatchObject({ toolset: name, tool: "echo", digest: provider.answer.digest });
    expect(session.all(({ terminals }) => terminals)).toEqual([]);
    const one = first(await provider.given(1));
    expect(handle?.callId).toBe(one.callId);
    provider.finish(one, "done");
    expect(await terminalOf(session, 1)).toMatchObject({ callId: one.callId });
  });

  test("want_deltas sends output as it comes, in order, before the end", async () => {
    const session = openAgentSession(b);
    session.send({ calls: [{ ref: 1, call: call(), wantDeltas: true }] });
    const { callId, attempt } = first(await provider.given(1));
    const said = (from: number) =>
      Array.from({ length: 5 }, (_, i) => ({ callId, attempt, dataJson: json({ i: from + i }) }));
    provider.stream.send({ deltas: said(0) });
    const seen = () => session.all(({ deltas }) => deltas).map(({ delta }) => delta?.dataJson.toString());
    await until("the first five came", () => seen().length === 5);
    expect(session.all(({ terminals }) => terminals)).toEqual([]);
    // The end travels in the very frame of the last output.
    provider.stream.send({ deltas: said(5), results: [{ callId, attempt, resultJson: json("end") }] });
    await terminalOf(session, 1);
    expect(seen()).toEqual(Array.from({ length: 10 }, (_, i) => JSON.stringify({ i })));
    const cursors = session.all(({ deltas }) => deltas).map(({ delta }) => delta?.cursor);
    expect(new Set(cursors).size).toBe(10);
  });

  test("a cancel by number reaches the provider; one of an unknown number changes nothing", async () => {
    const session = openAgentSession(b);
    session.send({ calls: [{ ref: 1, call: call() }], cancels: [{ ref: 99 }] });
    const { callId, attempt } = first(await provider.given(1));
    session.send({ cancels: [{ ref: 1 }] });
    const notice = await until("it was told", () => provider.stream.all(({ cancels }) => cancels)[0]);
    expect(notice).toEqual({ callId, attempt, reason: "CANCEL_REASON_CANCELLED" });
    provider.stream.send({ results: [{ callId, attempt, cancelled: {} }] });
    expect(await terminalOf(session, 1)).toMatchObject({
      kind: "TERMINAL_KIND_CANCELLED",
      executed: "EXECUTED_UNKNOWN",
      error: { reason: "CANCELLED" },
    });
  });

  test("a cancel in the very frame of its call is carried out", async () => {
    const session = openAgentSession(b);
    session.send({ calls: [{ ref: 1, call: call() }], cancels: [{ ref: 1 }] });
    const stop = until("it was told or had not started", () => {
      const told = first([...provider.stream.all(({ cancels }) => cancels), null]);
      if (told !== null) provider.stream.send({ results: [{ ...told, cancelled: {} }] });
      return session.all(({ terminals }) => terminals)[0];
    });
    expect((await stop).terminal?.error?.reason).toBe("CANCELLED");
  });

  test("a number that is in use is refused; the call that has it goes on", async () => {
    const session = openAgentSession(b);
    session.send({ calls: [{ ref: 5, call: call() }] });
    const one = first(await provider.given(1));
    session.send({ calls: [{ ref: 5, call: call() }] });
    expect(await terminalOf(session, 5)).toMatchObject({
      kind: "TERMINAL_KIND_REJECTED",
      executed: "EXECUTED_NO",
      error: { reason: "INVALID_REQUEST" },
    });
    provider.finish(one, 1);
    await until("the first one ended too", () => session.all(({ terminals }) => terminals).length === 2);
    expect(session.all(({ terminals }) => terminals)[1]?.terminal?.kind).toBe("TERMINAL_KIND_RESULT");
    // Free again.
    session.send({ calls: [{ ref: 5, call: call() }] });
    await provider.given(2);
  });

  test("a refusal is one call's own: the stream and the others go on", async () => {
    const session = openAgentSession(b);
    session.send({
      calls: [
        { ref: 1, call: { ...call(), toolset: "nowhere" } },
        { ref: 2, call: { ...call(), toolset: "NOT A NAME" } },
        { ref: 3, call: call("nothing") },
        { ref: 4, call: call("echo", { payloadJson: Buffer.from("{") }) },
        { ref: 5, call: call("strict", { payloadJson: json({ a: "x" }) }) },
        { ref: 6 },
        { ref: 7, call: call("echo", { expectDigest: "0".repeat(64) }) },
        { ref: 8, call: call("echo", { wait: UNKNOWN }) },
        { ref: 9, call: call("echo", { onDisconnect: UNKNOWN }) },
        { ref: 10, call: call() },
      ],
    });
    const reasons = [
      "UNKNOWN_TOOLSET",
      "INVALID_REQUEST",
      "UNKNOWN_TOOL",
      "MALFORMED_JSON",
      "INVALID_PAYLOAD",
      "INVALID_REQUEST",
      "DIGEST_MISMATCH",
      "INVALID_REQUEST",
      "INVALID_REQUEST",
    ];
    for (const [i, reason] of reasons.entries()) {
      expect(await terminalOf(session, i + 1)).toMatchObject({
        kind: "TERMINAL_KIND_REJECTED",
        executed: "EXECUTED_NO",
        callId: "",
        error: { reason },
      });
    }
    expect((await terminalOf(session, 5)).error?.violations).toHaveLength(8);
    provider.finish(first(await provider.given(1)), "fine");
    expect(await terminalOf(session, 10)).toMatchObject({ kind: "TERMINAL_KIND_RESULT" });
    expect(provider.calls()).toHaveLength(1);
    expect(session.over).toBe(false);
  });

  test("that is half closed ends with the last call in flight", async () => {
    const session = openAgentSession(b);
    session.send({ calls: [1, 2].map((ref) => ({ ref, call: call() })) });
    session.end();
    const given = await provider.given(2);
    for (const one of given) provider.finish(one, 1);
    expect(await session.ended).toBeUndefined();
    expect(session.all(({ terminals }) => terminals)).toHaveLength(2);
  });

  test("over too many calls at once refuses the rest, with when to come again", async () => {
    const session = openAgentSession(b);
    session.send({ calls: Array.from({ length: 201 }, (_, ref) => ({ ref, call: call() })) });
    expect(await terminalOf(session, 200)).toMatchObject({
      kind: "TERMINAL_KIND_REJECTED",
      error: { reason: "LIMIT_EXCEEDED", retryAfterMs: 200 },
    });
    await provider.given(100);
  });
});

describe("when the caller's connection goes", () => {
  const ids = (runId: string) => ({ runId, toolCallId: "c" });
  type Case = [string, boolean, OnDisconnect, "cancelled" | "runs on"];
  const cases: Case[] = [
    ["with both ids", true, "ON_DISCONNECT_UNSPECIFIED", "runs on"],
    ["without ids", false, "ON_DISCONNECT_UNSPECIFIED", "cancelled"],
    ["with both ids that says cancel", true, "ON_DISCONNECT_CANCEL", "cancelled"],
    ["without ids that says continue", false, "ON_DISCONNECT_CONTINUE", "runs on"],
  ];

  /** Beside the call in question, one that is surely cancelled tells that the node has noticed. */
  const witness = () => call("echo", { meta: { turnId: "witness" } });
  async function judge(fate: "cancelled" | "runs on"): Promise<void> {
    const given = await provider.given(2);
    const asked = given.find(({ meta }) => meta?.turnId !== "witness");
    const other = given.find(({ meta }) => meta?.turnId === "witness");
    if (asked === undefined || other === undefined) throw new Error("a call is missing");
    const cancelled = () => provider.stream.all(({ cancels }) => cancels).map(({ callId }) => callId);
    await until("the witness was cancelled", () => cancelled().includes(other.callId));
    if (fate === "cancelled") {
      await until("it was cancelled", () => cancelled().includes(asked.callId));
      provider.stream.send({ results: [{ callId: asked.callId, attempt: asked.attempt, cancelled: {} }] });
      expect((await endOf(asked.callId)).kind).toBe("TERMINAL_KIND_CANCELLED");
    } else {
      expect(cancelled()).not.toContain(asked.callId);
      provider.finish(asked, "for who comes back");
      const { kind, resultJson } = await endOf(asked.callId);
      expect([kind, resultJson.toString()]).toEqual(["TERMINAL_KIND_RESULT", '"for who comes back"']);
      expect(cancelled()).not.toContain(asked.callId);
    }
  }

  test.each(cases)("a session's call %s", async (_what, withIds, onDisconnect, fate) => {
    const session = openAgentSession(b);
    const spec = call("echo", { onDisconnect, meta: withIds ? ids(`${name}-s`) : { turnId: "asked" } });
    session.send({
      calls: [
        { ref: 1, call: spec },
        { ref: 2, call: witness() },
      ],
    });
    await provider.given(2);
    session.cut();
    await judge(fate);
  });

  test.each(cases)("an Invoke %s", async (_what, withIds, onDisconnect, fate) => {
    const spec = call("echo", { onDisconnect, meta: withIds ? ids(`${name}-i`) : { turnId: "asked" } });
    const ignore = (): void => {};
    const asked = b.gateway.invoke({ call: spec }, ignore);
    const other = b.gateway.invoke({ call: witness() }, ignore);
    await provider.given(2);
    asked.cancel();
    // Frames of one connection stay in order: the node learns of this one last.
    other.cancel();
    await judge(fate);
  });

  test("who comes back with the same ids gets the same answer, and nothing runs twice", async () => {
    const session = openAgentSession(b);
    const spec = call("echo", { meta: ids(`${name}-w`) });
    session.send({
      calls: [
        { ref: 1, call: spec },
        { ref: 2, call: witness() },
      ],
    });
    await provider.given(2);
    session.cut();
    await judge("runs on");
    const again = openAgentSession(a);
    again.send({ calls: [{ ref: 1, call: spec }] });
    expect((await terminalOf(again, 1)).resultJson.toString()).toBe('"for who comes back"');
    expect(provider.calls()).toHaveLength(2);
  });

  test("CallTool's call runs on in any case: its caller does not wait", async () => {
    const own = wireTo(b.address);
    const { handle } = await ask<CallToolResponse__Output>((cb) => own.gateway.callTool({ call: call() }, cb));
    own.close();
    provider.finish(first(await provider.given(1)), 1);
    expect((await endOf(handle?.callId ?? "")).kind).toBe("TERMINAL_KIND_RESULT");
  });
});

describe("ListCalls", () => {
  const list = (request: ListCallsRequest) =>
    ask<ListCallsResponse__Output>((cb) => b.gateway.listCalls({ toolset: name, ...request }, cb));

  test("shows on any node what has not ended, by pages, until it has", async () => {
    const ids = new Set<string>();
    for (let made = 0; made < 5; made += 1) {
      const { handle } = await ask<CallToolResponse__Output>((cb) => a.gateway.callTool({ call: call() }, cb));
      ids.add(handle?.callId ?? "");
    }
    const given = await provider.given(5);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await list({ pageSize: 2, pageToken });
      expect(page.calls.length).toBeLessThanOrEqual(2);
      for (const { handle, state, claimEndsMs, queuedAtMs, providerId } of page.calls) {
        seen.push(handle?.callId ?? "");
        expect({ state, providerId: providerId !== "" }).toEqual({ state: "CALL_STATE_CLAIMED", providerId: true });
        expect(queuedAtMs).toBeLessThanOrEqual(page.timeMs);
        expect(claimEndsMs).toBeGreaterThan(queuedAtMs);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen.sort()).toEqual([...ids].sort());
    for (const one of given) provider.finish(one, 1);
    for (const id of ids) await endOf(id);
    expect((await list({})).calls).toEqual([]);

    const { calls, timeMs } = await list({ state: "CALL_STATE_ENDED", principal: "anonymous", pageSize: 5 });
    expect(calls.map(({ handle }) => handle?.callId).sort()).toEqual([...ids].sort());
    for (const { admittedAtMs, firstClaimedAtMs, endedAtMs, ...listed } of calls) {
      expect(listed).toMatchObject({
        state: "CALL_STATE_ENDED",
        kind: "TERMINAL_KIND_RESULT",
        principal: "anonymous",
        attempt: 1,
      });
      expect([admittedAtMs, firstClaimedAtMs, endedAtMs, timeMs]).toEqual(
        [admittedAtMs, firstClaimedAtMs, endedAtMs, timeMs].sort((one, other) => one - other),
      );
    }
    const none: ListCallsRequest[] = [
      { principal: "ada" },
      { kinds: ["TERMINAL_KIND_CANCELLED"] },
      { minTotalMs: 86_400_000 },
    ];
    for (const filter of none) {
      expect((await list({ state: "CALL_STATE_ENDED", sinceMs: timeMs - 60_000, ...filter })).calls).not.toContainEqual(
        expect.objectContaining({ kind: "TERMINAL_KIND_RESULT" }),
      );
    }
  });

  test.each<[ListCallsRequest, string]>([
    [{ kinds: ["TERMINAL_KIND_RESULT"] }, "kinds"],
    [{ state: "CALL_STATE_ENDED", kinds: ["TERMINAL_KIND_REJECTED"] }, "kinds"],
    [{ state: "CALL_STATE_ENDED", minTotalMs: -1 }, "min_total_ms"],
    [{ state: "CALL_STATE_ENDED", sinceMs: -1 }, "since_ms"],
    [{ state: "CALL_STATE_QUEUED", minTotalMs: 1 }, "min_total_ms"],
    [{ sinceMs: 1 }, "since_ms"],
    [{ principal: "x".repeat(513) }, "principal"],
    [{ state: UNKNOWN }, "state"],
    [{ toolset: "No Name" }, "toolset"],
    [{ tool: "no name" }, "tool"],
    [{ pageToken: "x" }, "page_token"],
  ])("refuses %j, and names the field", async (request, field) => {
    const error = await refusal((cb) => b.gateway.listCalls({ toolset: name, ...request }, cb));
    expect(error).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field }] });
  });
});

describe("a session's references", () => {
  /** Frames as their bytes: the client's own decoder makes numbers. */
  function rawSession({ gateway }: Wire) {
    const definitions = fromJSON(JSON.parse(CONTRACT_DEFINITIONS), { ...MESSAGE_FORM, longs: String });
    const { path, requestSerialize } = loadProtocol().Gateway.service.Session;
    const { responseDeserialize } = (definitions["toolgate.v1.Gateway"] as ServiceDefinition)
      .Session as MethodDefinition<object, SessionResponse__Output>; // of the same files
    return new FrameStream<SessionRequest, SessionResponse__Output>(
      gateway.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata()),
    );
  }
  const wide = (ref: bigint) => ref as unknown as number; // what the encoders take, and the generated types do not say

  test("are any 64 bits, and come back exactly", async () => {
    const session = rawSession(a);
    const refs = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 2n, 2n ** 64n - 1n];
    session.send({ calls: refs.map((ref) => ({ ref: wide(ref), call: call(), wantHandle: true })) });
    const calls = await provider.given(refs.length);
    // 2^53 + 1 and 2^53 are one double: only the one that is named may end.
    session.send({ cancels: [{ ref: wide(2n ** 53n + 1n) }] });
    const cancels = () => provider.stream.all((frame) => frame.cancels);
    const cancelled = await until("one is cancelled", () => cancels().length > 0 && cancels());
    for (const one of calls) if (one.callId !== cancelled[0]?.callId) provider.finish(one, 1);
    const stopped = calls.find(({ callId }) => callId === cancelled[0]?.callId);
    if (stopped === undefined) throw new Error("another call was cancelled");
    provider.stream.send({ results: [{ callId: stopped.callId, attempt: stopped.attempt, cancelled: {} }] });
    const terminals = () => session.all((frame) => frame.terminals);
    await until("all have ended", () => terminals().length === refs.length);
    const kinds = new Map(terminals().map(({ ref, terminal }) => [String(ref), terminal?.kind]));
    expect(kinds).toEqual(
      new Map(
        refs.map((ref) => [String(ref), ref === 2n ** 53n + 1n ? "TERMINAL_KIND_CANCELLED" : "TERMINAL_KIND_RESULT"]),
      ),
    );
    session.cut();
  });

  test("other integers of 64 bits are refused, not rounded", async () => {
    const { lease } = provider;
    const epoch = wide(2n ** 53n + 1n);
    for (const answer of [
      refusal((cb) => a.registry.renew({ lease: { ...lease, epoch } }, cb)),
      refusal((cb) => a.registry.unregister({ name, epoch }, cb)),
      refusal((cb) => a.registry.promote({ name, epoch }, cb)),
      refusal((cb) =>
        a.registry.register(
          {
            contract: contractNamed(name),
            providerId: "p",
            incarnation: "i",
            options: { retentionMs: wide(2n ** 63n) },
          },
          cb,
        ),
      ),
    ])
      expect(await answer).toMatchObject({ reason: "INVALID_REQUEST" });
    expect(await refusal((cb) => a.catalog.getToolset({ name, epoch }, cb))).toMatchObject({
      reason: "EPOCH_MISMATCH",
      message: expect.stringContaining("9007199254740993"),
    });
  });

  test("a heartbeat's sequence comes back as it was sent", async () => {
    const { stream } = provider;
    stream.send({ heartbeat: { sequence: wide(2n ** 60n), reply: false } });
    const reply = await until("it is answered", () => stream.frames.find(({ heartbeat }) => heartbeat?.reply));
    expect(reply.heartbeat?.sequence).toBe(2 ** 60); // a power of two, which the client's double holds
    expect(stream.over).toBe(false);
  });
});
