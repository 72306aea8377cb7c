import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { beforeAll, describe, expect, test } from "vitest";
import type { GetCallResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetCallResponse.js";
import type { GetToolsetResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { Hello } from "../../src/protocol/generated/toolgate/v1/Hello.js";
import type { LeaseRef } from "../../src/protocol/generated/toolgate/v1/LeaseRef.js";
import type { PongResponse__Output } from "../../src/protocol/generated/toolgate/v1/PongResponse.js";
import type { RenewResponse__Output } from "../../src/protocol/generated/toolgate/v1/RenewResponse.js";
import { ask, refusal } from "../front/grpc/ask.js";
import { expectNoLeaks } from "../support/leaks.js";
import { monitorRedis } from "../support/redis-monitor.js";
import { expectWithin, spanOf } from "../support/redis-span.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import {
  attach,
  contractNamed,
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

const { redis, wires } = wiredCluster(FAST);
let client: Redis;
let a: Wire;
let b: Wire;
let c: Wire;
beforeAll(() => {
  client = redis().client();
  [a, b, c] = wires();
});

const getToolset = (wire: Wire, name: string) =>
  ask<GetToolsetResponse__Output>((cb) => wire.catalog.getToolset({ name }, cb));
const getCall = (wire: Wire, callId: string) =>
  ask<GetCallResponse__Output>((cb) => wire.gateway.getCall({ callId }, cb));
const activeHealth = async (wire: Wire, name: string) => (await getToolset(wire, name)).epochs[0]?.health;

describe("Register", () => {
  test("refuses the whole registration with each tool, path and reason, and stores nothing", async () => {
    const contract = contractNamed("refused", {
      tools: [
        { name: "fine", payloadSchemaJson: json({ type: "object" }) },
        { name: "typo", payloadSchemaJson: json({ type: "object", properties: { a: { type: "strnig" } } }) },
        { name: "two", payloadSchemaJson: json({ $ref: "#/nowhere" }), resultSchemaJson: json({ minimum: "1" }) },
      ],
    });
    const error = await refusal((cb) => a.registry.register({ contract, providerId: "p", incarnation: "i" }, cb));
    expect(error).toMatchObject({ reason: "INVALID_SCHEMA", executed: "no" });
    expect(error.violations.map(({ field }) => field)).toEqual([
      "/tools/two/payload_schema/$ref",
      "/tools/two/result_schema/minimum",
      "/tools/typo/payload_schema/properties/a/type",
    ]);
    for (const { description } of error.violations) expect(description).not.toBe("");
    const client = redis().client();
    expect(await client.hkeys("toolgate:{default/0}:toolsets")).not.toContain("refused");
    expect(await client.hexists("toolgate:{default/0}:epochs", "refused")).toBe(0);
    expect(await client.keys("*refused*")).toEqual([]);
    client.disconnect();
    expect(await refusal((cb) => a.catalog.getToolset({ name: "refused" }, cb))).toMatchObject({
      reason: "UNKNOWN_TOOLSET",
    });
  });

  test("leaves out what is invalid where it may, and replicas that register at once agree on the rest", async () => {
    const tools = [
      { name: "fine", payloadSchemaJson: json({ type: "object" }) },
      { name: "loose", payloadSchemaJson: json({}), resultSchemaJson: json({ enum: [], minimum: "1" }) },
      { name: "old", payloadSchemaJson: json({ properties: { a: { exclusiveMinimum: true } } }) },
      { name: "two words", payloadSchemaJson: json({}) },
    ];
    const contract = contractNamed("usable", { tools });
    expect(
      (await refusal((cb) => a.registry.register({ contract, providerId: "p", incarnation: "i" }, cb))).reason,
    ).toBe("INVALID_CONTRACT");
    const replicas = await Promise.all(
      [a, b, c, a].map((wire, index) =>
        registerOn(wire, { contract, providerId: `p${index}`, options: { skipInvalid: true } }),
      ),
    );
    expect(new Set(replicas.map(({ answer }) => `${answer.epoch} ${answer.digest}`)).size).toBe(1);
    for (const { answer } of replicas) {
      expect(answer.skipped).toMatchObject([
        { tool: "two words", resultSchemaOnly: false, violations: [{ field: "tools[3].name" }] },
        { tool: "loose", resultSchemaOnly: true },
        { tool: "old", resultSchemaOnly: false, violations: [{ field: expect.stringMatching(/exclusiveMinimum$/) }] },
      ]);
    }
    const served = await getToolset(b, "usable");
    expect(served.contract?.tools.map(({ name, resultSchemaJson }) => [name, String(resultSchemaJson)])).toEqual([
      ["fine", ""],
      ["loose", ""],
    ]);
    // The digest is that of the rest, registered by itself.
    const rest = contractNamed("usable", {
      tools: [
        { name: "fine", payloadSchemaJson: json({ type: "object" }) },
        { name: "loose", payloadSchemaJson: json({}) },
      ],
    });
    expect((await registerOn(c, { contract: rest, providerId: "p9" })).answer.digest).toBe(served.digest);
  });

  test("answers with epoch, digest, state, a secret token, the lease's length, the ping interval and the time", async () => {
    const contract = contractNamed("answers");
    const { value, ...span } = await spanOf(client, () => registerOn(a, { contract }));
    const first = value.answer;
    expect(first).toMatchObject({
      state: "EPOCH_STATE_ACTIVE",
      leaseMs: 3_000,
      pingIntervalMs: 200,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      leaseToken: expect.stringMatching(/^[A-Za-z0-9_-]{32}$/),
    });
    expectWithin(first.registeredAtMs, span);
    const second = (await registerOn(b, { contract, providerId: "p2" })).answer;
    expect(second).toEqual({ ...first, leaseToken: second.leaseToken });
    expect(second.leaseToken).not.toBe(first.leaseToken);
    const heard = await until("the third node has heard of it", () => getToolset(c, "answers"));
    expect(heard).toMatchObject({ epoch: first.epoch, digest: first.digest });
  });

  test("warns of what it ignores", async () => {
    const tools = [{ name: "t", payloadSchemaJson: json({ type: "object", propertees: {} }) }];
    const { answer } = await registerOn(a, { contract: contractNamed("warned", { tools }) });
    expect(answer.warnings).toMatchObject([{ tool: "t", path: expect.stringContaining("propertees") }]);
  });

  test.each([
    [{ options: { activateAt: 1.5 } }, "options.activate_at"],
    [{ options: { activateAt: -1 } }, "options.activate_at"],
    [{ options: { maxBacklog: 1_000_000 } }, "options.max_backlog"],
    [{ options: { retentionMs: 400 * 86_400_000 } }, "options.retention_ms"],
    [{ options: { retireAfterMs: 400 * 86_400_000 } }, "options.retire_after_ms"],
    [{ providerId: "" }, "provider_id"],
    [{ providerId: "a/b" }, "provider_id"],
    [{ incarnation: "" }, "incarnation"],
  ])("refuses %j, and names the field", async (more, field) => {
    const request = { contract: contractNamed("fields"), providerId: "p", incarnation: "i", ...more };
    const error = await refusal((cb) => a.registry.register(request, cb));
    expect(error).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field }] });
  });

  test("refuses a request without a contract", async () => {
    const error = await refusal((cb) => a.registry.register({ providerId: "p", incarnation: "i" }, cb));
    expect(error.reason).toBe("INVALID_CONTRACT");
  });
});

