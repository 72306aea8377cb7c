import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { OPEN_ACCESS } from "../../../src/access/open-access.js";
import { deferred } from "../../../src/async/deferred.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { AgentSession } from "../../../src/front/services/agent-session.js";
import type { GatewayParts } from "../../../src/gateway/gateway-parts.js";
import type { PayloadCaller } from "../../../src/gateway/validate-payload.js";
import { parseRegistryName } from "../../../src/identity/names.js";
import { ANONYMOUS } from "../../../src/identity/principal.js";
import { TextReader } from "../../../src/json/text-reader.js";
import type { SessionRequest__Output } from "../../../src/protocol/generated/toolgate/v1/SessionRequest.js";
import type { SessionResponse } from "../../../src/protocol/generated/toolgate/v1/SessionResponse.js";
import { createKeyspace } from "../../../src/redis/keys.js";
import type { AdmissionAnswer } from "../../../src/store/calls/admit.js";
import { parseHead } from "../../../src/store/calls/call-record.js";
import { until } from "../../support/until.js";

test("a session that is over ends its stream when a slow reader has been sent all of it", async () => {
  const room = deferred();
  const frames: SessionResponse[] = [];
  let ended = 0;
  const parts: Pick<GatewayParts, "enter"> = {
    enter: () => {
      throw new ToolgateError("LIMIT_EXCEEDED", "too many calls");
    },
  };
  const session = new AgentSession({
    parts: parts as GatewayParts, // a call that is refused at once needs no more
    caller: { principal: ANONYMOUS, access: OPEN_ACCESS },
    peer: "peer",
    sink: {
      send: (frame) => {
        frames.push(frame);
        return false;
      },
      drained: () => room.promise,
      holds: () => {},
    },
    budgetBytes: 1_000_000,
    fail: () => {},
    end: () => ended++,
  });
  session.onFrame({ calls: [{ ref: 1, call: null }], cancels: [] } as unknown as SessionRequest__Output); // as it is decoded
  session.goAway();
  expect(frames).toMatchObject([{ terminals: [{ ref: 1 }] }]);
  expect(ended, "ended while a frame waits").toBe(0);
  room.resolve();
  await until("the stream has ended", () => ended === 1);
  expect(frames).toMatchObject([{}, { goAway: true }]);
});

test("a call that runs does not hold on to its payload", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const head = parseHead(`big echo 1 ${"d".repeat(64)} once 1 1`);
  const answer: AdmissionAnswer = { kind: "repeated", head, ending: undefined };
  const parts = {
    enter: () => () => {},
    awaiting: { notifications: { watch: () => ({ stop: () => {} }) }, clock: { nowMs: () => 0 }, monotonicMs: () => 0 },
    placing: {
      // It knows no toolset, and finds the call that the same request made before: this is all that takes.
      catalog: { get: () => undefined, all: () => [], damageOf: () => undefined, refresh: async () => {} },
      keyspace: createKeyspace(parseRegistryName("default", "registry"), 1),
      admissions: { admit: async () => answer },
      texts: new TextReader({ monotonicMs: () => performance.now() }),
      maxPayloadBytes: 1_000_000,
    },
  };
  const accepted: unknown[] = [];
  const session = new AgentSession({
    parts: parts as unknown as GatewayParts, // as said above
    caller: { principal: ANONYMOUS, access: OPEN_ACCESS },
    peer: "peer",
    sink: { send: (frame) => accepted.push(...(frame.accepted ?? [])) > 0, drained: async () => {}, holds: () => {} },
    budgetBytes: 1_000_000,
    fail: () => {},
    end: () => {},
  });
  function call(): WeakRef<Buffer> {
    const payloadJson = Buffer.from(JSON.stringify("x".repeat(100_000)));
    const meta = { runId: "r", toolCallId: "c" };
    const wire = { toolset: "big", tool: "echo", payloadJson, meta, expectDigest: "", timeoutMs: 0 };
    const frame = { calls: [{ ref: 1, call: wire, wantHandle: true, wantDeltas: false }], cancels: [] };
    session.onFrame(frame as unknown as SessionRequest__Output); // as it is decoded
    return new WeakRef(payloadJson);
  }
  const payload = call();
  await until("the call runs", () => accepted.length === 1);
  await until("its payload is gone", () => {
    collect();
    return payload.deref() === undefined;
  });
});

/** A session with one call, number 1, whose payload is checked until its caller does not want it any more. */
async function checking() {
  const frames: SessionResponse[] = [];
  const asked: PayloadCaller[] = [];
  const payloads = {
    check: (_epoch: unknown, _tool: unknown, _payload: unknown, caller: PayloadCaller) => {
      asked.push(caller);
      const unavailable = new ToolgateError("VERDICT_UNAVAILABLE", "nothing waits for it any more");
      return new Promise((_resolve, reject) =>
        caller.presence.signal.addEventListener("abort", () => reject(unavailable)),
      );
    },
  };
  const epoch = {
    toolset: "box",
    epoch: 1,
    digest: "d",
    facts: () => ({ tags: [] }),
    tool: () => ({ name: "tool", delivery: "once" }),
  };
  const parts = {
    enter: () => () => {},
    awaiting: {
      notifications: { watch: () => {}, unwatch: () => {} },
      clock: { nowMs: () => 0 },
      monotonicMs: () => 0,
    },
    placing: {
      catalog: { get: () => ({ active: epoch, candidate: undefined, retiring: [], epochs: [epoch] }) },
      keyspace: createKeyspace(parseRegistryName("default", "registry"), 1),
      randomBytes: Buffer.alloc,
      payloads,
      texts: new TextReader({ monotonicMs: () => performance.now() }),
      maxPayloadBytes: 1_000,
      defaultTimeoutMs: 30_000,
    },
  };
  const session = new AgentSession({
    parts: parts as unknown as GatewayParts, // all that a call needs up to its check
    caller: { principal: ANONYMOUS, access: OPEN_ACCESS },
    peer: "peer",
    sink: { send: (frame) => frames.push(frame) > 0, drained: async () => {}, holds: () => {} },
    budgetBytes: 1_000_000,
    fail: () => {},
    end: () => {},
  });
  const wire = {
    toolset: "box",
    tool: "tool",
    payloadJson: Buffer.from("{}"),
    meta: null,
    expectDigest: "",
    timeoutMs: 0,
  };
  const frame = { calls: [{ ref: 1, call: wire, wantHandle: false, wantDeltas: false }], cancels: [] };
  session.onFrame(frame as unknown as SessionRequest__Output); // as it is decoded
  await until("it is checked", () => asked.length === 1);
  return { session, frames, asked };
}

test("the check of a payload is told of its caller, and that the caller has gone", async () => {
  const { session, frames, asked } = await checking();
  expect(asked).toMatchObject([{ share: "peer", answerWithinMs: 30_000 }]);
  expect(asked[0]?.presence.signal.aborted).toBe(false);
  session.close();
  expect(asked[0]?.presence.signal.aborted).toBe(true);
  expect(frames).toEqual([]);
});

test("a call that is cancelled while its payload is checked ends at once, and did not run", async () => {
  const { session, frames } = await checking();
  session.onFrame({ calls: [], cancels: [{ ref: 1 }] } as unknown as SessionRequest__Output); // as it is decoded
  await until("it has ended", () => frames.length === 1);
  const terminal = { kind: "TERMINAL_KIND_REJECTED", executed: "EXECUTED_NO", error: { reason: "CANCELLED" } };
  expect(frames).toMatchObject([{ terminals: [{ ref: 1, terminal }] }]);
});
