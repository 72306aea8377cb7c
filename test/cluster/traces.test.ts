import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, defineTool, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { ask } from "../front/grpc/ask.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from "../support/otlp-receiver.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type Running, startProgram } from "../support/start-program.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { gate } from "./tools.js";
import { wireTo } from "./wire.js";

expectNoLeaks();

const APPLICATION = join(import.meta.dirname, "../support/traced-application.mjs");
const INTERNAL = 1;
const SERVER = 2;
const CLIENT = 3;
const PRODUCER = 4;
const ERROR = 2;

let redis: TestRedis;
let collector: OtlpReceiver;
/** Nodes that trace what is sampled, and one, the last, that traces all that comes without context. */
let cluster: Cluster;
let provider: Running;

beforeAll(async () => {
  redis = await privateRedis();
  collector = await startOtlpReceiver();
  // The collector's own variable names it; batches are sent soon.
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: "50" };
  cluster = await startCluster({ redis, nodes: 2, config: FAST, env });
  await cluster.add({ traceRatio: 1 });
  provider = startProgram(process.execPath, [APPLICATION, "provider", node(1), collector.url]);
  await provider.says(/serving/);
});
afterAll(async () => {
  provider?.signal("SIGKILL");
  await provider?.ended;
  await cluster?.stop();
  await collector?.stop();
  await redis?.stop();
});

function node(index: number): string {
  const address = cluster.addresses[index];
  if (address === undefined) throw new RangeError(`no node ${index}`);
  return address;
}

interface Told {
  readonly traceId: string;
  readonly answer?: { readonly traceparent?: string; readonly own?: boolean };
  readonly reason?: string;
}

/** Runs the agent, and returns what it says of each of its calls. */
async function runAgent(calls: readonly object[]): Promise<readonly Told[]> {
  const agent = startProgram(process.execPath, [
    APPLICATION,
    ...["agent", node(0), collector.url, JSON.stringify(calls)],
  ]);
  const { stdout, stderr, code } = await agent.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Told);
}

/** The one span of this name in a process's part of a trace. */
function find(spans: readonly ReceivedSpan[], name: string, service: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name && span.resource["service.name"] === service);
  expect(found.map((span) => span.name)).toEqual([name]);
  return found[0] as ReceivedSpan; // as just seen
}

