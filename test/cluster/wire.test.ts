import { type ClientReadableStream, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { CallSpec } from "../../src/protocol/generated/toolgate/v1/CallSpec.js";
import type { CallToolResponse__Output } from "../../src/protocol/generated/toolgate/v1/CallToolResponse.js";
import type { CancelCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/CancelCallResponse.js";
import type { FollowCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/FollowCallResponse.js";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import type { InvokeResponse__Output } from "../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { DETAILS_TRAILER } from "../../src/protocol/status-details.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { healthClient } from "../front/grpc/health-client.js";
import { reflectionClient } from "../front/grpc/reflection-client.js";
import { endOf } from "../front/grpc/stream-end.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { expectWithin, spanOf } from "../support/redis-span.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { contractNamed, json, provide, type RawProvider, specOf, type Wire, wireTo } from "./wire.js";

expectNoLeaks();

let redis: TestRedis;
let client: Redis;
let cluster: Cluster;
let wires: Wire[];
let a: Wire;
let b: Wire;
let tests = 0;
let name: string;
let provider: RawProvider;

const MAX_TIMEOUT_MS = 50_000;

beforeAll(async () => {
  redis = await privateRedis();
  client = redis.client();
  const config = { ...FAST, maxTimeoutMs: MAX_TIMEOUT_MS, defaultTimeoutMs: 20_000, resultTtlMs: 30_000 };
  cluster = await startCluster({ redis, config });
  wires = cluster.addresses.map((address) => wireTo(address));
  [a, b] = wires as [Wire, Wire, Wire]; // three unless said
});
beforeEach(async () => {
  name = `wire-${++tests}`;
  provider = await provide(a, wires, contractNamed(name), {}, { maxBacklog: 3 });
});
afterAll(async () => {
  for (const wire of wires ?? []) wire.close();
  await cluster?.stop();
  await redis?.stop();
});

const call = (tool?: string, more?: Partial<CallSpec>) => specOf(name, tool, more);
const callTool = (spec: CallSpec, wire = b) =>
  ask<CallToolResponse__Output>((cb) => wire.gateway.callTool({ call: spec }, cb));
const getCall = (callId: string, wire = b) =>
  ask<GetCallResponse__Output>((cb) => wire.gateway.getCall({ callId }, cb));
const given = async (index = 0) => {
  const one = (await provider.given(index + 1))[index];
  if (one === undefined) throw new Error("no call came");
  return one;
};
/** The error of a call as grpc-js has it. */
const rawError = (spec: CallSpec) =>
  new Promise<ServiceError>((resolve, reject) => {
    b.gateway.callTool({ call: spec }, (error) =>
      error === null ? reject(new Error("an answer came")) : resolve(error),
    );
  });

describe("CallTool", () => {
  test("returns at once with call id, epoch, digest, execution deadline and result expiry", async () => {
    const { value, ...span } = await spanOf(client, () => callTool(call("echo", { timeoutMs: 7_000 })));
    const { handle, repeatedRequest } = value;
    expect(repeatedRequest).toBe(false);
    expect(handle).toMatchObject({
      callId: expect.stringMatching(/^0\.[A-Za-z0-9_-]{22}$/),
      toolset: name,
      tool: "echo",
      epoch: provider.answer.epoch,
      digest: provider.answer.digest,
    });
    if (handle === null) throw new Error("no handle");
    expect(handle.expiresMs - handle.deadlineMs).toBe(30_000);
    expectWithin(handle.deadlineMs, span, 7_000);
    const one = await given();
    expect(one).toMatchObject({ callId: handle.callId, tool: "echo", attempt: 1, deadlineMs: handle.deadlineMs });
  });

  test("with the same ids on another node is told that it repeats", async () => {
    const meta = { runId: name, toolCallId: "1" };
    const first = await callTool(call("echo", { meta }), a);
    const second = await callTool(call("echo", { meta, timeoutMs: 1, wait: "WAIT_POLICY_WAIT" }), b);
    expect(second).toEqual({ ...first, repeatedRequest: true });
    const other = await rawError(call("again", { meta }));
    expect([
      other.code,
      (await refusal((cb) => a.gateway.callTool({ call: call("again", { meta }) }, cb))).reason,
    ]).toEqual([status.ALREADY_EXISTS, "CALL_CONFLICT"]);
    await provider.given(1);
  });
});

describe("the execution deadline", () => {
  test.each<[string, Partial<CallSpec>, string, number]>([
    ["the registry's default when the call names none", {}, "echo", 20_000],
    ["the call's own", { timeoutMs: 7_000 }, "echo", 7_000],
    ["never beyond the tool's own", { timeoutMs: 40_000 }, "brief", 1_500],
    ["never beyond the registry's maximum", { timeoutMs: 4_294_967_295 }, "echo", MAX_TIMEOUT_MS],
  ])("is %s", async (_what, spec, tool, expectedMs) => {
    const { value, ...span } = await spanOf(client, () => callTool(call(tool, spec)));
    expectWithin(value.handle?.deadlineMs, span, expectedMs);
    const { deadlineMs, timeoutMs } = await given();
    expect(deadlineMs).toBe(value.handle?.deadlineMs);
    expect(timeoutMs).toBeLessThanOrEqual(expectedMs);
  });

  test("of an Invoke is never beyond the RPC's deadline, and ends the call when nobody waits any more", async () => {
    const error = refusal((cb) =>
      b.gateway.invoke({ call: call("echo", { timeoutMs: 40_000 }) }, { deadline: Date.now() + 1_000 }, cb),
    );
    const { callId, timeoutMs } = await given();
    expect(timeoutMs).toBeLessThanOrEqual(1_000);
    expect((await error).reason).toBe("DEADLINE_EXCEEDED");
    const ended = await until("it has ended", async () => (await getCall(callId)).terminal);
    expect(ended).toMatchObject({ kind: "TERMINAL_KIND_OUTCOME_UNKNOWN", error: { reason: "DEADLINE_EXCEEDED" } });
    // The client's own timer may be first: then all that the node sees is that the caller waits no longer.
    const reason = expect.stringMatching(/^CANCEL_REASON_(DEADLINE|CANCELLED)$/);
    expect(provider.stream.all(({ cancels }) => cancels)).toMatchObject([{ callId, reason }]);
  });
});

describe("what reaches the provider", () => {
  test("is the very bytes that were validated", async () => {
    const payloadJson = Buffer.from(' {"b" : 1.0, "a":"\\u00e4" } ');
    await callTool(call("echo", { payloadJson }));
    expect((await given()).payloadJson).toEqual(payloadJson);
  });

  test("is an empty object when the agent sent nothing", async () => {
    await callTool(call("echo", { payloadJson: Buffer.alloc(0) }));
    expect((await given()).payloadJson.toString()).toBe("{}");
  });

  test("is what the agent said about the call, up to 256 characters each", async () => {
    const long = "ä".repeat(256);
    const meta = {
      runId: `${name} ${"r".repeat(200)}`,
      sessionId: long,
      turnId: "{}:/ 🙂",
      toolCallId: long,
      parentToolCallId: long,
    };
    await callTool(call("echo", { meta }));
    expect((await given()).meta).toEqual({ ...meta, traceparent: "", tracestate: "" });
  });

  test("is the trace context of the request's metadata; a broken one is left out", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const metadata = new Metadata();
    metadata.set("traceparent", traceparent);
    metadata.set("tracestate", "vendor=1");
    await ask((cb) => b.gateway.callTool({ call: call() }, metadata, cb));
    expect((await given(0)).meta).toMatchObject({ traceparent, tracestate: "vendor=1" });
    metadata.set("traceparent", "broken");
    await ask((cb) => b.gateway.callTool({ call: call() }, metadata, cb));
    expect((await given(1)).meta).toBeNull();
  });

  test.each([
    ["run_id", { runId: "x".repeat(257) }],
    ["session_id", { sessionId: "a\nb" }],
    ["turn_id", { turnId: "\u0000" }],
    ["tool_call_id", { toolCallId: "\u007f" }],
    ["parent_tool_call_id", { parentToolCallId: "x".repeat(1_000_000) }],
    ["tracestate", { tracestate: "x".repeat(513) }],
  ])("is nothing when %s is over its limit or has control characters", async (field, meta) => {
    expect(await refusal((cb) => b.gateway.callTool({ call: call("echo", { meta }) }, cb))).toMatchObject({
      reason: "INVALID_REQUEST",
      executed: "no",
      violations: [{ field: `call.meta.${field}` }],
    });
    expect(provider.calls()).toEqual([]);
  });
});

describe("FollowCall", () => {
  const follow = (callId: string, cursor = "", wire = b) =>
    endOf(wire.gateway.followCall({ callId, cursor }) as ClientReadableStream<FollowCallResponse__Output>);

  async function ended(count: number): Promise<string> {
    await callTool(call());
    const { callId, attempt } = await given();
    const deltas = Array.from({ length: count }, (_, i) => ({ callId, attempt, dataJson: json(i) }));
    provider.stream.send({ deltas, results: [{ callId, attempt, resultJson: json("end") }] });
    await until("it has ended", async () => (await getCall(callId)).terminal);
    return callId;
  }

  test("tells all output in order and then the end, from any cursor, the same on every node", async () => {
    const callId = await ended(5);
    const whole = await follow(callId);
    const deltas = whole.messages.flatMap((message) => message.deltas);
    expect(deltas.map(({ dataJson }) => dataJson.toString())).toEqual(["0", "1", "2", "3", "4"]);
    expect(whole.messages.at(-1)?.terminal?.resultJson.toString()).toBe('"end"');
    expect(whole.messages.filter(({ terminal }) => terminal !== null)).toHaveLength(1);
    for (const wire of wires) {
      expect((await follow(callId, "", wire)).messages).toEqual(whole.messages);
      for (const [index, { cursor }] of deltas.entries()) {
        const rest = (await follow(callId, cursor, wire)).messages.flatMap((message) => message.deltas);
        expect(rest).toEqual(deltas.slice(index + 1));
      }
    }
  });

  test("of a call without output is its end alone", async () => {
    expect((await follow(await ended(0))).messages).toMatchObject([
      { deltas: [], terminal: { executed: "EXECUTED_YES" } },
    ]);
  });

  test("of a call that runs waits for its output and its end", async () => {
    await callTool(call());
    const { callId, attempt } = await given();
    const seen: FollowCallResponse__Output[] = [];
    const stream = b.gateway.followCall({ callId });
    stream.on("data", (message: FollowCallResponse__Output) => seen.push(message));
    const over = new Promise((resolve) => stream.on("end", resolve));
    for (const i of [0, 1, 2]) {
      provider.stream.send({ deltas: [{ callId, attempt, dataJson: json(i) }] });
      await until("it came", () => seen.flatMap(({ deltas }) => deltas).length === i + 1);
    }
    provider.finish({ callId, attempt }, "end");
    await over;
    expect(seen.at(-1)?.terminal?.resultJson.toString()).toBe('"end"');
  });

  test.each(["x", "1", "1-", "-", "0-0-0", "1e3-0", "99999999999999999999-0", "\u0000", "+"])(
    "refuses the cursor %j",
    async (cursor) => {
      const { error } = await follow("0.AAAAAAAAAAAAAAAAAAAAAA", cursor);
      expect(error).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field: "cursor" }] });
    },
  );

  test("of an unknown call says so", async () => {
    expect((await follow("0.AAAAAAAAAAAAAAAAAAAAAA")).error?.reason).toBe("UNKNOWN_CALL");
  });
});

