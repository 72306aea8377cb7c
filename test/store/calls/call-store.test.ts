import { describe, expect, test } from "vitest";
import { sealContract } from "../../../src/contract/seal-contract.js";
import type { CallId } from "../../../src/identity/call-id.js";
import { type Digest, type Epoch, parseToolsetName } from "../../../src/identity/names.js";
import { appendOutput } from "../../../src/store/calls/append-output.js";
import type { CallStore } from "../../../src/store/calls/call-store.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { completeCalls } from "../../../src/store/calls/complete.js";
import { probeCalls, readCall } from "../../../src/store/calls/read-call.js";
import { reassignCalls } from "../../../src/store/calls/reassign.js";
import { renewClaims } from "../../../src/store/calls/renew-claims.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { resumeCalls, resumeRest, type TakenCall, takeCalls } from "../../../src/store/calls/take.js";
import { type Lease, releaseLease, renewLease } from "../../../src/store/registry/leases.js";
import { register } from "../../../src/store/registry/register.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { expectWithin, spanOf } from "../../support/redis-span.js";
import { until } from "../../support/until.js";
import {
  attach,
  contractOf,
  keys,
  LONG_MS,
  pong,
  registrationOf,
  serve,
  TOOLSET,
} from "../registry/registry-fixture.js";
import {
  admissionOf,
  admit,
  callStore,
  callsForFile,
  claimOf,
  complete,
  endingOf,
  NODE,
  ownerOf,
  take,
  takerOf,
} from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

const RESULT = { kind: "result", reason: "", body: Buffer.from("3") } as const;
async function recordsLeft() {
  const { client, provider } = here();
  const unfinished = await client.xlen(keys.requests(TOOLSET, provider.lease.epoch));
  return { unfinished, due: await client.zcard(keys.due) };
}

describe("admission", () => {
  test("records the call, with its deadline by Redis's clock and an expiry", async () => {
    const { client, store, provider } = here();
    const call = admissionOf(provider, { timeoutMs: 5_000 });
    const { value: answer, ...span } = await spanOf(client, () => admit(store, call));
    expect(answer).toMatchObject({
      kind: "admitted",
      head: { toolset: TOOLSET, tool: "sum", epoch: provider.lease.epoch, delivery: "once" },
    });
    const reading = await readCall(store, call.id, {});
    expect(reading).toMatchObject({ state: "queued", attempt: 0, cancelRequested: false, ending: undefined });
    expectWithin(reading?.head.deadlineMs, span, 5_000);
    expect(await client.pexpiretime(keys.call(call.id))).toBe((reading?.head.deadlineMs ?? 0) + store.resultTtlMs);
  });

  test("happens exactly once per call id: a repeat attaches, and finds the end", async () => {
    const { store, provider } = here();
    const call = admissionOf(provider);
    const answers = await Promise.all(Array.from({ length: 50 }, () => admit(store, call)));
    expect(answers.filter(({ kind }) => kind === "admitted")).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === "repeated")).toHaveLength(49);
    const taken = await take(store, provider.lease);
    expect(taken).toHaveLength(1);
    for (const one of taken) await complete(store, [{ ...claimOf(provider.lease, one), ...RESULT }]);
    expect(await admit(store, call)).toMatchObject({ kind: "repeated", ending: { kind: "result", body: RESULT.body } });
  });

  test("refuses another request under the same id", async () => {
    const { store, provider } = here();
    const call = admissionOf(provider);
    await admit(store, call);
    expect(await admit(store, { ...call, requestDigest: "other" })).toEqual({ kind: "conflict" });
    expect((await recordsLeft()).unfinished).toBe(1);
  });

  test("refuses an epoch that is not routable, and stores nothing", async () => {
    const { client, store, provider } = here();
    const call = admissionOf(provider);
    const gone = { ...call, destination: { ...call.destination, epoch: (provider.lease.epoch + 1) as Epoch } }; // one that is not there
    expect(await admit(store, gone)).toEqual({ kind: "stale" });
    expect(await client.exists(keys.call(call.id))).toBe(0);
  });

  test("fails fast while nobody is healthy, with the last pong; waits when asked to", async () => {
    const { client, registry, store, provider } = here();
    await releaseLease(registry, provider.lease);
    const call = admissionOf(provider);
    expect(await admit(store, call)).toMatchObject({ kind: "unhealthy", lastPongMs: expect.any(Number) });
    expect(await client.exists(keys.call(call.id))).toBe(0);
    expect((await admit(store, { ...call, wait: true })).kind).toBe("admitted");
  });

  test("is bounded by the epoch's unfinished calls", async () => {
    const { store, provider } = here();
    const call = () => admissionOf(provider, { destination: { ...admissionOf(provider).destination, maxBacklog: 2 } });
    expect((await admit(store, call())).kind).toBe("admitted");
    expect((await admit(store, call())).kind).toBe("admitted");
    expect((await admit(store, call())).kind).toBe("full");
    const [one] = await take(store, provider.lease, 1);
    if (one !== undefined) await complete(store, [{ ...claimOf(provider.lease, one), ...RESULT }]);
    expect((await admit(store, call())).kind).toBe("admitted");
  });

  test("goes to a retiring epoch only while the active one has no room, or when pinned to it", async () => {
    const { registry, store, provider } = here();
    const next = await serve(registry, registrationOf(contractOf("2.0.0", "better"), "q1"), 5);
    const old = admissionOf(provider).destination;
    const fresh = () => admissionOf(next, { overflow: old });
    expect((await admit(store, admissionOf(provider))).kind).toBe("stale");
    expect(await admit(store, admissionOf(provider, { pinned: true }))).toMatchObject({
      kind: "admitted",
      head: { epoch: provider.lease.epoch },
    });
    const epochs = [];
    for (let i = 0; i < 7; i++) {
      const answer = await admit(store, fresh());
      epochs.push(answer.kind === "admitted" ? answer.head.epoch : answer.kind);
    }
    const { epoch } = next.lease;
    expect(epochs).toEqual([epoch, epoch, epoch, epoch, epoch, provider.lease.epoch, provider.lease.epoch]);
  });
});