describe("a lease token", () => {
  test("is needed for whatever the provider does later: a forged one is refused, and changes nothing", async () => {
    const { lease, stream, given, finish } = await provide(a, [a, b], contractNamed("forged"));
    for (const leaseToken of ["forged", `${lease.leaseToken}x`, ""]) {
      const forged: LeaseRef = { ...lease, leaseToken };
      const reason = leaseToken === "" ? "INVALID_REQUEST" : "LEASE_LOST";
      expect((await refusal((cb) => a.registry.renew({ lease: forged }, cb))).reason).toBe(reason);
      expect((await refusal((cb) => b.registry.drain({ lease: forged }, cb))).reason).toBe(reason);
      expect((await refusal((cb) => a.registry.pong({ lease: forged }, cb))).reason).toBe(reason);
      expect((await attach(b, { lease: forged, maxInFlight: 1 }).ended)?.reason).toBe(reason);
      // On the very node that serves the session: it must not end.
      expect((await refusal((cb) => a.registry.release({ lease: forged }, cb))).reason).toBe(reason);
    }
    const session = openAgentSession(b);
    session.send({ calls: [{ ref: 1, call: specOf("forged") }] });
    const [call] = await given(1);
    if (call === undefined) throw new Error("no call came");
    finish(call, 1);
    expect(await terminalOf(session, 1)).toMatchObject({ kind: "TERMINAL_KIND_RESULT" });
    expect(stream.over).toBe(false);
  });

  test("is never sent to Redis, only its hash", async () => {
    using monitor = await monitorRedis(redis().url);
    const { lines } = monitor;
    const { lease } = await provide(a, [b], contractNamed("hashed"));
    await ask((cb) => b.registry.renew({ lease, maxInFlight: 2 }, cb));
    await ask((cb) => b.registry.pong({ lease }, cb));
    await ask((cb) => b.registry.drain({ lease }, cb));
    await ask((cb) => b.registry.release({ lease }, cb));
    const released = () => lines.some((line) => line.includes('"ZREM"') && line.includes("leases:hashed:"));
    await until("the monitor has told of the release", released);
    const hash = createHash("sha256")
      .update(lease.leaseToken ?? "")
      .digest("base64url");
    const sentBy = (command: string) => lines.some((line) => line.includes(command) && line.includes(hash));
    expect([sentBy('"EVALSHA"'), sentBy('"HSET"')], "to a script, which keeps it").toEqual([true, true]);
    expect(lines.filter((line) => line.includes(lease.leaseToken ?? ""))).toEqual([]);
  });

  test("of an earlier incarnation is refused, and its session is told to go for good", async () => {
    const contract = contractNamed("replaced");
    const first = await provide(a, [a], contract);
    await registerOn(b, { contract });
    expect(await refusal((cb) => a.registry.renew({ lease: first.lease }, cb))).toMatchObject({
      reason: "LEASE_LOST",
      metadata: { cause: "replaced" },
    });
    await first.stream.ended;
    expect(first.stream.frames.at(-1)?.goAway).toMatchObject({ reason: "GO_AWAY_REASON_REPLACED" });
  });
});