describe("GetCall and CancelCall", () => {
  test("tell the same on every node, from admission to the end", async () => {
    const { handle } = await callTool(call());
    const one = await given();
    for (const wire of wires) {
      expect(await getCall(one.callId, wire)).toMatchObject({ handle, state: "CALL_STATE_CLAIMED", attempt: 1 });
    }
    const cancel = (wire: Wire) =>
      ask<CancelCallResponse__Output>((cb) => wire.gateway.cancelCall({ callId: one.callId }, cb));
    expect(await cancel(b)).toEqual({ state: "CALL_STATE_CLAIMED", terminal: null });
    expect(await getCall(one.callId, a)).toMatchObject({ cancelRequested: true });
    provider.stream.send({ results: [{ callId: one.callId, attempt: 1, cancelled: {} }] });
    const terminal = await until("it has ended", async () => (await getCall(one.callId)).terminal);
    for (const wire of wires) {
      expect(await getCall(one.callId, wire)).toMatchObject({ state: "CALL_STATE_ENDED", terminal });
      expect(await cancel(wire)).toEqual({ state: "CALL_STATE_ENDED", terminal });
    }
  });

  test("a call that waits is cancelled at once: it did not run", async () => {
    await ask((cb) => a.registry.drain({ lease: provider.lease }, cb));
    const { handle } = await callTool(call("echo", { wait: "WAIT_POLICY_WAIT" }));
    const callId = handle?.callId ?? "";
    const answer = await ask<CancelCallResponse__Output>((cb) => b.gateway.cancelCall({ callId }, cb));
    expect(answer.terminal).toMatchObject({ kind: "TERMINAL_KIND_NOT_EXECUTED", executed: "EXECUTED_NO", attempt: 0 });
  });
});