describe("taking", () => {
  test("claims up to the credits, in order, with what is left of the time", async () => {
    const { client, store, provider } = here();
    const calls = [admissionOf(provider), admissionOf(provider), admissionOf(provider)];
    for (const call of calls) await admit(store, call);
    const { value: taken, ...span } = await spanOf(client, () => take(store, provider.lease, 2));
    expect(taken.map(({ id }) => id)).toEqual(calls.slice(0, 2).map(({ id }) => id));
    expect(taken[0]).toMatchObject({ tool: "sum", payload: Buffer.from('{"a":1}'), attempt: 1, stop: undefined });
    const [first] = taken;
    expectWithin((first?.deadlineMs ?? 0) - (first?.remainingMs ?? 0), span);
    const reading = await readCall(store, calls[0]?.id ?? admissionOf(provider).id, {});
    expect(reading).toMatchObject({ state: "claimed", attempt: 1, head: { deadlineMs: first?.deadlineMs } });
  });

  test("is for the holder of a lease, through its latest session only", async () => {
    const { registry, store, provider } = here();
    await admit(store, admissionOf(provider));
    await attach(registry, provider.lease, 10, "s2");
    expect(
      await takeCalls(store, NODE, TOOLSET, provider.lease.epoch, [{ ...takerOf(provider.lease, "s1"), credits: 5 }]),
    ).toEqual([{ kind: "lost" }]);
    // Not before this session's own first pong.
    expect(await take(store, provider.lease, 5, "s2")).toEqual([]);
    await pong(registry, provider.lease);
    expect(await take(store, provider.lease, 5, "s2")).toHaveLength(1);
  });

  test("gives nothing to a provider that drains: what waits is for the others", async () => {
    const { registry, store, provider } = here();
    await renewLease(registry, LONG_MS, { lease: provider.lease, room: 0, routing: "drain", session: "" });
    await admit(store, admissionOf(provider, { wait: true }));
    expect(
      await takeCalls(store, NODE, TOOLSET, provider.lease.epoch, [{ ...takerOf(provider.lease), credits: 5 }]),
    ).toMatchObject([{ kind: "taken", calls: [], more: false }]);
    const second = await serve(registry, registrationOf(contractOf("1.0.0"), "p2"), 10);
    expect(await take(store, second.lease)).toHaveLength(1);
  });

  test("two providers never get the same call", async () => {
    const { registry, store, provider } = here();
    const second = await serve(registry, registrationOf(contractOf("1.0.0"), "p2"), 10);
    for (let i = 0; i < 20; i++) await admit(store, admissionOf(provider));
    const takes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => take(store, i % 2 ? provider.lease : second.lease, 3)),
    );
    const ids = takes.flat().map(({ id }) => id);
    expect(ids).toHaveLength(20);
    expect(new Set(ids).size).toBe(20);
  });

  test("a call that expired before it was claimed did not run", async () => {
    const { client, store, provider } = here();
    const call = admissionOf(provider, { timeoutMs: 1 });
    const answer = await admit(store, call);
    if (answer.kind !== "admitted") throw new Error("it was not admitted");
    await until("the deadline has passed", async () => {
      const [seconds, microseconds] = await client.time();
      return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000) >= answer.head.deadlineMs;
    });
    expect(await take(store, provider.lease)).toEqual([]);
    expect((await readCall(store, call.id, {}))?.ending).toMatchObject({
      kind: "not_executed",
      reason: "DEADLINE_EXCEEDED",
      attempt: 0,
    });
    expect(await recordsLeft()).toEqual({ unfinished: 0, due: 0 });
  });

  test("reads on past calls that have expired: no notification comes for those behind them", async () => {
    const { client, store, provider } = here();
    const expired = admissionOf(provider, { timeoutMs: 1 });
    const behind = admissionOf(provider);
    await admit(store, expired);
    await admit(store, behind);
    await until("its time is over", async () => {
      const [seconds, micros] = await client.time();
      const nowMs = Number(seconds) * 1_000 + Number(micros) / 1_000;
      return nowMs > ((await readCall(store, expired.id, {}))?.head.deadlineMs ?? 0) + 1;
    });
    expect((await take(store, provider.lease, 1)).map(({ id }) => id)).toEqual([behind.id]);
  });

  test("an empty line is read by one of the providers that have room, not by each", async () => {
    const { client, registry, store, provider } = here();
    const leases: Lease[] = [];
    for (let index = 0; index < 20; index++)
      leases.push((await serve(registry, registrationOf(contractOf("1.0.0"), `many-${index}`))).lease);
    const reads = async () =>
      Number(/^cmdstat_xreadgroup:calls=(\d+)/m.exec(await client.info("commandstats"))?.[1] ?? 0);
    const takers = leases.map((lease) => ({ ...takerOf(lease), credits: 1 }));
    const epoch = leases[0]?.epoch ?? provider.lease.epoch;
    const before = await reads();
    const answers = await takeCalls(store, NODE, TOOLSET, epoch, takers);
    expect(answers).toEqual(takers.map(() => ({ kind: "taken", calls: [], more: false })));
    expect((await reads()) - before).toBe(1);
    await admit(store, admissionOf(provider));
    const taken = (await takeCalls(store, NODE, TOOLSET, epoch, takers)).flatMap((answer) =>
      answer.kind === "taken" ? answer.calls : [],
    );
    expect(taken).toHaveLength(1);
    expect((await reads()) - before).toBe(3);
  });

  test("brings no more bytes at once than a session can be given, and says that there is more", async () => {
    const { store, provider } = here();
    const payload = Buffer.alloc(1_048_576, "x");
    for (let i = 0; i < 30; i++) await admit(store, admissionOf(provider, { payload }));
    const taker = { ...takerOf(provider.lease), credits: 64 };
    const [answer] = await takeCalls(store, NODE, TOOLSET, provider.lease.epoch, [taker]);
    if (answer?.kind !== "taken") throw new Error("nothing was taken");
    expect(answer.more).toBe(true);
    expect(answer.calls.length).toBeLessThan(16);
    const [rest] = await takeCalls(store, NODE, TOOLSET, provider.lease.epoch, [{ ...taker, credits: 1 }]);
    expect(rest).toMatchObject({ kind: "taken", calls: [{ attempt: 1 }] });
  });

  test("a group that was lost is made again, and skips nothing", async () => {
    const { client, store, provider } = here();
    await admit(store, admissionOf(provider));
    await client.xgroup("DESTROY", keys.requests(TOOLSET, provider.lease.epoch), "providers");
    expect(await take(store, provider.lease)).toHaveLength(1);
  });
});

