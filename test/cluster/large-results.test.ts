import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connect, serveToolset, type Toolgate, Type } from "../../src/index.js";
import type { CallToolResponse__Output } from "../../src/protocol/generated/toolgate/v1/CallToolResponse.js";
import type { FollowCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/FollowCallResponse.js";
import type { SessionResponse__Output } from "../../src/protocol/generated/toolgate/v1/SessionResponse.js";
import { ask } from "../front/grpc/ask.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { STEADY } from "./fast.js";
import { gate } from "./tools.js";
import { contractNamed, json, provide, specOf, wireTo } from "./wire.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let agent: Toolgate;
beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 1, config: STEADY });
  agent = await connect(cluster.nodes);
});
afterAll(async () => {
  await agent?.close();
  await cluster?.stop();
  await redis?.stop();
});

/** A busy machine takes its time for so much. */
const PATIENT = { withinMs: 50_000 };
const RESULT_BYTES = 1_000_000;
/** Both ends have buffers of sixteen frames of their own, beside what the session may owe. */
const CALLS = 75;

test("a session gets all results, though far more of them end than may wait for it before it reads on", async () => {
  const held = gate();
  let runs = 0;
  const text = "x".repeat(RESULT_BYTES - 2);
  const run = async () => {
    runs++;
    await held.passed;
    return text;
  };
  const provider = await serveToolset(
    { name: "big", version: "1.0.0", tools: { wait: { payload: Type.Object({}), run } } },
    { nodes: cluster.nodes, maxInFlight: 100 },
  );
  await until("it can be called", async () => (await agent.get("big")).healthy);
  const wire = wireTo(cluster.nodes);
  const session = wire.gateway.session();
  const sizes: (number | undefined)[] = [];
  const errors: unknown[] = [];
  session.on("error", (error) => errors.push(error));
  session.on("data", (frame: SessionResponse__Output) => {
    for (const { terminal } of frame.terminals) sizes.push(terminal?.resultJson.length);
  });
  session.pause();
  session.write({ calls: Array.from({ length: CALLS }, (_, ref) => ({ ref, call: specOf("big", "wait") })) });
  await until("all run", () => runs === CALLS);
  held.open();
  const client = redis.client();
  await until("all have ended", async () => (await client.zcount("toolgate:{default/0}:due", 0, 1e15)) === 0, PATIENT);
  session.resume();
  await until("all were told", () => sizes.length === CALLS || errors.length > 0, PATIENT);
  expect(errors).toEqual([]);
  expect(new Set(sizes)).toEqual(new Set([RESULT_BYTES]));
  session.cancel();
  wire.close();
  await provider.stop();
});

test("a reader that comes late gets all output and then the end, though together they are larger than any message may be", async () => {
  const wire = wireTo(cluster.nodes);
  onTestFinished(() => wire.close());
  const provider = await provide(wire, [wire], contractNamed("much"));
  const { handle } = await ask<CallToolResponse__Output>((cb) => wire.gateway.callTool({ call: specOf("much") }, cb));
  const [call] = await provider.given(1);
  if (call === undefined) throw new Error("no call came");
  const { callId, attempt } = call;
  // Long pieces are read in steps; short ones behind them are not to come first.
  const sent = Array.from({ length: 120 }, (_, index) =>
    json(String(index).padEnd(index % 3 === 2 ? 10 : 150_000, "x")),
  );
  for (const dataJson of sent) provider.stream.send({ deltas: [{ callId, attempt, dataJson }] });
  provider.finish(call, "y".repeat(RESULT_BYTES));
  await until("it was settled", () => provider.stream.all(({ settled }) => settled).length === 1);
  const read: Buffer[] = [];
  const results: (number | undefined)[] = [];
  const errors: unknown[] = [];
  const reader = wire.gateway.followCall({ callId: handle?.callId ?? "" });
  reader.on("error", (error) => errors.push(error));
  reader.on("data", ({ deltas, terminal }: FollowCallResponse__Output) => {
    read.push(...deltas.map(({ dataJson }) => dataJson));
    if (terminal !== null) results.push(terminal.resultJson.length);
  });
  await until("it has ended", () => results.length > 0 || errors.length > 0, PATIENT);
  expect(errors).toEqual([]);
  expect(results).toEqual([RESULT_BYTES + 2]);
  expect(Buffer.concat(read).equals(Buffer.concat(sent))).toBe(true);
});