describe("errors", () => {
  test("carry BadRequest with at most eight places, and never the data", async () => {
    const error = await rawError(call("strict", { payloadJson: json({ a: "TOP SECRET", b: true }) }));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    const details = detailsOf(error);
    expect(details.badRequest).toHaveLength(8);
    expect(details.badRequest).toContainEqual({ field: "/a", description: expect.stringContaining("number") });
    expect(details.errorInfo).toMatchObject({
      reason: "INVALID_PAYLOAD",
      domain: "toolgate",
      metadata: { executed: "no" },
    });
    expect(JSON.stringify(details) + error.details).not.toContain("TOP SECRET");
  });

  test("carry near names when a name is not there", async () => {
    const tool = await rawError(call("ecko"));
    expect(tool.code).toBe(status.NOT_FOUND);
    expect(detailsOf(tool).errorInfo).toMatchObject({ reason: "UNKNOWN_TOOL", metadata: { near: "echo" } });
    const toolset = await rawError({ ...call(), toolset: `${name}x` });
    expect(toolset.code).toBe(status.NOT_FOUND);
    expect(detailsOf(toolset).errorInfo.metadata.near).toContain(name);
  });

  test("carry RetryInfo when the backlog is full", async () => {
    for (let i = 0; i < 3; i++) await callTool(call());
    const error = await rawError(call());
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(detailsOf(error)).toMatchObject({
      errorInfo: { reason: "BACKLOG_FULL", metadata: { executed: "no" } },
      retryMs: 500,
    });
  });

  test("carry RetryInfo, the last pong and its age when nobody is healthy", async () => {
    await ask((cb) => a.registry.drain({ lease: provider.lease }, cb));
    const error = await rawError(call());
    expect(error.code).toBe(status.UNAVAILABLE);
    const { errorInfo, retryMs } = detailsOf(error);
    expect(errorInfo).toMatchObject({
      reason: "NO_HEALTHY_PROVIDER",
      metadata: {
        executed: "no",
        last_pong_ms: expect.stringMatching(/^\d{13}$/),
        last_pong_age_ms: expect.stringMatching(/^\d+$/),
      },
    });
    expect(retryMs).toBe(200);
  });

  test("carry the digest that there is when it is not the expected one", async () => {
    const error = await rawError(call("echo", { expectDigest: "0".repeat(64) }));
    expect(error.code).toBe(status.FAILED_PRECONDITION);
    expect(detailsOf(error).errorInfo).toMatchObject({
      reason: "DIGEST_MISMATCH",
      metadata: { digest: provider.answer.digest, epoch: String(provider.answer.epoch) },
    });
  });

  test("carry the differences when a contract is refused", async () => {
    const contract = contractNamed(name, { description: "changed in place" });
    const error = await refusal((cb) => b.registry.register({ contract, providerId: "p2", incarnation: "x" }, cb));
    expect(error).toMatchObject({ reason: "CONTRACT_CONFLICT", violations: [{ description: "description differs" }] });
  });

  test("of Invoke say what became of the tool in the terminal, not in a status", async () => {
    const answer = ask<InvokeResponse__Output>((cb) => b.gateway.invoke({ call: call() }, cb));
    const { callId, attempt } = await given();
    const error = { reason: "NO_SUCH_FILE", message: "it is not there", detailsJson: json({ path: "x" }) };
    provider.stream.send({ results: [{ callId, attempt, error }] });
    expect((await answer).terminal).toMatchObject({
      kind: "TERMINAL_KIND_TOOL_ERROR",
      executed: "EXECUTED_YES",
      error: { ...error, grpcCode: status.ABORTED },
    });
  });
});