describe("completing", () => {
  test("is kept for every reader as unchecked where no verdict could be had; a repeat of it with a verdict is accepted", async () => {
    const { store, provider } = here();
    const call = admissionOf(provider);
    await admit(store, call);
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const done = { ...claimOf(provider.lease, taken), ...RESULT };
    const ended = { kind: "result", reason: "", unchecked: true, body: RESULT.body };
    const first = await completeCalls(store, keys, NODE, [{ ...done, unchecked: true }]);
    expect(first).toMatchObject([{ kind: "accepted", ending: ended }]);
    expect(await completeCalls(store, keys, NODE, [done])).toMatchObject([{ kind: "accepted", ending: ended }]);
    expect(await readCall(store, call.id, {})).toMatchObject({ ending: ended });
    expect(await probeCalls(store, keys, [call.id])).toMatchObject([{ kind: "ended", ending: ended }]);
    expect(await admit(store, call)).toMatchObject({ kind: "repeated", ending: ended });
  });

  test("ends the call once: a second answer of the same attempt with another result is fenced", async () => {
    const { store, provider } = here();
    const call = admissionOf(provider);
    await admit(store, call);
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const done = { ...claimOf(provider.lease, taken), ...RESULT };
    expect(await complete(store, [done])).toEqual(["accepted"]);
    expect(await complete(store, [{ ...done, body: Buffer.from("4") }])).toEqual(["fenced"]);
    // The first answer may have been lost on its way: saying it again is fine.
    expect(await complete(store, [done])).toEqual(["accepted"]);
    expect((await readCall(store, call.id, {}))?.ending).toMatchObject({
      kind: "result",
      attempt: 1,
      body: Buffer.from("3"),
    });
    expect(await recordsLeft()).toEqual({ unfinished: 0, due: 0 });
  });

  test("is for the owner and attempt that hold the claim", async () => {
    const { store, provider } = here();
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const claim = claimOf(provider.lease, taken);
    expect(await complete(store, [{ ...claim, owner: "p9/i9", ...RESULT }])).toEqual(["fenced"]);
    expect(await complete(store, [{ ...claim, attempt: 2, ...RESULT }])).toEqual(["fenced"]);
    expect((await readCall(store, taken.id, {}))?.state).toBe("claimed");
  });

  test("keeps bytes as they are, also large and binary ones", async () => {
    const { store, provider } = here();
    const body = Buffer.alloc(100_000, 0xf0);
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    await complete(store, [{ ...claimOf(provider.lease, taken), ...RESULT, body }]);
    expect((await endingOf(store, taken.id))?.body.equals(body)).toBe(true);
  });

  test("a call's record and result expire, and nothing else is left", async () => {
    const { client, store, provider } = here();
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const claim = claimOf(provider.lease, taken);
    await appendOutput(store, keys, [{ ...claim, data: Buffer.from("1") }]);
    await complete(store, [{ ...claim, ...RESULT }]);
    await expectKeysToExpire(client);
    const expiresMs = taken.deadlineMs + store.resultTtlMs;
    expect(await client.pexpiretime(keys.call(taken.id))).toBe(expiresMs);
    expect(await client.pexpiretime(keys.result(taken.id))).toBe(expiresMs);
  });
});