describe("unary calls of a provider without a session", () => {
  test("Pong keeps the epoch's health, Renew its lease, Drain takes it out of routing, Release ends it", async () => {
    const { lease } = await registerOn(a, { contract: contractNamed("unary") });
    const renewal = await spanOf(client, () =>
      ask<RenewResponse__Output>((cb) => b.registry.renew({ lease, maxInFlight: 7 }, cb)),
    );
    expectWithin(renewal.value.leaseUntilMs, renewal, 3_000);
    const { value: ponged, ...ponging } = await spanOf(client, () =>
      ask<PongResponse__Output>((cb) => c.registry.pong({ lease }, cb)),
    );
    expect(ponged.state).toBe("EPOCH_STATE_ACTIVE");
    const health = await until("it is healthy", async () => {
      const seen = await activeHealth(a, "unary");
      return seen?.healthy ? seen : undefined;
    });
    expect(health).toMatchObject({ room: 7 });
    expectWithin(health.lastPongMs, ponging);
    expectWithin(health.liveUntilMs, ponging, 3_000);

    await ask((cb) => b.registry.drain({ lease }, cb));
    await until("it is out of routing", async () => (await activeHealth(a, "unary"))?.healthy === false);
    expect(await refusal((cb) => b.gateway.callTool({ call: specOf("unary") }, cb))).toMatchObject({
      reason: "NO_HEALTHY_PROVIDER",
    });
    await ask((cb) => a.registry.renew({ lease }, cb));

    await ask((cb) => c.registry.release({ lease }, cb));
    expect((await refusal((cb) => a.registry.renew({ lease }, cb))).reason).toBe("LEASE_LOST");
    await ask((cb) => c.registry.release({ lease }, cb));
  });

  test("Renew names the calls in hand that are no longer the provider's", async () => {
    const { lease, given } = await provide(a, [a], contractNamed("fenced"));
    await ask((cb) => a.gateway.callTool({ call: specOf("fenced") }, cb));
    const [call] = await given(1);
    if (call === undefined) throw new Error("no call came");
    const { callId, attempt } = call;
    const made = "0.AAAAAAAAAAAAAAAAAAAAAA";
    const inHand = [
      { callId, attempt },
      { callId, attempt: attempt + 1 },
      { callId: made, attempt: 1 },
    ];
    const { fenced } = await ask<RenewResponse__Output>((cb) => b.registry.renew({ lease, inHand }, cb));
    expect(fenced).toEqual(inHand.slice(1));
  });

  test.each([
    [{ maxInFlight: 10_001 }, "max_in_flight"],
    [{ inHand: [{ callId: "x", attempt: 1 }] }, "in_hand.call_id"],
  ])("Renew refuses %j, and names the field", async (more, field) => {
    const { lease } = await registerOn(a, { contract: contractNamed("renewal") });
    const error = await refusal((cb) => a.registry.renew({ lease, ...more }, cb));
    expect(error).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field }] });
  });

  test("none of them goes without a lease", async () => {
    const { registry } = a;
    const refusals = [
      await refusal((cb) => registry.renew({}, cb)),
      await refusal((cb) => registry.drain({}, cb)),
      await refusal((cb) => registry.release({}, cb)),
      await refusal((cb) => registry.pong({}, cb)),
    ];
    for (const error of refusals) {
      expect(error).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field: "lease" }] });
    }
  });
});