describe("an enum's number that the node does not know", () => {
  const UNKNOWN = 99 as never;
  const refused = (field: string) => ({ status: status.INVALID_ARGUMENT, executed: "no", violations: [{ field }] });

  test("refuses a call, and names the field", async () => {
    const wait = call("echo", { wait: UNKNOWN });
    const both = call("echo", { wait: UNKNOWN, onDisconnect: UNKNOWN });
    expect(await refusal((cb) => a.gateway.callTool({ call: wait }, cb))).toMatchObject(refused("call.wait"));
    expect(await refusal((cb) => a.gateway.invoke({ call: wait }, cb))).toMatchObject(refused("call.wait"));
    const { violations } = await refusal((cb) => a.gateway.invoke({ call: both }, cb));
    expect(violations.map(({ field }) => field)).toEqual(["call.wait", "call.on_disconnect"]);
  });

  test("refuses a registration and discovery, and names the field", async () => {
    const tools = ["a", "b"].map((tool) => ({ name: tool, payloadSchemaJson: json({}) }));
    const contract = contractNamed("enums", { tools: [{ ...tools[0] }, { ...tools[1], delivery: UNKNOWN }] });
    const request = { contract, providerId: "p", incarnation: "i" };
    const registering = await refusal((cb) => a.registry.register(request, cb));
    expect(registering).toMatchObject(refused("contract.tools[1].delivery"));
    const health = UNKNOWN;
    expect(await refusal((cb) => a.catalog.listToolsets({ health }, cb))).toMatchObject(refused("health"));
    expect(await refusal((cb) => a.catalog.search({ query: "x", health }, cb))).toMatchObject(refused("health"));
  });
});