describe("output", () => {
  test("is read in order from any cursor, and ends with the terminal", async () => {
    const { store, provider } = here();
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const claim = claimOf(provider.lease, taken);
    await appendOutput(
      store,
      keys,
      ["1", "2", "3"].map((text) => ({ ...claim, data: Buffer.from(text) })),
    );
    await complete(store, [{ ...claim, ...RESULT }]);
    const all = await readCall(store, taken.id, {});
    expect(all?.deltas.map(({ data }) => data.toString())).toEqual(["1", "2", "3"]);
    const rest = await readCall(store, taken.id, { cursor: all?.deltas[1]?.cursor ?? "" });
    expect(rest?.deltas).toEqual(all?.deltas.slice(2));
    expect(rest?.ending).toEqual(all?.ending);
  });

  test("of a call that somebody else holds is refused", async () => {
    const { client, store, provider } = here();
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    expect(
      await appendOutput(store, keys, [{ ...claimOf(provider.lease, taken), attempt: 9, data: Buffer.from("1") }]),
    ).toEqual(["fenced"]);
    expect(await client.exists(keys.result(taken.id))).toBe(0);
  });

  test("of several calls, piece by piece in one script, is answered in order", async () => {
    const { client, store, provider } = here();
    await Promise.all([admit(store, admissionOf(provider)), admit(store, admissionOf(provider))]);
    const [one, other] = await take(store, provider.lease, 2);
    if (one === undefined || other === undefined) throw new Error("nothing was taken");
    const piece = (call: TakenCall, text: string, more = {}) => ({
      ...{ ...claimOf(provider.lease, call), data: Buffer.from(text) },
      ...more,
    });
    const pieces = [
      piece(one, "1"),
      piece(other, "2"),
      piece(one, "9", { attempt: 9 }),
      piece(one, "3"),
      piece(other, "4"),
    ];
    expect(await appendOutput(store, keys, pieces)).toEqual(["kept", "kept", "fenced", "kept", "kept"]);
    const said = await Promise.all([one, other].map(({ id }) => readCall(store, id, {})));
    expect(said.map((reading) => reading?.deltas.map(({ data }) => data.toString()))).toEqual([
      ["1", "3"],
      ["2", "4"],
    ]);
    expect(await client.pexpiretime(keys.result(other.id))).toBe(other.deadlineMs + store.resultTtlMs);
  });

  test("is bounded in pieces and in bytes", async () => {
    const { client, store, provider } = here();
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const claim = claimOf(provider.lease, taken);
    const few = callStore(client, { maxDeltas: 2, maxOutputBytes: 10 });
    expect(
      await appendOutput(
        few,
        keys,
        ["1", "2", "3"].map((text) => ({ ...claim, data: Buffer.from(text) })),
      ),
    ).toEqual(["kept", "kept", "over"]);
    const small = callStore(client, { maxOutputBytes: 4 });
    expect(await appendOutput(small, keys, [{ ...claim, data: Buffer.from("123") }])).toEqual(["over"]);
  });
});

describe("cancelling", () => {
  test("ends a waiting call at once: it did not run", async () => {
    const { store, provider } = here();
    const call = admissionOf(provider);
    await admit(store, call);
    expect(await cancelCall(store, call.id)).toMatchObject({
      kind: "ended",
      ending: { kind: "not_executed", reason: "CANCELLED" },
    });
    expect(await take(store, provider.lease)).toEqual([]);
    expect(await recordsLeft()).toEqual({ unfinished: 0, due: 0 });
  });

  test("asks the node that delivers a running call to stop it; the provider's answer decides", async () => {
    const { redis, store, provider } = here();
    const call = admissionOf(provider);
    await admit(store, call);
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const notified: string[] = [];
    const listener = redis.client();
    listener.on("smessage", (_channel: string, message: string) => notified.push(message));
    await listener.ssubscribe(keys.node(NODE));
    expect(await cancelCall(store, call.id)).toEqual({ kind: "told" });
    await until("the node was notified", () => notified.includes(`c${call.id} 11\n1 CANCELLED`));
    listener.disconnect();
    expect(await readCall(store, call.id, {})).toMatchObject({ state: "claimed", cancelRequested: true });
    expect(
      await complete(store, [
        { ...claimOf(provider.lease, taken), kind: "cancelled", reason: "CANCELLED", body: Buffer.alloc(0) },
      ]),
    ).toEqual(["accepted"]);
    expect(await cancelCall(store, call.id)).toMatchObject({ kind: "ended", ending: { kind: "cancelled" } });
  });

  test("of an unknown call says so", async () => {
    const { store, provider } = here();
    expect(await cancelCall(store, admissionOf(provider).id)).toEqual({ kind: "unknown" });
  });
});