describe("Attach", () => {
  test("wants hello in the first frame", async () => {
    const stream = attach(a, {}, { answerPings: false });
    stream.send({ pongs: [{ nonce: "x" }] });
    expect((await stream.ended)?.reason).toBe("INVALID_REQUEST");
    const { registry } = a;
    const raw = registry.attach();
    const code = new Promise((resolve) => raw.on("error", (error: { details: string }) => resolve(error.details)));
    raw.write({ heartbeat: { sequence: 1 } });
    expect(await code).toContain("hello must be in the first frame");
  });

  test.each([
    [{ maxInFlight: 0 }, "hello.max_in_flight"],
    [{ maxInFlight: 10_001 }, "hello.max_in_flight"],
    [{ lease: null }, "lease"],
    [{ inHand: [{ callId: "no", attempt: 1 }] }, "in_hand.call_id"],
  ] as [Partial<Hello>, string][])("refuses a hello with %j, and names the field", async (more, field) => {
    const { lease } = await registerOn(a, { contract: contractNamed("hello") });
    const error = await attach(a, { lease, maxInFlight: 1, ...more }).ended;
    expect(error).toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field }] });
  });

  test("answers with a welcome first, then with a ping at once", async () => {
    const { stream } = await provide(b, [a], contractNamed("welcomed"));
    expect(stream.frames[0]?.welcome).toMatchObject({
      state: "EPOCH_STATE_ACTIVE",
      heartbeatMs: 500,
      fenced: [],
      nodeId: expect.stringMatching(/^node-/),
    });
    expect(stream.frames.slice(1).every(({ welcome }) => welcome === null)).toBe(true);
    expect(stream.all(({ pings }) => pings)[0]).toEqual({ nonce: "attach" });
  });

  test("through another node takes the session over", async () => {
    const { lease, stream } = await provide(a, [a, b], contractNamed("moved"));
    const other = attach(b, { lease, maxInFlight: 10 });
    await until("the new session is open", () => other.frames.length > 0);
    await ask((cb) => a.gateway.callTool({ call: specOf("moved") }, cb));
    await until("its call came", () => other.all(({ calls }) => calls).length === 1);
    expect(await stream.ended).toBeUndefined();
    expect(stream.all(({ calls }) => calls)).toEqual([]);
  });

  test("frames carry many messages in both directions", async () => {
    const { stream, given } = await provide(a, [b], contractNamed("batched"));
    const session = openAgentSession(b);
    const count = 30;
    session.send({ calls: Array.from({ length: count }, (_, ref) => ({ ref, call: specOf("batched") })) });
    const calls = await given(count);
    expect(stream.frames.filter((frame) => frame.calls.length > 0).length).toBeLessThan(count / 2);
    stream.send({ results: calls.map(({ callId, attempt }, i) => ({ callId, attempt, resultJson: json(i) })) });
    await until("all have ended", () => session.all(({ terminals }) => terminals).length === count);
    expect(session.frames.filter(({ terminals }) => terminals.length > 0).length).toBeLessThan(count / 2);
    await until("all are settled", () => stream.all(({ settled }) => settled).length === count);
    expect(stream.frames.filter(({ settled }) => settled.length > 0).length).toBeLessThan(count / 2);
    expect(stream.all(({ settled }) => settled).every(({ accepted }) => accepted)).toBe(true);
  });

  test("never gives more calls than max_in_flight; each answer makes room for one", async () => {
    const { stream, given, calls, finish } = await provide(a, [a], contractNamed("narrow"), { maxInFlight: 2 });
    const session = openAgentSession(a);
    session.send({ calls: Array.from({ length: 6 }, (_, ref) => ({ ref, call: specOf("narrow"), wantHandle: true })) });
    await until("all were admitted", () => session.all(({ accepted }) => accepted).length === 6);
    for (let done = 0; done < 6; done++) {
      const given2 = await given(Math.min(6, done + 2));
      // Whatever the node had sent before it answered this has come.
      stream.send({ heartbeat: { sequence: 100 + done } });
      await until("the heartbeat was answered", () =>
        stream.frames.some(({ heartbeat }) => heartbeat?.reply === true && heartbeat.sequence === 100 + done),
      );
      expect(calls().length).toBeLessThanOrEqual(done + 2);
      const next = given2[done];
      if (next !== undefined) finish(next, done);
    }
    await until("all have ended", () => session.all(({ terminals }) => terminals).length === 6);
  });

  test("pings come outside of the work queue: a busy provider answers them, and stays healthy", async () => {
    const { stream, given } = await provide(a, [a], contractNamed("busy"), { maxInFlight: 1 });
    await ask((cb) => a.gateway.callTool({ call: specOf("busy") }, cb));
    await given(1);
    const before = stream.all(({ pings }) => pings).length;
    const { lastPongMs = 0 } = (await activeHealth(a, "busy")) ?? {};
    await until("more pings came", () => stream.all(({ pings }) => pings).length >= before + 5);
    await until("its pongs count", async () => ((await activeHealth(a, "busy"))?.lastPongMs ?? 0) > lastPongMs);
    expect((await activeHealth(a, "busy"))?.healthy).toBe(true);
  });

  test("a heartbeat is answered with its number; an answer is not answered again", async () => {
    const { stream } = await provide(a, [a], contractNamed("beating"));
    stream.send({ heartbeat: { sequence: 9_007_199_254_740_991, reply: true } });
    stream.send({ heartbeat: { sequence: 41 } });
    const reply = await until("the answer came", () => stream.frames.find(({ heartbeat }) => heartbeat?.reply));
    expect(reply.heartbeat?.sequence).toBe(41);
  });

  test("a provider that drains gets no more calls, and its session ends with the last one in hand", async () => {
    const { stream, given, finish } = await provide(a, [a, b], contractNamed("drained"));
    const session = openAgentSession(b);
    session.send({ calls: [{ ref: 1, call: specOf("drained") }] });
    const [call] = await given(1);
    if (call === undefined) throw new Error("no call came");
    stream.send({ drain: {} });
    await until("it is out of routing", async () => (await activeHealth(b, "drained"))?.healthy === false);
    session.send({ calls: [{ ref: 2, call: specOf("drained") }] });
    expect(await terminalOf(session, 2)).toMatchObject({ error: { reason: "NO_HEALTHY_PROVIDER" } });
    finish(call, "done");
    expect(await terminalOf(session, 1)).toMatchObject({ kind: "TERMINAL_KIND_RESULT" });
    expect(await stream.ended).toBeUndefined();
    expect(stream.all(({ settled }) => settled)).toEqual([{ callId: call.callId, attempt: 1, accepted: true }]);
  });

  test("a provider whose output waits for Redis is asked to pause, and then to go on", async () => {
    const { stream, given } = await provide(a, [a], contractNamed("talkative"));
    await ask((cb) => a.gateway.callTool({ call: specOf("talkative") }, cb));
    const [call] = await given(1);
    if (call === undefined) throw new Error("no call came");
    const { callId, attempt } = call;
    const dataJson = json("x".repeat(400_000));
    stream.send({ deltas: Array.from({ length: 4 }, () => ({ callId, attempt, dataJson })) });
    await until("both came", () => stream.frames.filter(({ flowControl }) => flowControl !== null).length === 2);
    const told = stream.frames.flatMap(({ flowControl }) => (flowControl === null ? [] : [flowControl.pauseOutput]));
    expect(told).toEqual([true, false]);
  });

  test("a result of a call that is not the provider's is refused, and nothing else happens", async () => {
    const one = await provide(a, [a], contractNamed("mine"));
    const other = await provide(a, [a], contractNamed("others"));
    await ask((cb) => a.gateway.callTool({ call: specOf("mine") }, cb));
    const [call] = await one.given(1);
    if (call === undefined) throw new Error("no call came");
    other.finish(call, "stolen");
    one.finish({ ...call, attempt: 2 }, "of another attempt");
    await until("both were refused", () =>
      [one, other].every(({ stream }) => stream.all(({ settled }) => settled).some(({ accepted }) => !accepted)),
    );
    expect((await getCall(b, call.callId)).state).toBe("CALL_STATE_CLAIMED");
    one.finish(call, "mine");
    const ended = await until("it has ended", async () => (await getCall(b, call.callId)).terminal);
    expect(ended.resultJson.toString()).toBe('"mine"');
  });
});