describe("a node", () => {
  test("tells the health of each service and of the whole", async () => {
    for (const { address } of wires) {
      using health = healthClient(address);
      for (const service of ["", "toolgate.v1.Registry", "toolgate.v1.Catalog", "toolgate.v1.Gateway"]) {
        expect(await health.check(service)).toBe("SERVING");
      }
      expect(await health.check("toolgate.v1.Nothing")).toBe(status.NOT_FOUND);
    }
  });

  test.each(["v1", "v1alpha"] as const)("describes its services by reflection %s", async (version) => {
    using reflection = reflectionClient(version, b.address);
    const [answer] = await reflection.ask({ list_services: "" });
    const names = answer?.list_services_response?.service.map((service) => service.name);
    expect(names?.toSorted()).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "toolgate.v1.Access",
      "toolgate.v1.Audit",
      "toolgate.v1.Catalog",
      "toolgate.v1.DeadCalls",
      "toolgate.v1.Documents",
      "toolgate.v1.Gateway",
      "toolgate.v1.Registry",
    ]);
    const [described] = await reflection.ask({ file_containing_symbol: "toolgate.v1.Gateway.Invoke" });
    expect(described?.file_descriptor_response?.file_descriptor_proto.length).toBeGreaterThan(0);
  });

  test("refuses a message that is too large, and the connection goes on", async () => {
    const payloadJson = json("x".repeat(9 * 1_048_576));
    const { Gateway } = loadProtocol();
    const gateway = new Gateway(b.address, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_send_message_length": -1,
    });
    onTestFinished(() => gateway.close());
    const error = await refusal((cb) => gateway.callTool({ call: call("echo", { payloadJson }) }, cb));
    expect(error).toMatchObject({ reason: "MESSAGE_TOO_LARGE" });
    await ask((cb) => gateway.callTool({ call: call() }, cb));
  });
});

/** What an error's trailer holds, read with the messages of google.rpc alone. */
function detailsOf(error: ServiceError) {
  const [trailer] = error.metadata.get(DETAILS_TRAILER);
  if (!Buffer.isBuffer(trailer)) throw new Error("the error has no details");
  const { rpc } = loadProtocol();
  const { code, details } = rpc.Status.deserialize(trailer);
  expect(code).toBe(error.code);
  const find = (type: string): Buffer => {
    for (const detail of details) {
      if ("type_url" in detail && detail.type_url === `type.googleapis.com/google.rpc.${type}`) return detail.value;
    }
    return Buffer.alloc(0);
  };
  const delay = rpc.RetryInfo.deserialize(find("RetryInfo")).retryDelay;
  return {
    errorInfo: rpc.ErrorInfo.deserialize(find("ErrorInfo")),
    badRequest: rpc.BadRequest.deserialize(find("BadRequest")).fieldViolations.map(({ field, description }) => ({
      field,
      description,
    })),
    retryMs: delay === null ? undefined : Number(delay.seconds) * 1_000 + delay.nanos / 1_000_000,
  };
}
