import {
  type ClientDuplexStream,
  credentials,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import type { InvokeResponse__Output } from "../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { fromServiceError } from "../../src/protocol/status-details.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";
import {
  attach,
  callable,
  contractNamed,
  FrameStream,
  json,
  openAgentSession,
  provide,
  registerOn,
  specOf,
  terminalOf,
  type Wire,
  wiredCluster,
} from "./wire.js";

expectNoLeaks();

const { cluster, wires } = wiredCluster({ ...STEADY, maxResultBytes: 200_000 });
let a: Wire;
let b: Wire;
let c: Wire;
let honest: FrameStream<object, unknown>;
let pids: number[];

const processes = () => cluster().addresses.map((_, index) => cluster().pid(index));
const HONEST = contractNamed("honest");
const UNKNOWN_CALL = "0.AAAAAAAAAAAAAAAAAAAAAA";

beforeAll(async () => {
  [a, b, c] = wires();
  pids = processes();
  const request = { contract: HONEST, providerId: "honest", incarnation: "i1" };
  const { epoch, leaseToken } = await ask<{ epoch: number; leaseToken: string }>((cb) =>
    a.registry.register(request, cb),
  );
  const lease = { toolset: "honest", epoch, providerId: "honest", incarnation: "i1", leaseToken };
  // Served by the node that the hostile ones meet, for as long as this file runs.
  const stream = new FrameStream(a.registry.attach(), ({ pings, calls }) => {
    if (pings.length > 0) stream.send({ pongs: pings });
    for (const { callId, attempt } of calls) stream.send({ results: [{ callId, attempt, resultJson: json("fine") }] });
  });
  stream.send({ hello: { lease, maxInFlight: 100 } });
  honest = stream;
  await callable("honest", [a, b, c]);
});
/** Whatever a test did: the same processes serve the same sessions. */
afterEach(async () => {
  for (const wire of [a, b, c]) {
    const { terminal } = await ask<InvokeResponse__Output>((cb) => wire.gateway.invoke({ call: specOf("honest") }, cb));
    expect(terminal?.resultJson.toString()).toBe('"fine"');
  }
  expect(processes()).toEqual(pids);
  expect(honest.over).toBe(false);
});
afterAll(() => honest?.cut());

const getCall = (callId: string) => ask<GetCallResponse__Output>((cb) => b.gateway.getCall({ callId }, cb));

/** A call in the hands of a provider of its own toolset. */
async function inHand(name: string, tool = "echo") {
  const provider = await provide(a, [a], contractNamed(name));
  const session = openAgentSession(a);
  session.send({ calls: [{ ref: 1, call: specOf(name, tool), wantDeltas: true }] });
  const [call] = await provider.given(1);
  if (call === undefined) throw new Error("no call came");
  return { ...provider, session, call };
}

describe("bytes that are no message", () => {
  const bytes = (message: Buffer): Buffer => message;
  const garbage = [Buffer.alloc(64, 0xff), Buffer.from([0xff]), Buffer.from("GET / HTTP")];
  const { Registry, Gateway, Catalog } = loadProtocol();
  const methods = [Registry, Gateway, Catalog].flatMap(({ service }) =>
    Object.values(service).map(({ path, requestStream, responseStream }) => ({ path, requestStream, responseStream })),
  );

  test.each(methods)("$path refuses them", async ({ path, requestStream, responseStream }) => {
    const Raw = makeGenericClientConstructor({}, "raw");
    const raw = new Raw(a.address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    onTestFinished(() => raw.close());
    for (const message of garbage) {
      const code = await new Promise<status>((resolve) => {
        const done = (error: ServiceError | null): void => resolve(error?.code ?? status.OK);
        if (!responseStream) {
          raw.makeUnaryRequest(path, bytes, bytes, message, done);
          return;
        }
        const stream = requestStream
          ? raw.makeBidiStreamRequest(path, bytes, bytes)
          : raw.makeServerStreamRequest(path, bytes, bytes, message);
        stream.on("error", done).on("data", () => {});
        if (requestStream) (stream as ClientDuplexStream<Buffer, Buffer>).write(message); // one of the two, as just asked
      });
      expect([status.INTERNAL, status.INVALID_ARGUMENT]).toContain(code);
    }
  });
});

describe("a provider", () => {
  test("whose first frame says more than hello, and all of it nonsense, is refused", async () => {
    const { lease } = await registerOn(a, { contract: contractNamed("greedy") });
    for (const more of [
      { deltas: [{ callId: "no id", attempt: 1, dataJson: json(1) }] },
      { results: [{ callId: "../../etc/passwd", attempt: 1, resultJson: json(1) }] },
    ]) {
      const stream = new FrameStream(a.registry.attach());
      onTestFinished(() => stream.cut());
      stream.send({ hello: { lease, maxInFlight: 1 }, ...more });
      expect((await stream.ended)?.reason).toBe("INVALID_REQUEST");
    }
  });

  test("that names 20,000 calls in hand is refused; 10,000 that are not its own are fenced", async () => {
    const { lease } = await registerOn(a, { contract: contractNamed("boastful") });
    const calls = (count: number) => Array.from({ length: count }, () => ({ callId: UNKNOWN_CALL, attempt: 1 }));
    const error = await attach(a, { lease, maxInFlight: 1, inHand: calls(20_000) }).ended;
    expect(error).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field: "in_hand" }] });
    expect((await refusal((cb) => a.registry.renew({ lease, inHand: calls(20_000) }, cb))).reason).toBe(
      "INVALID_REQUEST",
    );
    const stream = attach(a, { lease, maxInFlight: 1, inHand: calls(10_000) });
    await until("the welcome came", () => stream.frames.length > 0);
    expect(stream.frames[0]?.welcome?.fenced).toHaveLength(10_000);
  });

  test.each([
    ["that are not JSON", Buffer.from("{nope")],
    ["that are empty", Buffer.alloc(0)],
    ["that are not UTF-8", Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ["that repeat a key", Buffer.from('{"a":1,"a":2}')],
    ["that nest too deeply", Buffer.from("[".repeat(100_000) + "]".repeat(100_000))],
  ])("with deltas %s ends its call as its own error, and is told to stop", async (_what, dataJson) => {
    const { stream, session, call } = await inHand(`deltas-${dataJson.length}`);
    const { callId, attempt } = call;
    stream.send({
      deltas: [
        { callId, attempt, dataJson: json("good") },
        { callId, attempt, dataJson },
        { callId, attempt, dataJson: json("late") },
      ],
    });
    expect(await terminalOf(session, 1)).toMatchObject({
      kind: "TERMINAL_KIND_TOOL_ERROR",
      executed: "EXECUTED_YES",
      error: { reason: "INVALID_RESULT" },
    });
    expect(session.all(({ deltas }) => deltas).map(({ delta }) => delta?.dataJson.toString())).toEqual(['"good"']);
    expect(stream.all(({ cancels }) => cancels)).toMatchObject([{ callId, reason: "CANCEL_REASON_OUTPUT_LIMIT" }]);
  });

  test.each([
    ["that is not JSON", Buffer.from("nope"), "INVALID_RESULT"],
    ["that is empty", Buffer.alloc(0), "INVALID_RESULT"],
    ["that nests too deeply", Buffer.from("[".repeat(90_000) + "]".repeat(90_000)), "INVALID_RESULT"],
    ["that is too large", json("x".repeat(200_001)), "OUTPUT_TOO_LARGE"],
  ])("with a result %s ends its call as its own error", async (_what, resultJson, reason) => {
    const { stream, session, call } = await inHand(`result-${resultJson.length}`);
    const { callId, attempt } = call;
    stream.send({ results: [{ callId, attempt, resultJson }] });
    expect(await terminalOf(session, 1)).toMatchObject({ kind: "TERMINAL_KIND_TOOL_ERROR", error: { reason } });
  });

  test("with an answer that is neither result nor error, or an error with odd words, ends its calls all the same", async () => {
    const { stream, session, call, given } = await inHand("odd");
    session.send({ calls: [2, 3].map((ref) => ({ ref, call: specOf("odd") })) });
    const [, second, third] = await given(3);
    if (second === undefined || third === undefined) throw new Error("too few calls came");
    const odd = { reason: "__proto__ \n x", message: "m".repeat(100_000), detailsJson: Buffer.from("{nope") };
    stream.send({
      results: [
        { callId: call.callId, attempt: 1 },
        { callId: second.callId, attempt: 1, error: odd },
        { callId: third.callId, attempt: 1, error: { reason: "CANCELLED", detailsJson: json(null) } },
      ],
    });
    expect((await terminalOf(session, 1)).error?.reason).toBe("INVALID_RESULT");
    const { error } = await terminalOf(session, 2);
    expect(error?.reason).toBe("TOOL_ERROR");
    expect(error?.message.length).toBeLessThanOrEqual(4_096);
    expect(error?.detailsJson).toHaveLength(0);
    expect(await terminalOf(session, 3)).toMatchObject({ kind: "TERMINAL_KIND_TOOL_ERROR" });
  });

  test("with answers to calls of others, of none and of other attempts changes nothing", async () => {
    const victim = await inHand("victim");
    const { lease } = await registerOn(a, { contract: contractNamed("thief") });
    const thief = attach(a, { lease, maxInFlight: 10 });
    const { callId } = victim.call;
    const attempts = [0, 1, 2, 4_294_967_295];
    thief.send({
      results: [callId, UNKNOWN_CALL].flatMap((id) =>
        attempts.map((attempt) => ({ callId: id, attempt, resultJson: json("stolen") })),
      ),
      deltas: attempts.map((attempt) => ({ callId, attempt, dataJson: json("stolen") })),
    });
    await until("all were refused", () => thief.all(({ settled }) => settled).length === 8);
    expect(thief.all(({ settled }) => settled).some(({ accepted }) => accepted)).toBe(false);
    expect((await getCall(callId)).state).toBe("CALL_STATE_CLAIMED");
    victim.finish(victim.call, "mine");
    expect((await terminalOf(victim.session, 1)).resultJson.toString()).toBe('"mine"');
    expect(victim.session.all(({ deltas }) => deltas)).toEqual([]);
  });

  test("that says the same result a hundred times ends its call once", async () => {
    const { stream, session, call } = await inHand("stutterer");
    const { callId, attempt } = call;
    for (let i = 0; i < 100; i++) stream.send({ results: [{ callId, attempt, resultJson: json(i) }] });
    expect((await terminalOf(session, 1)).resultJson.toString()).toBe("0");
    await until("the first was accepted", () => stream.all(({ settled }) => settled).some(({ accepted }) => accepted));
    expect(stream.all(({ settled }) => settled).filter(({ accepted }) => accepted)).toHaveLength(1);
    expect(session.all(({ terminals }) => terminals)).toHaveLength(1);
  });

  test("that floods with pongs, heartbeats and second hellos changes nothing", async () => {
    const { stream, lease, session, call, finish } = await inHand("flooder");
    stream.send({ pongs: Array.from({ length: 10_000 }, () => ({ nonce: "" })) });
    for (let i = 0; i < 2_000; i++) stream.send({ heartbeat: { sequence: i } });
    stream.send({ hello: { lease: { ...lease, toolset: "honest" }, maxInFlight: 10_000 } });
    stream.send({ heartbeat: { sequence: -1 } });
    stream.send({ heartbeat: { sequence: 2 ** 64 } });
    await until("its heartbeats were answered", () => stream.frames.filter((f) => f.heartbeat?.reply).length === 2_002);
    finish(call, "still here");
    expect((await terminalOf(session, 1)).resultJson.toString()).toBe('"still here"');
  });

  test("with a frame of a hundred thousand messages is refused as a whole", async () => {
    const { lease } = await registerOn(a, { contract: contractNamed("crowded") });
    for (const frame of [
      { pongs: Array.from({ length: 100_000 }, () => ({ nonce: "" })) },
      { results: Array.from({ length: 100_000 }, () => ({})) },
    ]) {
      const stream = attach(a, { lease, maxInFlight: 1 });
      stream.send(frame);
      expect((await stream.ended)?.reason).toBe("INVALID_REQUEST");
      expect(stream.all(({ settled }) => settled)).toEqual([]);
    }
  });

  test("with odd numbers in its lease is refused", async () => {
    const { lease } = await registerOn(a, { contract: contractNamed("numbers") });
    for (const epoch of [0, -1, 2 ** 53, 2 ** 63]) {
      const error = await refusal((cb) => a.registry.renew({ lease: { ...lease, epoch } }, cb));
      expect(error.reason).toMatch(/^(INVALID_REQUEST|LEASE_LOST)$/);
      expect((await attach(a, { lease: { ...lease, epoch }, maxInFlight: 1 }).ended)?.reason).toBe(error.reason);
    }
  });
});