describe("claims", () => {
  test("are extended by their owner and attempt only, and tell of a cancellation", async () => {
    const { store, provider } = here();
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const claim = { ...provider.lease, ...claimOf(provider.lease, taken) };
    expect(await renewClaims(store, keys, NODE, [claim, { ...claim, attempt: 2 }])).toEqual(["held", "fenced"]);
    await cancelCall(store, taken.id);
    expect(await renewClaims(store, keys, NODE, [claim])).toEqual(["CANCELLED"]);
  });

  test("are extended by some hundreds at most, so that Redis is never held up", async () => {
    const { client, store, provider } = here();
    const destination = { ...admissionOf(provider).destination, maxBacklog: 1_000 };
    for (let i = 0; i < 300; i++) await admit(store, admissionOf(provider, { destination }));
    const taken = await take(store, provider.lease, 300);
    const claims = taken.map((call) => ({ ...provider.lease, ...claimOf(provider.lease, call) }));
    await client.config("RESETSTAT");
    expect(await renewClaims(store, keys, NODE, claims)).toEqual(claims.map(() => "held"));
    const scripts = /cmdstat_evalsha:calls=(\d+)/.exec(await client.info("commandstats"))?.[1];
    expect(Number(scripts), "256 each").toBe(2);
  });

  test("a provider of another toolset cannot claim them, whatever it calls itself", async () => {
    const { registry, store, provider } = here();
    await admit(store, admissionOf(provider));
    const [taken] = await take(store, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    const sealed = sealContract({ ...contractOf("1.0.0").contract, name: parseToolsetName("other", "name") });
    const { lease } = await register(registry, registrationOf(sealed, "p1"));
    await attach(registry, lease, 10, "s9");
    const named = [{ id: taken.id, attempt: 1 }];
    expect(await resumeCalls(store, NODE, lease.toolset, lease.epoch, takerOf(lease, "s9"), named)).toMatchObject({
      kept: [],
      fenced: named,
    });
    expect(await renewClaims(store, keys, NODE, [{ ...lease, ...claimOf(lease, taken) }])).toEqual(["fenced"]);
  });

  test("a provider that attaches anew keeps what it names, gets again what never reached it, and drops the rest", async () => {
    const { registry, store, provider } = here();
    for (let i = 0; i < 3; i++) await admit(store, admissionOf(provider));
    const [named, unnamed, ended] = await take(store, provider.lease);
    if (named === undefined || unnamed === undefined || ended === undefined) throw new Error("too little was taken");
    await complete(store, [{ ...claimOf(provider.lease, ended), ...RESULT }]);
    await attach(registry, provider.lease, 10, "s2");
    const resumed = await resumeCalls(store, NODE, TOOLSET, provider.lease.epoch, takerOf(provider.lease, "s2"), [
      { id: named.id, attempt: 1 },
      { id: ended.id, attempt: 1 },
    ]);
    expect(resumed).toMatchObject({
      kind: "resumed",
      kept: [{ id: named.id, tool: "sum", attempt: 1, stop: undefined }],
      fenced: [{ id: ended.id, attempt: 1 }],
      undelivered: [{ id: unnamed.id, attempt: 1, payload: Buffer.from('{"a":1}') }],
      rest: undefined,
    });
  });

  test("a provider that attaches anew gets payloads some at a time, and none of those that it names", async () => {
    const { store, provider } = here();
    const payload = Buffer.alloc(1_000_000, "x");
    for (let i = 0; i < 14; i++) await admit(store, admissionOf(provider, { payload }));
    const taken = [
      ...(await take(store, provider.lease)),
      ...(await take(store, provider.lease)),
      ...(await take(store, provider.lease)),
    ];
    expect(taken).toHaveLength(14);
    const named = [...taken.slice(0, 1), ...taken.slice(7, 8)];
    const { epoch } = provider.lease;
    let resumed = await resumeCalls(store, NODE, TOOLSET, epoch, takerOf(provider.lease), named);
    const sizes: number[] = [];
    const undelivered: string[] = [];
    for (;;) {
      if (resumed.kind === "lost") throw new Error("the lease was lost");
      sizes.push(resumed.undelivered.length);
      undelivered.push(...resumed.undelivered.map(({ id }) => id));
      if (resumed.rest === undefined) break;
      resumed = await resumeRest(store, NODE, TOOLSET, epoch, takerOf(provider.lease), resumed.rest);
    }
    expect(Math.max(...sizes)).toBeLessThan(6);
    expect(undelivered).toEqual(taken.filter((call) => !named.includes(call)).map(({ id }) => id));
  });
});

/** Another provider of the epoch. */
const colleague = async (name = "q1"): Promise<Lease> =>
  (await serve(here().registry, registrationOf(contractOf("1.0.0"), name), 10)).lease;

describe("settling", () => {
  const lapsed = (delivery: "once" | "idempotent", maxAttempts = 3) => ({
    calls: callStore(here().client, { claimLeaseMs: { once: 1, idempotent: 1 }, maxAttempts }),
    call: admissionOf(here().provider, { delivery }),
  });
  const settleUntil = (
    calls: CallStore,
    what: string,
    id: ReturnType<typeof admissionOf>["id"],
    seen: (state: string, kind?: string) => boolean,
  ) =>
    until(what, async () => {
      await settleCalls(calls, keys);
      const reading = await readCall(calls, id, {});
      return reading !== undefined && seen(reading.state, reading.ending?.kind);
    });

  test("a once call whose claim lapsed has an unknown outcome, and never runs again", async () => {
    const { provider } = here();
    const { calls, call } = lapsed("once");
    await admit(calls, call);
    const [taken] = await take(calls, provider.lease);
    if (taken === undefined) throw new Error("nothing was taken");
    await settleUntil(calls, "the call was settled", call.id, (state) => state === "ended");
    expect((await readCall(calls, call.id, {}))?.ending).toMatchObject({
      kind: "outcome_unknown",
      reason: "PROVIDER_LOST",
      attempt: 1,
    });
    expect(await take(calls, provider.lease)).toEqual([]);
    expect(await complete(calls, [{ ...claimOf(provider.lease, taken), ...RESULT }])).toEqual(["fenced"]);
  });

  test("an idempotent call is delivered again with a higher attempt; the earlier one is fenced; then it is given up", async () => {
    const { client, provider } = here();
    const { calls, call } = lapsed("idempotent", 2);
    await admit(calls, call);
    const [first] = await take(calls, provider.lease);
    if (first === undefined) throw new Error("nothing was taken");
    await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
    const other = await colleague();
    const [second] = await take(calls, other);
    expect(second).toMatchObject({ id: call.id, attempt: 2, payload: first.payload });
    expect(await complete(calls, [{ ...claimOf(provider.lease, first), ...RESULT }])).toEqual(["fenced"]);
    await settleUntil(calls, "the call was given up", call.id, (_, kind) => kind === "attempts_exhausted");
    expect(await client.xlen(keys.dead(TOOLSET))).toBe(1);
    expect(await recordsLeft()).toEqual({ unfinished: 0, due: 0 });
  });

  test("an idempotent call is delivered again also when the group was lost in between", async () => {
    const { client, store, provider } = here();
    const { calls, call } = lapsed("idempotent");
    await admit(calls, call);
    expect(await take(calls, provider.lease)).toHaveLength(1);
    await client.xgroup("DESTROY", keys.requests(TOOLSET, provider.lease.epoch), "providers");
    expect(await take(calls, provider.lease)).toEqual([]);
    await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
    await client.xgroup("DESTROY", keys.requests(TOOLSET, provider.lease.epoch), "providers");
    expect(await take(calls, provider.lease)).toEqual([]);
    const other = await colleague();
    const [second] = await take(calls, other);
    expect(second).toMatchObject({ id: call.id, attempt: 2 });
    // It stands in the line as the other one's: brought again, should its frame have been lost.
    const resumption = await resumeCalls(store, NODE, TOOLSET, other.epoch, takerOf(other), []);
    expect(resumption).toMatchObject({ undelivered: [{ id: call.id, attempt: 2 }] });
  });

  test("a call never goes to who lost it, in any attempt, and others do not wait behind it", async () => {
    const { client, store, provider } = here();
    const short = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
    const lost = Array.from({ length: 20 }, () => admissionOf(provider, { delivery: "idempotent" }));
    for (const call of lost) await admit(short, call);
    expect(await take(short, provider.lease, 20)).toHaveLength(20);
    for (const { id } of lost) await settleUntil(short, "it waits again", id, (state) => state === "queued");
    expect(await take(store, provider.lease)).toEqual([]);
    const fresh = admissionOf(provider);
    await admit(store, fresh);
    expect(await take(store, provider.lease)).toMatchObject([{ id: fresh.id }]);
    // What the other one loses goes back past those that wait for others than the first.
    const other = await colleague();
    const own = admissionOf(provider, { delivery: "idempotent" });
    await admit(short, own);
    const taken = await take(short, other, 21);
    expect(taken).toHaveLength(21);
    for (const { id } of taken) await settleUntil(short, "it waits again", id, (state) => state === "queued");
    expect(await take(store, other, 30)).toEqual([]);
    expect(await take(store, provider.lease, 30)).toMatchObject([{ id: own.id, attempt: 2 }]);
    const third = await take(store, await colleague("r1"), 30);
    expect(third.map(({ id, attempt }) => [id, attempt]).sort()).toEqual(lost.map(({ id }) => [id, 3]).sort());
    const ends = third.map(({ id, attempt }) => ({ id, owner: "r1/i1", attempt, ...RESULT }));
    expect(new Set(await complete(store, ends))).toEqual(new Set(["accepted"]));
    await expectKeysToExpire(client);
  });

  test("until another takes it, a call whose claim lapsed is its owner's, who may go on with it or end it", async () => {
    const { store, provider } = here();
    const lapse = async () => {
      const { calls, call } = lapsed("idempotent");
      await admit(calls, call);
      const [taken] = await take(calls, provider.lease);
      if (taken === undefined) throw new Error("nothing was taken");
      await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
      return claimOf(provider.lease, taken);
    };
    const ended = await lapse();
    expect(await complete(store, [{ ...ended, ...RESULT }])).toEqual(["accepted"]);
    const renewed = await lapse();
    expect(await renewClaims(store, keys, NODE, [{ ...provider.lease, ...renewed }])).toEqual(["held"]);
    const named = await lapse();
    const { epoch } = provider.lease;
    expect(await resumeCalls(store, NODE, TOOLSET, epoch, takerOf(provider.lease), [named])).toMatchObject({
      kept: [{ id: named.id, attempt: 1 }],
    });
    expect(await take(store, await colleague())).toEqual([]);
    expect(await complete(store, [{ ...named, ...RESULT }])).toEqual(["accepted"]);
  });

  test("nothing of a call stays among those for others once it has an owner, an end or another epoch", async () => {
    const { client, store, provider } = here();
    const again = keys.again(TOOLSET, provider.lease.epoch);
    const lapse = async () => {
      const { calls, call } = lapsed("idempotent");
      await admit(calls, call);
      const [taken] = await take(calls, provider.lease);
      if (taken === undefined) throw new Error("nothing was taken");
      await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
      expect(await client.zcard(again)).toBe(1);
      return claimOf(provider.lease, taken);
    };
    await complete(store, [{ ...(await lapse()), ...RESULT }]);
    expect(await client.zcard(again)).toBe(0);
    await renewClaims(store, keys, NODE, [{ ...provider.lease, ...(await lapse()) }]);
    expect(await client.zcard(again)).toBe(0);
    await resumeCalls(store, NODE, TOOLSET, provider.lease.epoch, takerOf(provider.lease), [await lapse()]);
    expect(await client.zcard(again)).toBe(0);
    await cancelCall(store, (await lapse()).id);
    expect(await client.zcard(again)).toBe(0);
    await lapse();
    await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => undefined);
    expect(await client.zcard(again)).toBe(0);
  });

  test("a call that another took where the group was lost is not for that one when it is lost again", async () => {
    const { client, store, provider } = here();
    const { calls, call } = lapsed("idempotent");
    await admit(calls, call);
    await take(calls, provider.lease);
    await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
    await client.xgroup("DESTROY", keys.requests(TOOLSET, provider.lease.epoch), "providers");
    const other = await colleague();
    // Found in the line, and not among those for others: that key's place is taken for as long.
    const again = keys.again(TOOLSET, provider.lease.epoch);
    const aside = keys.damaged("aside");
    await client.rename(again, aside);
    expect(await take(calls, other)).toMatchObject([{ id: call.id, attempt: 2 }]);
    await client.rename(aside, again);
    await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
    expect(await take(store, other)).toEqual([]);
    expect(await take(store, await colleague("r1"))).toMatchObject([{ id: call.id, attempt: 3 }]);
  });

  test("a user that may not read the waiting line ends no call by that", async () => {
    const { redis, client, provider } = here();
    const { calls, call } = lapsed("idempotent");
    await admit(calls, call);
    await take(calls, provider.lease);
    await client.acl("SETUSER", "blind", "on", "nopass", "~*", "&*", "+@all", "-xrange");
    const blind = { ...calls, redis: redis.client({ username: "blind", password: "any" }) };
    await until("it was looked at", async () => {
      await expect(settleCalls(blind, keys)).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
      return true;
    });
    expect(await readCall(calls, call.id, {})).toMatchObject({ state: "claimed", ending: undefined });
  });

  test("what is in the place of the calls that wait for others is set aside", async () => {
    const { client, provider } = here();
    const { calls, call } = lapsed("idempotent");
    await client.set(keys.again(TOOLSET, provider.lease.epoch), "x");
    await admit(calls, call);
    expect(await take(calls, provider.lease)).toHaveLength(1);
    await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
    expect(await take(calls, await colleague())).toMatchObject([{ id: call.id, attempt: 2 }]);
  });

  test("a call is looked at when a claim of it could end, and again when something is to be done", async () => {
    const { client, store, provider } = here();
    const short = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
    const [waiting, renewed] = [admissionOf(provider), admissionOf(provider)];
    const dueAt = async (call: { readonly id: CallId }) => Number(await client.zscore(keys.due, call.id));
    await Promise.all([admit(short, renewed), admit(short, waiting)]);
    const [first] = await take(store, provider.lease, 1); // with leases of a minute
    if (first === undefined) throw new Error("nothing was taken");
    const [taken, other] = first.id === renewed.id ? [renewed, waiting] : [waiting, renewed];
    const early = Math.max(await dueAt(waiting), await dueAt(renewed));
    await until("both were looked at", async () => {
      expect(await settleCalls(store, keys)).toMatchObject({ ended: 0, redelivered: 0, told: 0 });
      return (await dueAt(waiting)) > early && (await dueAt(renewed)) > early;
    });
    expect((await readCall(store, taken.id, {}))?.state).toBe("claimed");
    const queued = await readCall(store, other.id, {});
    expect(queued).toMatchObject({ state: "queued" });
    expect(await dueAt(other)).toBe(queued?.head.deadlineMs);
    // Taken after all, with a claim that ends long before the deadline: that is when it is due.
    const [late] = await take(short, provider.lease, 1);
    expect(late?.id).toBe(other.id);
    await until("the claim ended", async () => (await settleCalls(store, keys)).ended === 1);
    expect((await readCall(store, other.id, {}))?.ending).toMatchObject({ kind: "outcome_unknown" });
  });
  test("a waiting call ends at its deadline: it did not run", async () => {
    const { store, provider } = here();
    const call = admissionOf(provider, { timeoutMs: 1 });
    await admit(store, call);
    await settleUntil(store, "the call expired", call.id, (_, kind) => kind === "not_executed");
  });

  test("a call that waits for another attempt ends with an unknown outcome: the one before may have run", async () => {
    const { client, store, provider } = here();
    const waiting = async (timeoutMs = LONG_MS) => {
      const calls = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
      const call = admissionOf(provider, { delivery: "idempotent", timeoutMs });
      await admit(calls, call);
      await take(calls, provider.lease);
      await settleUntil(calls, "the call waits again", call.id, (state) => state === "queued");
      return call.id;
    };
    const cancelled = await waiting();
    expect(await cancelCall(store, cancelled)).toMatchObject({ kind: "ended", ending: { kind: "outcome_unknown" } });
    const expired = await waiting(200);
    await settleUntil(store, "the call expired", expired, (state) => state === "ended");
    expect((await readCall(store, expired, {}))?.ending).toMatchObject({ kind: "outcome_unknown", attempt: 1 });
    const found = await waiting(200);
    await client.persist(keys.again(TOOLSET, provider.lease.epoch)); // as one with a later deadline would keep it
    const deadlineMs = (await readCall(store, found, {}))?.head.deadlineMs ?? 0;
    await until("its time is over", async () => Number((await client.time())[0]) * 1_000 > deadlineMs);
    expect(await take(store, await colleague())).toEqual([]);
    expect((await readCall(store, found, {}))?.ending).toMatchObject({ kind: "outcome_unknown", attempt: 1 });
    const orphaned = await waiting();
    await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => undefined);
    expect((await readCall(store, orphaned, {}))?.ending).toMatchObject({
      kind: "outcome_unknown",
      reason: "PROVIDER_LOST",
    });
  });

  test("a running call's provider is told of the deadline first; without an answer its outcome is unknown", async () => {
    const { store, provider } = here();
    let call = admissionOf(provider);
    // One whose deadline passes before it is taken never runs: on a busy machine the first ones may not.
    for (const timeoutMs of [50, 500, 5_000]) {
      call = admissionOf(provider, { timeoutMs });
      await admit(store, call);
      if ((await take(store, provider.lease)).length > 0) break;
    }
    await until("the provider was told", async () => (await settleCalls(store, keys)).told === 1);
    expect(await readCall(store, call.id, {})).toMatchObject({ state: "claimed", cancelRequested: true });
    await settleUntil(store, "the grace is over", call.id, (_, kind) => kind === "outcome_unknown");
    expect((await endingOf(store, call.id))?.reason).toBe("DEADLINE_EXCEEDED");
  });

  test("what a released provider had in hand is settled at once", async () => {
    const { registry, store, provider } = here();
    const call = admissionOf(provider);
    await admit(store, call);
    await take(store, provider.lease);
    await releaseLease(registry, provider.lease);
    await settleCalls(store, keys);
    expect((await readCall(store, call.id, {}))?.ending).toMatchObject({
      kind: "outcome_unknown",
      reason: "PROVIDER_LOST",
    });
  });

  test.each([
    { count: 600, payload: Buffer.from("{}") },
    { count: 12, payload: Buffer.alloc(1_000_000, "x") },
  ])("so is all of it when it is much: $count calls", async ({ count, payload }) => {
    const { client, registry, store, provider } = here();
    const destination = { ...admissionOf(provider).destination, maxBacklog: 1_000 };
    for (let i = 0; i < count; i++) await admit(store, admissionOf(provider, { payload, destination }));
    let taken = 0;
    while (taken < count) taken += (await take(store, provider.lease, count)).length;
    const before = Number(/cmdstat_xpending:calls=(\d+)/.exec(await client.info("commandstats"))?.[1] ?? 0);
    await releaseLease(registry, provider.lease);
    const after = Number(/cmdstat_xpending:calls=(\d+)/.exec(await client.info("commandstats"))?.[1]);
    expect(after - before).toBe(3); // scripts, so that none holds Redis up
    await until("all are settled", async () => {
      await settleCalls(store, keys);
      return (await recordsLeft()).unfinished === 0;
    });
  });

  test("a provider is released also when the group of its epoch's calls was lost", async () => {
    const { client, registry, provider } = here();
    await client.xgroup("DESTROY", keys.requests(TOOLSET, provider.lease.epoch), "providers");
    expect(await releaseLease(registry, provider.lease)).toBe(true);
  });

  test("many at once, by many at once, end each call once", async () => {
    const { store, provider } = here();
    const calls = Array.from({ length: 150 }, () =>
      admissionOf(provider, { timeoutMs: 1, destination: { ...admissionOf(provider).destination, maxBacklog: 1_000 } }),
    );
    for (const call of calls) await admit(store, call);
    let ended = 0;
    await until("all have ended", async () => {
      const passes = await Promise.all([settleCalls(store, keys), settleCalls(store, keys), settleCalls(store, keys)]);
      for (const pass of passes) ended += pass.ended;
      return (await recordsLeft()).due === 0;
    });
    expect(ended).toBe(150);
    const answers = await probeCalls(
      store,
      keys,
      calls.map(({ id }) => id),
    );
    expect(answers.every((answer) => answer.kind === "ended" && answer.ending.kind === "not_executed")).toBe(true);
  });
});

