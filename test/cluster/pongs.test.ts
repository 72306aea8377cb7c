import { beforeAll, expect, test } from "vitest";
import type { GetToolsetResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { Hello } from "../../src/protocol/generated/toolgate/v1/Hello.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import {
  attach,
  callable,
  contractNamed,
  openAgentSession,
  type ProviderStream,
  provide,
  registerOn,
  specOf,
  terminalOf,
  type Wire,
  wiredCluster,
} from "./wire.js";

expectNoLeaks();

const { wires } = wiredCluster(FAST);
let a: Wire;
let b: Wire;
let c: Wire;
beforeAll(() => {
  [a, b, c] = wires();
});

const callsOf = (stream: ProviderStream) => stream.all(({ calls }) => calls);
const pingsOf = (stream: ProviderStream) => stream.all(({ pings }) => pings);
const roomOf = async (wire: Wire, name: string) => {
  const { epochs } = await ask<GetToolsetResponse__Output>((cb) => wire.catalog.getToolset({ name }, cb));
  return epochs[0]?.health?.room;
};

/** A replica that answers heartbeats and no pings, until `pong` is said. */
async function joinSilently(wire: Wire, name: string, more: Partial<Hello> = {}) {
  const { lease } = await registerOn(wire, { contract: contractNamed(name), providerId: "silent" });
  const stream = attach(wire, { lease, maxInFlight: 100, ...more }, { answerPings: false });
  await until("it is attached and pinged", () => pingsOf(stream).length > 0);
  return { lease, stream, pong: () => stream.send({ pongs: [{ nonce: "attach" }] }) };
}

test("a provider that never ponged gets no calls under the wait policy either; with its first pong it gets them", async () => {
  const { stream, pong } = await joinSilently(a, "waiting");
  const session = openAgentSession(a);
  const call = specOf("waiting", "echo", { wait: "WAIT_POLICY_WAIT" });
  session.send({ calls: [1, 2, 3].map((ref) => ({ ref, call, wantHandle: true })) });
  await until("all were admitted", () => session.all(({ accepted }) => accepted).length === 3);
  await until("more pings came", () => pingsOf(stream).length > 3);
  expect(callsOf(stream)).toEqual([]);
  pong();
  await until("all came", () => callsOf(stream).length === 3);
});

test("a waiting call that nobody who pongs comes for ends at its deadline, not run", async () => {
  const { stream } = await joinSilently(a, "expiring");
  const session = openAgentSession(b);
  session.send({
    calls: [{ ref: 1, call: specOf("expiring", "echo", { wait: "WAIT_POLICY_WAIT", timeoutMs: 1_500 }) }],
  });
  expect(await terminalOf(session, 1)).toMatchObject({ kind: "TERMINAL_KIND_NOT_EXECUTED", executed: "EXECUTED_NO" });
  expect(callsOf(stream)).toEqual([]);
});

test("a silent replica of a healthy epoch gets none of its calls, on whichever node it is, and its room does not count", async () => {
  const good = await provide(a, [a, b, c], contractNamed("joined"), { maxInFlight: 50 });
  const silent = await Promise.all(
    [a, b].map(async (wire, index) => {
      const { lease } = await registerOn(wire, { contract: contractNamed("joined"), providerId: `silent-${index}` });
      const stream = attach(wire, { lease, maxInFlight: 100 }, { answerPings: false });
      await until("it is attached and pinged", () => pingsOf(stream).length > 0);
      return stream;
    }),
  );
  const sessions = [a, b, c].map((wire) => openAgentSession(wire));
  for (const session of sessions)
    session.send({ calls: Array.from({ length: 15 }, (_, ref) => ({ ref, call: specOf("joined") })) });
  const calls = await good.given(45);
  for (const call of calls) good.finish(call, 1);
  await until("all have ended", () =>
    sessions.every((session) => session.all(({ terminals }) => terminals).length === 15),
  );
  expect(silent.flatMap(callsOf)).toEqual([]);
  expect(await roomOf(c, "joined")).toBe(50);
});

test("one that misses its pings while another answers is taken out alone, and comes back with a pong", async () => {
  const good = await provide(a, [a], contractNamed("quiet"), { maxInFlight: 50 });
  const { stream, pong } = await joinSilently(b, "quiet", { maxInFlight: 30 });
  pong();
  await until("its room counts", async () => (await roomOf(c, "quiet")) === 80);
  await until("its room counts no more", async () => (await roomOf(c, "quiet")) === 50);
  const session = openAgentSession(b);
  session.send({ calls: Array.from({ length: 10 }, (_, ref) => ({ ref, call: specOf("quiet") })) });
  await good.given(10);
  expect(callsOf(stream)).toEqual([]);
  pong();
  await until("its room counts again", async () => (await roomOf(c, "quiet")) === 80);
  session.send({ calls: Array.from({ length: 60 }, (_, ref) => ({ ref: 100 + ref, call: specOf("quiet") })) });
  await until("it got calls", () => callsOf(stream).length > 0);
});

test("an epoch that only a silent provider is left of is unhealthy at once, whoever ponged before", async () => {
  const good = await provide(a, [a, b], contractNamed("left"));
  await joinSilently(b, "left");
  await ask((cb) => a.registry.release({ lease: good.lease }, cb));
  const error = await until("a call is refused", () =>
    refusal((cb) => b.gateway.callTool({ call: specOf("left") }, cb)).catch(() => undefined),
  );
  expect(error).toMatchObject({ reason: "NO_HEALTHY_PROVIDER", executed: "no" });
});

test("a pong outside of the session counts for it, at whichever node", async () => {
  const { lease, stream } = await joinSilently(a, "unary-pong");
  const session = openAgentSession(a);
  session.send({ calls: [{ ref: 1, call: specOf("unary-pong", "echo", { wait: "WAIT_POLICY_WAIT" }) }] });
  await ask((cb) => c.registry.pong({ lease }, cb));
  await until("the call came", () => callsOf(stream).length === 1);
  await callable("unary-pong", [b]);
});

test("a provider that answers all of its pings outside of the session gets calls for as long as it does", async () => {
  const { lease, stream } = await joinSilently(a, "unary-pongs");
  for (let answered = 0; answered < 3 * Number(FAST.missedPings); ) {
    const pings = await until("it is pinged", () => {
      const count = pingsOf(stream).length;
      return count > answered && count;
    });
    await ask((cb) => c.registry.pong({ lease }, cb));
    answered = pings;
  }
  const session = openAgentSession(b);
  session.send({ calls: [{ ref: 1, call: specOf("unary-pongs", "echo", { wait: "WAIT_POLICY_WAIT" }) }] });
  await until("the call came", () => callsOf(stream).length === 1);
  expect(await roomOf(c, "unary-pongs")).toBe(100);
  expect(stream.all(({ ready }) => (ready === null ? [] : [ready]))).toHaveLength(1);
});