describe("an agent", () => {
  test("with odd numbers gets answers under what the wire makes of them", async () => {
    const session = openAgentSession(a);
    const refs = [0, 1, 2 ** 32, 2 ** 53 - 1, -1, 2 ** 64];
    session.send({ calls: refs.map((ref) => ({ ref, call: specOf("honest", "echo", { timeoutMs: 4_294_967_295 }) })) });
    session.send({ cancels: [-1, 2 ** 64, 77].map((ref) => ({ ref })) });
    await until("all have ended", () => session.all(({ terminals }) => terminals).length === refs.length);
  });

  test("that reuses a number again and again gets one answer per use", async () => {
    const session = openAgentSession(a);
    const call = specOf("honest");
    session.send({ calls: Array.from({ length: 1_000 }, () => ({ ref: 1, call })) });
    const terminals = () => session.all((frame) => frame.terminals);
    await until("each was answered", () => terminals().length === 1_000);
    expect(terminals().filter(({ terminal }) => terminal?.kind === "TERMINAL_KIND_RESULT")).toHaveLength(1);
  });

  test("with a frame of a hundred thousand empty calls is refused as a whole", async () => {
    const session = openAgentSession(a);
    session.send({ calls: Array.from({ length: 100_000 }, () => ({})) });
    expect((await session.ended)?.reason).toBe("INVALID_REQUEST");
    expect(session.frames).toEqual([]);
  });

  test("that asks for odd cursors, ids and pages is refused", async () => {
    for (const callId of [
      "",
      "x",
      UNKNOWN_CALL,
      "zzz.AAAAAAAAAAAAAAAAAAAAAA",
      "\0".repeat(25),
      "x".repeat(1_000_000),
    ]) {
      const reason = callId.endsWith("AAAA") ? "UNKNOWN_CALL" : "INVALID_REQUEST";
      expect((await refusal((cb) => a.gateway.getCall({ callId }, cb))).reason).toBe(reason);
      expect((await refusal((cb) => a.gateway.cancelCall({ callId }, cb))).reason).toBe(reason);
      const follow = a.gateway.followCall({ callId });
      const error = await new Promise<ServiceError>((resolve) => follow.on("error", resolve).on("data", () => {}));
      expect(fromServiceError(error).reason).toBe(reason);
    }
    const { reason } = await refusal((cb) => a.catalog.getToolset({ name: "honest", epoch: 2 ** 63 }, cb));
    expect(reason).toBe("EPOCH_MISMATCH");
    for (const pageToken of ["x", "\0", "x".repeat(100_000)]) {
      expect((await refusal((cb) => a.catalog.listToolsets({ pageToken }, cb))).reason).toBe("INVALID_REQUEST");
    }
  });

  test.each([
    ["is not JSON", Buffer.from("{nope"), "MALFORMED_JSON"],
    ["is not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), "MALFORMED_JSON"],
    ["repeats a key", Buffer.from('{"a":1,"\\u0061":2}'), "MALFORMED_JSON"],
    ["has a key that changes prototypes", Buffer.from('{"__proto__":{"a":1}}'), "MALFORMED_JSON"],
    ["nests too deeply", Buffer.from("[".repeat(400_000) + "]".repeat(400_000)), "MALFORMED_JSON"],
    ["has a number that no double holds", Buffer.from('{"a":1e999}'), "MALFORMED_JSON"],
    ["is too large", json("x".repeat(1_048_577)), "PAYLOAD_TOO_LARGE"],
    ["is no object", json([]), "INVALID_PAYLOAD"],
  ])("whose payload %s is refused on each way to call, and nothing runs", async (_what, payloadJson, reason) => {
    const call = specOf("honest", "echo", { payloadJson });
    expect(await refusal((cb) => a.gateway.invoke({ call }, cb))).toMatchObject({ reason, executed: "no" });
    expect(await refusal((cb) => a.gateway.callTool({ call }, cb))).toMatchObject({ reason, executed: "no" });
    const session = openAgentSession(a);
    session.send({ calls: [{ ref: 1, call }] });
    expect(await terminalOf(session, 1)).toMatchObject({ executed: "EXECUTED_NO", error: { reason } });
  });
});