describe("calls that wait in an abandoned epoch", () => {
  test("go to the epoch that takes them, and end as not executed where none does", async () => {
    const { registry, store, provider } = here();
    const stays = admissionOf(provider);
    const goes = admissionOf(provider, { payload: Buffer.from('{"new":true}') });
    for (const call of [stays, goes]) await admit(store, call);
    const next = await register(registry, registrationOf(contractOf("2.0.0", "better"), "q1"));
    const destination = admissionOf(next).destination;
    const answer = await reassignCalls(store, TOOLSET, provider.lease.epoch, async ({ payload }) =>
      payload.includes("new") ? destination : undefined,
    );
    expect(answer).toEqual({ moved: 1, ended: 1 });
    expect((await readCall(store, stays.id, {}))?.ending).toMatchObject({ kind: "not_executed", reason: "EPOCH_GONE" });
    expect(await readCall(store, goes.id, {})).toMatchObject({ state: "queued", head: { epoch: next.lease.epoch } });
    await attach(registry, next.lease, 10);
    await pong(registry, next.lease);
    expect((await take(store, next.lease)).map(({ id }) => id)).toEqual([goes.id]);
  });

  test("are found behind any number that providers have in hand", async () => {
    const { registry, store, provider } = here();
    const wide = await serve(registry, registrationOf(contractOf("1.0.0"), "p2"), 1_000);
    const roomy = { ...admissionOf(provider).destination, maxBacklog: 1_000 };
    for (let i = 0; i < 120; i++) await admit(store, admissionOf(provider, { destination: roomy }));
    expect(await take(store, wide.lease, 120)).toHaveLength(120);
    const behind = admissionOf(provider, { destination: roomy });
    await admit(store, behind);
    expect(await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => undefined)).toEqual({
      moved: 0,
      ended: 1,
    });
    expect((await readCall(store, behind.id, {}))?.state).toBe("ended");
  });

  test("stay with the contract that their caller named", async () => {
    const { registry, store, provider } = here();
    const pinned = admissionOf(provider, { pinned: true });
    await admit(store, pinned);
    const next = await register(registry, registrationOf(contractOf("2.0.0", "better"), "q1"));
    const destination = { ...admissionOf(next).destination, digest: "e".repeat(64) as Digest }; // a made-up one
    await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => destination);
    expect((await readCall(store, pinned.id, {}))?.ending).toMatchObject({
      kind: "not_executed",
      reason: "EPOCH_GONE",
    });
  });

  test("leaves alone what a provider has in hand", async () => {
    const { store, provider } = here();
    const call = admissionOf(provider);
    await admit(store, call);
    await take(store, provider.lease);
    expect(await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => undefined)).toEqual({
      moved: 0,
      ended: 0,
    });
    expect((await readCall(store, call.id, {}))?.state).toBe("claimed");
    expect(await complete(store, [{ id: call.id, owner: ownerOf(provider.lease), attempt: 1, ...RESULT }])).toEqual([
      "accepted",
    ]);
  });
});
