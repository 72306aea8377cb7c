import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connect, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { ask } from "../front/grpc/ask.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectKeysToExpire, expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { json, specOf, wireTo } from "./wire.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let client: Toolgate;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 2, config: { ...FAST, maxAttempts: 1 } });
  client = await connect(cluster.nodes);
});
afterAll(async () => {
  await client?.close();
  await cluster?.stop();
  await redis?.stop();
});

/** A toolset whose one tool answers, or is held until its provider goes. */
function serve(hold: boolean, started: () => void = () => {}) {
  const tool = {
    payload: Type.Object({ n: Type.Integer() }),
    idempotent: true,
    run: async ({ n }: { n: number }) => {
      started();
      if (hold) await new Promise(() => {});
      return n * 2;
    },
  };
  return serveToolset({ name: "frail", version: "1.0.0", tools: { double: tool } }, { nodes: cluster.nodes });
}

/** Makes a call that is given up, and returns its id. */
async function die(n: number): Promise<string> {
  let running = false;
  const provider = await serve(true, () => {
    running = true;
  });
  const { callId } = await client.call("frail", "double", { n }, { wait: true });
  await until("it runs", () => running);
  await provider.stop({ graceMs: 0 });
  await until("it was given up", async () => (await client.getCall(callId)).terminal?.kind === "attempts_exhausted");
  return callId;
}

const dead = async () => {
  const calls = [];
  for await (const call of client.deadCalls("frail")) calls.push(call);
  return calls;
};

test("an idempotent call that was given up is listed, shown, made again once, and purged", async () => {
  const first = await die(1);
  const second = await die(2);
  const calls = await dead();
  expect(calls.map(({ callId }) => callId)).toEqual([second, first]);
  expect(calls[0]).toMatchObject({ toolset: "frail", tool: "double", reason: "ATTEMPTS_EXHAUSTED", attempts: 1 });
  const [latest, oldest] = calls;
  if (latest === undefined || oldest === undefined) throw new Error("two were listed");
  expect(await client.getDeadCall("frail", oldest.id)).toMatchObject({ callId: first, payload: { n: 1 } });

  const handle = await client.redrive("frail", oldest.id);
  const provider = await serve(false);
  const events = [];
  for await (const event of client.follow(handle.callId)) events.push(event);
  expect(events).toMatchObject([{ kind: "terminal", terminal: { kind: "result", result: 2 } }]);
  await provider.stop();
  await expect(client.redrive("frail", oldest.id)).rejects.toMatchObject({ reason: "UNKNOWN_CALL" });
  expect((await dead()).map(({ id }) => id)).toEqual([latest.id]);

  const inspector = redis.client();
  await expectKeysToExpire(inspector);
  inspector.disconnect();
  expect(await client.purgeDeadCalls("frail", [latest.id])).toBe(1);
  expect(await dead()).toEqual([]);
});

test("making a call again, when it is not known that it was done, does not run it twice; its agent gave no ids", async () => {
  let running = false;
  const lost = await serve(true, () => {
    running = true;
  });
  const wire = wireTo(cluster.addresses[0] ?? "");
  onTestFinished(() => wire.close());
  const call = specOf("frail", "double", { payloadJson: json({ n: 4 }), wait: "WAIT_POLICY_WAIT" });
  await ask((cb) => wire.gateway.callTool({ call }, cb));
  await until("it runs", () => running);
  await lost.stop({ graceMs: 0 });
  const [given] = await until("it was given up", async () => {
    const calls = await dead();
    return calls.length === 1 && calls;
  });
  let runs = 0;
  const provider = await serve(false, () => {
    runs++;
  });
  await until("it can be called", async () => (await client.get("frail")).healthy);

  const inspector = redis.client();
  const key = "toolgate:{default/0}:dead:frail";
  const kept = await inspector.dumpBuffer(key);
  const first = await client.redrive("frail", given?.id ?? "");
  await until("it ran", async () => (await client.getCall(first.callId)).terminal?.kind === "result");
  await inspector.restore(key, 0, kept, "REPLACE"); // as if the node had ended before it forgot the dead call
  inspector.disconnect();
  expect((await client.redrive("frail", given?.id ?? "")).callId).toBe(first.callId);
  expect((await client.getCall(first.callId)).terminal?.kind).toBe("result");
  expect(runs).toBe(1);
  expect(await dead()).toEqual([]);
  await provider.stop();
});

test("the command line does the same", async () => {
  const callId = await die(3);
  const toolgate = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      "dist/cmd/toolgate.js",
      "dead",
      ...args,
      "--nodes",
      cluster.nodes,
      "--json",
    ]);
    return JSON.parse(stdout);
  };
  const listed = await toolgate("list", "frail");
  expect(listed).toMatchObject([{ callId, tool: "double", attempts: 1 }]);
  expect(await toolgate("show", "frail", listed[0].id)).toMatchObject({ callId, payload: { n: 3 } });
  expect(await toolgate("purge", "frail", "--all")).toEqual({ toolset: "frail", purged: 1 });
  expect(await toolgate("list", "frail")).toEqual([]);
});

test("bad names and places are refused", async () => {
  await expect(client.getDeadCall("frail", "nonsense")).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
  await expect(client.getDeadCall("frail", "1-1")).rejects.toMatchObject({ reason: "UNKNOWN_CALL" });
  await expect(client.purgeDeadCalls("Bad Name")).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
});
