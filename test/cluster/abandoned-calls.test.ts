import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { CallSpec } from "../../src/protocol/generated/toolgate/v1/CallSpec.js";
import { TcpProxy } from "../../tools/chaos/tcp-proxy.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import {
  callable,
  contractNamed,
  openAgentSession,
  provide,
  type RawProvider,
  specOf,
  terminalOf,
  type Wire,
  wireTo,
} from "./wire.js";

/*
 * Agents that go while their node cannot hear Redis: what ends with its agent is cancelled when it can again. The provider is
 * attached to another node, which sees no fault.
 */

expectNoLeaks();

let redis: TestRedis;
let proxy: TcpProxy;
let cluster: Cluster;
/** The provider's node. */
let whole: Wire;
/** The agents' node, whose Redis is behind the proxy. */
let shaken: Wire;
let tests = 0;
let name: string;
let provider: RawProvider;

beforeAll(async () => {
  redis = await privateRedis();
  proxy = new TcpProxy(() => Number(new URL(redis.url).port));
  await proxy.start();
  // A claim outlives the outage: an end by itself would look like a cancellation.
  cluster = await startCluster({ nodes: 1, redis, config: { ...FAST, claimLeaseOnceMs: 60_000 } });
  await cluster.add({ redisUrl: `redis://${proxy.address}` });
  const [first = "", second = ""] = cluster.addresses;
  [whole, shaken] = [wireTo(first), wireTo(second)];
});
afterAll(async () => {
  whole?.close();
  shaken?.close();
  await cluster?.stop();
  await proxy?.stop();
  await redis?.stop();
});
beforeEach(async () => {
  name = `abandoned-${++tests}`;
  proxy.set("pass");
  await until("the node hears Redis", async () => (await lookUp()).reason !== "STORE_UNAVAILABLE");
  provider = await provide(whole, [whole, shaken], contractNamed(name));
  // From here on Redis knows the scripts: a node that does not hear that it does not could not send them.
  const first = ask((cb) => shaken.gateway.invoke({ call: call() }, cb));
  const [given] = await provider.given(1);
  if (given !== undefined) provider.finish(given, 1);
  await first;
});

const ENDS_WITH_AGENT = { onDisconnect: "ON_DISCONNECT_CANCEL" } as const;
const call = (more: Partial<CallSpec> = ENDS_WITH_AGENT): CallSpec => specOf(name, "echo", more);
const cancelled = (callId: string) =>
  provider.stream.all(({ cancels }) => cancels).some((cancel) => cancel.callId === callId);

/** What an agent asks of the shaken node: it has seen by then what came over the same connection before. */
const lookUp = () => refusal((cb) => shaken.gateway.getCall({ callId: `0.${"A".repeat(22)}` }, cb));

/** The call that reached Redis and its provider, although its node heard no answer. */
async function unheard(): Promise<string> {
  const [, given] = await provider.given(2);
  if (given === undefined) throw new Error("no call came");
  return given.callId;
}

test("a session's call whose admission was not heard is cancelled, though its agent has gone before that is known", async () => {
  const session = openAgentSession(shaken);
  proxy.set("mute");
  session.send({ calls: [{ ref: 1, call: call() }] });
  const callId = await unheard();
  session.cut();
  expect((await lookUp()).reason).toBe("STORE_UNAVAILABLE");
  proxy.set("pass");
  await until("it is cancelled", () => cancelled(callId));
});

test("a session's call that its agent was told to be unknown is cancelled when the agent goes, and not before", async () => {
  const session = openAgentSession(shaken);
  proxy.set("mute");
  session.send({
    calls: [
      { ref: 1, call: call() },
      { ref: 2, call: call({ onDisconnect: "ON_DISCONNECT_CONTINUE" }) },
    ],
  });
  await provider.given(3);
  const ends = [await terminalOf(session, 1), await terminalOf(session, 2)];
  expect(ends).toMatchObject([{ executed: "EXECUTED_UNKNOWN" }, { executed: "EXECUTED_UNKNOWN" }]);
  const [first = "", second = ""] = ends.map(({ callId }) => callId);
  expect(cancelled(first)).toBe(false);
  proxy.set("pass");
  session.cut();
  await until("it is cancelled", () => cancelled(first));
  expect(cancelled(second)).toBe(false);
});

test("an Invoke that nobody can ask for again is cancelled when its admission was not heard", async () => {
  proxy.set("mute");
  const asked = refusal((cb) => shaken.gateway.invoke({ call: call() }, cb));
  const callId = await unheard();
  expect(await asked).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
  proxy.set("pass");
  await until("it is cancelled", () => cancelled(callId));
});

test("an Invoke that can be asked for again is not: the repeat gets its end", async () => {
  const repeatable = call({ meta: { runId: name, toolCallId: "c" } });
  proxy.set("mute");
  const asked = refusal((cb) => shaken.gateway.invoke({ call: repeatable }, cb));
  const callId = await unheard();
  expect((await asked).executed).toBe("unknown");
  proxy.set("pass");
  await callable(name, [shaken]);
  const again = ask((cb) => whole.gateway.invoke({ call: repeatable }, cb));
  provider.finish({ callId, attempt: 1 }, "once");
  expect(await again).toMatchObject({ handle: { callId }, terminal: { kind: "TERMINAL_KIND_RESULT" } });
  expect(cancelled(callId)).toBe(false);
});

test("calls that run while their agents go and Redis is away are cancelled when it is back", async () => {
  const session = openAgentSession(shaken);
  session.send({ calls: [{ ref: 1, call: call() }] });
  const invoked = shaken.gateway.invoke({ call: call() }, () => {});
  const [, ...given] = await provider.given(3);
  proxy.set("refuse");
  session.cut();
  invoked.cancel();
  expect((await lookUp()).reason).toBe("STORE_UNAVAILABLE");
  proxy.set("pass");
  for (const { callId } of given) await until("it is cancelled", () => cancelled(callId));
});