const sampledContext = () => {
  const traceId = randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-01` };
};

async function withClient<T>(index: number, use: (client: Toolgate) => Promise<T>): Promise<T> {
  const client = await connect(node(index));
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

describe("a sampled call through three processes", () => {
  let told: Told;
  let spans: readonly ReceivedSpan[];
  beforeAll(async () => {
    const options = { toolCallId: "tc-1", sessionId: "conversation-1" };
    [told] = (await runAgent([{ tool: "tell", payload: { secret: "canary-payload" }, options }])) as [Told];
    spans = await collector.trace(told.traceId, 8);
  });

  test("is one trace with the right parents", () => {
    const turn = find(spans, "turn", "agent");
    const agent = find(spans, "execute_tool tell", "agent");
    const call = find(spans, "execute_tool tell", "toolgate");
    const attempt = find(spans, "attempt", "toolgate");
    const work = find(spans, "execute_tool tell", "provider");
    expect(agent).toMatchObject({ parentSpanId: turn.spanId, kind: CLIENT });
    expect(call).toMatchObject({ parentSpanId: agent.spanId, kind: SERVER });
    expect(find(spans, "admit", "toolgate")).toMatchObject({ parentSpanId: call.spanId, kind: PRODUCER });
    expect(find(spans, "queue", "toolgate")).toMatchObject({ parentSpanId: call.spanId, kind: INTERNAL });
    expect(attempt).toMatchObject({ parentSpanId: call.spanId, kind: CLIENT });
    expect(work).toMatchObject({ parentSpanId: attempt.spanId, kind: SERVER });
    expect(find(spans, "own work", "provider").parentSpanId).toBe(work.spanId);
    expect(spans).toHaveLength(8);
    expect(told.answer?.traceparent).toBe(`00-${told.traceId}-${work.spanId}-01`);
    expect(spans.map(({ status }) => status)).toEqual(spans.map(() => 0));
  });

  test("says which node did what, in whose time", () => {
    const call = find(spans, "execute_tool tell", "toolgate");
    const queue = find(spans, "queue", "toolgate");
    const attempt = find(spans, "attempt", "toolgate");
    expect(call.resource["service.instance.id"]).not.toBe(attempt.resource["service.instance.id"]);
    expect(queue.resource).toEqual(attempt.resource);
    expect(queue.endMs).toBeGreaterThanOrEqual(queue.startMs);
    expect(Math.abs(queue.startMs - call.startMs)).toBeLessThan(60_000); // on this machine's clock
  });

  test("says what was called by the conventions' names, and nothing of what was sent", () => {
    const call = find(spans, "execute_tool tell", "toolgate");
    expect(call.attributes).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "tell",
      "gen_ai.tool.call.id": "tc-1",
      "gen_ai.conversation.id": "conversation-1",
      "rpc.system.name": "grpc",
      "rpc.method": "toolgate.v1.Gateway/Session",
      "toolgate.toolset": "traced",
      "toolgate.call.id": expect.any(String),
      "toolgate.epoch": expect.any(Number),
      "toolgate.call.end": "result",
    });
    const id = call.attributes["toolgate.call.id"];
    expect(find(spans, "attempt", "toolgate").attributes).toMatchObject({
      "messaging.destination.name": "traced",
      "toolgate.call.id": id,
      "toolgate.attempt": 1,
      "toolgate.call.end": "result",
    });
    expect(find(spans, "execute_tool tell", "agent").attributes).toMatchObject({ "toolgate.call.id": id });
    expect(find(spans, "execute_tool tell", "provider").attributes).toMatchObject({ "toolgate.call.id": id });
    expect(collector.bodies.join()).not.toContain("canary");
  });
});

test("a tool's failure is an error in every process, told from all other errors", async () => {
  const [told] = (await runAgent([{ tool: "fail" }])) as [Told];
  expect(told.reason).toBe("TOOL_ERROR");
  const spans = await collector.trace(told.traceId, 7);
  const [agent, call, work] = ["agent", "toolgate", "provider"].map((service) =>
    find(spans, "execute_tool fail", service),
  );
  for (const span of [agent, call, work, find(spans, "attempt", "toolgate")]) {
    expect(span).toMatchObject({
      status: ERROR,
      attributes: { "error.type": "tool_error", "toolgate.reason": "TOOL_ERROR", "toolgate.call.end": "tool_error" },
    });
  }
  expect(collector.bodies.join()).not.toContain("canary-message");
});

test("a refusal is an error of the call's admission", async () => {
  const { traceId, traceparent } = sampledContext();
  await withClient(0, (client) =>
    expect(client.invoke("traced", "absent", {}, { traceparent })).rejects.toMatchObject({ reason: "UNKNOWN_TOOL" }),
  );
  const spans = await collector.trace(traceId, 2);
  for (const name of ["execute_tool absent", "admit"]) {
    expect(find(spans, name, "toolgate")).toMatchObject({
      status: ERROR,
      attributes: { "error.type": "UNKNOWN_TOOL" },
    });
  }
});

test("a call that its agent does not wait for is traced to its end", async () => {
  const [told] = (await runAgent([{ tool: "tell", detached: true }])) as [Told];
  const spans = await collector.trace(told.traceId, 8);
  const call = find(spans, "execute_tool tell", "toolgate");
  expect(call.attributes).toMatchObject({ "rpc.method": "toolgate.v1.Gateway/CallTool" });
  expect(find(spans, "attempt", "toolgate").parentSpanId).toBe(call.spanId);
});

test("a call's own context counts, and the one of the request that brought it is linked", async () => {
  const [own, transport] = [sampledContext(), sampledContext()];
  const wire = wireTo(node(0));
  try {
    const metadata = new Metadata();
    metadata.set("traceparent", transport.traceparent);
    const call = { toolset: "traced", tool: "tell", meta: { traceparent: own.traceparent } };
    await ask((cb) => wire.gateway.invoke({ call }, metadata, cb));
  } finally {
    wire.close();
  }
  const spans = await collector.trace(own.traceId, 6);
  expect(find(spans, "execute_tool tell", "toolgate")).toMatchObject({
    parentSpanId: own.spanId,
    links: [{ traceId: transport.traceId, spanId: transport.spanId }],
    attributes: { "rpc.method": "toolgate.v1.Gateway/Invoke" },
  });
  expect(collector.spans.filter(({ traceId }) => traceId === transport.traceId)).toEqual([]);
});

test("what is not sampled has no span anywhere, and what the tool does has none either", async () => {
  const calls = [{ tool: "tell", sampled: false }, { tool: "tell" }];
  const [unsampled, sampled] = (await runAgent(calls)) as [Told, Told];
  expect(unsampled.answer?.traceparent).toMatch(new RegExp(`^00-${unsampled.traceId}-[0-9a-f]{16}-00$`));
  expect(unsampled.answer?.own).toBe(false);
  // Without any context there is none.
  const bare = await withClient(0, (client) => client.invoke<NonNullable<Told["answer"]>>("traced", "tell"));
  expect(bare.traceparent).toBeUndefined();
  const { traceId, spanId } = sampledContext();
  await withClient(0, (client) => client.invoke("traced", "tell", {}, { traceparent: `00-${traceId}-${spanId}-00` }));
  // What came later has arrived; so had these.
  const last = sampledContext();
  await withClient(0, (client) => client.invoke("traced", "tell", {}, { traceparent: last.traceparent }));
  await collector.trace(sampled.traceId, 8);
  await collector.trace(last.traceId, 6);
  for (const trace of [unsampled.traceId, traceId]) {
    expect(collector.spans.filter((span) => span.traceId === trace)).toEqual([]);
  }
  const untraced = (span: ReceivedSpan) => span.parentSpanId === "" && span.name !== "turn" && span.name !== "own work";
  expect(collector.spans.filter(untraced)).toEqual([]);
});

test("a node begins traces of its own for the share of calls that it is told", async () => {
  await withClient(2, (client) => client.invoke("traced", "tell", {}, { toolCallId: "by-chance" }));
  const spans = await collector.traceWith("gen_ai.tool.call.id", "by-chance", 6);
  expect(find(spans, "execute_tool tell", "toolgate").parentSpanId).toBe("");
  expect(find(spans, "own work", "provider").traceId).toBe(spans[0]?.traceId);
});

test("another attempt is another span below the same one, and says so", async () => {
  const second = startProgram(process.execPath, [APPLICATION, "provider", node(2), collector.url]);
  const { traceId, traceparent } = sampledContext();
  try {
    await second.says(/serving/);
    await withClient(0, async (client) => {
      const answer = client.invoke("traced", "hang", {}, { traceparent });
      const holder = await until("a provider has it", async () => {
        for await (const { claim } of client.listCalls({ toolset: "traced", state: "claimed" })) return claim?.provider;
        return undefined;
      });
      const [lost, other] = holder === `p-${provider.pid}` ? [provider, second] : [second, provider];
      lost.signal("SIGKILL");
      await lost.ended;
      provider = other;
      expect(await answer).toBe(2);
    });
  } finally {
    if (provider !== second) second.signal("SIGKILL");
  }
  const spans = await collector.trace(traceId, 6);
  const call = find(spans, "execute_tool hang", "toolgate");
  const attempts = spans.filter(({ name }) => name === "attempt").sort((a, b) => a.startMs - b.startMs);
  expect(attempts).toMatchObject([
    {
      parentSpanId: call.spanId,
      status: ERROR,
      attributes: { "error.type": "provider_detached", "toolgate.attempt": 1 },
    },
    {
      ...{ parentSpanId: call.spanId, status: 0, attributes: { "toolgate.call.end": "result", "toolgate.attempt": 2 } },
      events: [{ name: "toolgate.redelivered", attributes: { "toolgate.attempt": 2 } }],
    },
  ]);
  expect(find(spans, "execute_tool hang", "provider").parentSpanId).toBe(attempts[1]?.spanId);
});

test("a node's log lines about a call have its trace id", async () => {
  const held = gate();
  const running = gate();
  const run = async () => {
    running.open();
    await held.passed;
    return 1;
  };
  const serving = await serveToolset(
    {
      ...{ name: "held", version: "1.0.0", description: "Waits." },
      tools: { wait: defineTool({ description: "Waits.", payload: Type.Object({}), result: Type.Number(), run }) },
    },
    { nodes: node(1) },
  );
  const { traceId, traceparent } = sampledContext();
  await withClient(0, async (client) => {
    const answer = client.invoke("held", "wait", {}, { traceparent }).catch(() => {});
    await running.passed;
    await redis.kill();
    held.open();
    const line = await until("it says that it could not end the call", () =>
      cluster.output(1).find((said) => said.includes('"complete_failed"')),
    );
    expect(JSON.parse(line)).toMatchObject({ trace_id: traceId, call: expect.any(String) });
    await redis.restart();
    await answer;
  });
  await serving.stop();
});