describe("a provider that attaches anew", () => {
  test("keeps what it names in hand, gets again what never reached it, and hears what is not its own", async () => {
    const { lease, stream, given } = await provide(a, [a], contractNamed("anew"));
    for (let i = 0; i < 2; i++) await ask((cb) => a.gateway.callTool({ call: specOf("anew") }, cb));
    const [named, unnamed] = await given(2);
    if (named === undefined || unnamed === undefined) throw new Error("too few calls came");
    stream.cut();
    const strange = { callId: "0.AAAAAAAAAAAAAAAAAAAAAA", attempt: 1 };
    const inHand = [{ callId: named.callId, attempt: 1 }, strange];
    const again = attach(b, { lease, maxInFlight: 10, inHand });
    await until("the lost call came again", () => again.all(({ calls }) => calls).length === 1);
    expect(again.frames[0]?.welcome?.fenced).toEqual([strange]);
    expect(again.all(({ calls }) => calls)).toMatchObject([{ callId: unnamed.callId, attempt: 1 }]);
    again.send({ results: [{ callId: named.callId, attempt: 1, resultJson: json("kept") }] });
    await until("the kept one has ended", async () => (await getCall(c, named.callId)).terminal !== null);
  });

  test("after its claim lapsed goes on with a call that no other took meanwhile", async () => {
    const { lease, stream, given } = await provide(a, [a], contractNamed("late"));
    await ask((cb) => a.gateway.callTool({ call: specOf("late", "again") }, cb));
    const [first] = await given(1);
    if (first === undefined) throw new Error("no call came");
    const { callId } = first;
    stream.cut();
    await until("its claim has lapsed", async () => (await getCall(b, callId)).state === "CALL_STATE_QUEUED");
    const again = attach(b, { lease, maxInFlight: 10, inHand: [{ callId, attempt: 1 }] });
    await until("the welcome came", () => again.frames.length > 0);
    expect(again.frames[0]?.welcome?.fenced).toEqual([]);
    again.send({ results: [{ callId, attempt: 1, resultJson: json("late") }] });
    const ended = await until("it has ended", async () => (await getCall(b, callId)).terminal);
    expect(ended).toMatchObject({ kind: "TERMINAL_KIND_RESULT", attempt: 1 });
    expect(again.all(({ calls }) => calls)).toEqual([]);
  });

  test("loses a call that another took meanwhile, and never gets it again", async () => {
    const { lease, stream, given } = await provide(a, [a], contractNamed("taken"));
    await ask((cb) => a.gateway.callTool({ call: specOf("taken", "again") }, cb));
    const [first] = await given(1);
    if (first === undefined) throw new Error("no call came");
    const { callId } = first;
    stream.cut();
    const other = await registerOn(b, { contract: contractNamed("taken"), providerId: "p2" });
    const second = attach(b, { lease: other.lease, maxInFlight: 10 });
    await until("it came to the other", () => second.all(({ calls }) => calls).some(({ attempt }) => attempt === 2));
    const back = attach(a, { lease, maxInFlight: 10, inHand: [{ callId, attempt: 1 }] });
    await until("the welcome came", () => back.frames.length > 0);
    expect(back.frames[0]?.welcome?.fenced).toEqual([{ callId, attempt: 1 }]);
    second.cut();
    await until("the other lost it too", async () => (await getCall(c, callId)).state === "CALL_STATE_QUEUED");
    // Whatever the node had for the first one by then has come.
    await ask((cb) => a.gateway.callTool({ call: specOf("taken", "again") }, cb));
    await until("the next call came", () => back.all(({ calls }) => calls).length > 0);
    expect(back.all(({ calls }) => calls).map((call) => call.callId)).not.toContain(callId);
  });
});
