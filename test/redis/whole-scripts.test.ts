import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import type { Epoch } from "../../src/identity/names.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { FAST_COMMITS } from "../../src/redis/commits.js";
import type { RedisClient } from "../../src/redis/redis-client.js";
import type { Admission } from "../../src/store/calls/admission.js";
import { Admissions, type Offer } from "../../src/store/calls/admit.js";
import { appendOutput } from "../../src/store/calls/append-output.js";
import { makeHead } from "../../src/store/calls/call-record.js";
import type { CallStore } from "../../src/store/calls/call-store.js";
import { cancelCall } from "../../src/store/calls/cancel.js";
import { completeCalls } from "../../src/store/calls/complete.js";
import { listDeadCalls, purgeDeadCalls } from "../../src/store/calls/dead-calls.js";
import { LostCalls } from "../../src/store/calls/lost-calls.js";
import { readCall } from "../../src/store/calls/read-call.js";
import { reassignCalls } from "../../src/store/calls/reassign.js";
import { renewClaims } from "../../src/store/calls/renew-claims.js";
import { restoreDeadlines } from "../../src/store/calls/restore-deadlines.js";
import { settleCalls } from "../../src/store/calls/settle.js";
import { resumeCalls, type TakenCall, takeCalls } from "../../src/store/calls/take.js";
import type { DocumentStore } from "../../src/store/documents/apply-documents.js";
import { releaseLease, renewLeases } from "../../src/store/registry/leases.js";
import { emitPings } from "../../src/store/registry/ping-slot.js";
import { recordPongs } from "../../src/store/registry/pongs.js";
import { promote } from "../../src/store/registry/promote.js";
import { type Registered, register } from "../../src/store/registry/register.js";
import type { RegistryStore } from "../../src/store/registry/registry-store.js";
import { sweepToolsets } from "../../src/store/registry/sweep.js";
import { TRIM_START, trimEpochs } from "../../src/store/registry/trim-epochs.js";
import { unregister } from "../../src/store/registry/unregister.js";
import { admissionOf, callStore, claimOf, NODE, takerOf } from "../store/calls/calls-fixture.js";
import { apply, refOf } from "../store/documents/documents-fixture.js";
import {
  attach,
  contractOf,
  keys,
  keyspace,
  LONG_MS,
  registrationOf,
  registryForFile,
  registryStore,
  serve,
  TOOLSET,
} from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();
const here = registryForFile();

/** What a script finds: a toolset with an active contract and a candidate that is ready, and calls that wait, run and have ended. */
interface Scene {
  readonly active: Registered;
  readonly candidate: Registered;
  readonly waiting: Admission;
  readonly running: TakenCall;
  readonly late: Admission;
}

/** The same stores, by a client that stands for another user or another state. */
interface Stores {
  readonly registry: RegistryStore;
  readonly calls: CallStore;
  readonly documents: DocumentStore;
}
const storesOf = (redis: RedisClient): Stores => ({
  registry: registryStore(redis),
  // One attempt, so that what is settled is given up.
  calls: callStore(redis, { maxAttempts: 1, claimLeaseMs: { once: LONG_MS, idempotent: 1 } }),
  documents: { redis, commits: FAST_COMMITS, keyspace },
});

async function makeScene(): Promise<Scene> {
  const { registry, calls, documents } = storesOf(here().client);
  await apply(documents, [
    { ref: refOf("role/kept"), body: { a: 1 } },
    { ref: refOf("role/gone"), body: {} },
  ]);
  await apply(documents, [{ ref: refOf("role/kept"), body: { a: 2 } }, { ref: refOf("role/gone") }]);
  const active = await serve(registry, registrationOf(contractOf("1.0.0")), 10);
  const candidate = await register(registry, registrationOf(contractOf("2.0.0"), "q1"));
  await attach(registry, candidate.lease, 1);
  await recordPongs(registry, keys, [candidate.lease]);
  const admissions = admissionsOf(calls);
  // Lost by its provider, and for others to take.
  await admissions.admit(admissionOf(active, { delivery: "idempotent" }), true);
  await takeCalls(calls, NODE, TOOLSET, active.lease.epoch, [{ ...takerOf(active.lease), credits: 1 }]);
  const patient = { ...calls, maxAttempts: 3 };
  await until("it is given up by its provider", async () => (await settleCalls(patient, keys)).redelivered > 0, {
    everyMs: 1,
  });
  const [running, late, waiting] = [
    admissionOf(active),
    admissionOf(active, { delivery: "idempotent" }),
    admissionOf(active),
  ];
  await Promise.all([running, late].map((call) => admissions.admit(call, true)));
  const [taken] = await takeCalls(calls, NODE, TOOLSET, active.lease.epoch, [{ ...takerOf(active.lease), credits: 2 }]);
  await admissions.admit(waiting, true);
  const call = taken?.kind === "taken" ? taken.calls.find(({ id }) => id === running.id) : undefined;
  if (call === undefined) throw new Error("it was to be taken");
  await appendOutput(calls, keys, [{ ...claimOf(active.lease, call), data: Buffer.from("1") }]);
  return { active, candidate, waiting, running: call, late };
}

const admissionsOf = (calls: CallStore, offer?: Offer): Admissions =>
  new Admissions(calls, { node: NODE, healthWindowMs: LONG_MS, batchSize: () => 32, offer: () => offer });

/** Every script that writes, by name, as nodes run it. */
const SCRIPTS: readonly (readonly [string, (stores: Stores, scene: Scene) => Promise<unknown>])[] = [
  ["REGISTER, joining", ({ registry }) => register(registry, registrationOf(contractOf("1.0.0"), "p2"))],
  ["REGISTER, making an epoch", ({ registry }) => register(registry, registrationOf(contractOf("3.0.0"), "r1"))],
  [
    "RENEW",
    ({ registry }, { active }) =>
      renewLeases(registry, LONG_MS, [{ lease: active.lease, room: 1, routing: "keep", session: "s2" }]),
  ],
  ["RELEASE and LET_GO", ({ registry }, { active }) => releaseLease(registry, active.lease)],
  ["PONG", ({ registry }, { active }) => recordPongs(registry, keys, [active.lease])],
  ["PROMOTE", ({ registry }, { candidate }) => promote(registry, TOOLSET, candidate.lease.epoch, "default/anonymous")],
  [
    "UNREGISTER",
    ({ registry }, { active }) => unregister(registry, TOOLSET, active.lease.epoch, "default/anonymous", LONG_MS),
  ],
  ["SWEEP", ({ registry }) => sweepToolsets({ ...registry, healthWindowMs: -1 }, keys, [TOOLSET], LONG_MS)],
  ["TRIM_EPOCHS", ({ registry }) => trimEpochs(registry, keys, TRIM_START)],
  ["ADMIT", ({ calls }, { active }) => admissionsOf(calls).admit(admissionOf(active), true)],
  [
    "ADMIT with a provider's share",
    ({ calls }, { active }) => {
      const takers = [{ ...takerOf(active.lease), credits: 5, maxInFlight: 10, running: 1 }];
      const offer = { takers, taken: () => {}, failed: () => {} };
      return admissionsOf(calls, offer).admit(admissionOf(active), true);
    },
  ],
  [
    "TAKE",
    ({ calls }, { active }) =>
      takeCalls(calls, NODE, TOOLSET, active.lease.epoch, [{ ...takerOf(active.lease), credits: 9 }]),
  ],
  [
    "TAKE, of what another has lost",
    async ({ calls, registry }, { active }) => {
      const { lease } = await serve(registry, registrationOf(contractOf("1.0.0"), "p2"), 10);
      return takeCalls(calls, NODE, TOOLSET, active.lease.epoch, [{ ...takerOf(lease), credits: 9 }]);
    },
  ],
  [
    "RESUME",
    ({ calls }, { active, running }) =>
      resumeCalls(calls, NODE, TOOLSET, active.lease.epoch, takerOf(active.lease), [running]),
  ],
  [
    "APPEND",
    ({ calls }, { active, running }) =>
      appendOutput(calls, keys, [{ ...claimOf(active.lease, running), data: Buffer.from("2") }]),
  ],
  [
    "COMPLETE",
    ({ calls }, { active, running }) =>
      completeCalls(calls, keys, NODE, [
        { ...claimOf(active.lease, running), kind: "result", reason: "", body: Buffer.from("3") },
      ]),
  ],
  ["CANCEL, of one that runs", ({ calls }, { running }) => cancelCall(calls, running.id)],
  ["CANCEL, of one that waits", ({ calls }, { waiting }) => cancelCall(calls, waiting.id)],
  ["READ", ({ calls }, { running }) => readCall(calls, running.id, { watcher: NODE })],
  [
    "RENEW_CLAIMS",
    ({ calls }, { active, running }) => {
      const claim = { ...claimOf(active.lease, running), toolset: TOOLSET, epoch: active.lease.epoch, heardAgoMs: 0 };
      return renewClaims(calls, keys, NODE, [claim]);
    },
  ],
  ["SETTLE", ({ calls }) => settleCalls(calls, keys)],
  [
    "ORPHANED and REASSIGN",
    ({ calls }, { active, candidate }) =>
      reassignCalls(calls, TOOLSET, active.lease.epoch, async () => ({
        epoch: candidate.lease.epoch,
        digest: contractOf("2.0.0").digest,
        maxBacklog: 10,
      })),
  ],
  [
    "RESTORE",
    ({ calls }, { active }) => restoreDeadlines(calls, keys, [{ toolset: TOOLSET, epoch: active.lease.epoch }]),
  ],
  [
    "LOSE",
    ({ calls }, { active }) => {
      const { id, toolset, tool, destination, delivery, caller } = admissionOf(active);
      const times = { admittedMs: Date.now(), deadlineMs: Date.now(), retentionMs: LONG_MS };
      const { text: head } = makeHead({ toolset, tool, ...destination, delivery, ...times, caller });
      return new LostCalls(calls, SILENT_LOGGER).end({ id, head, attempt: 1 });
    },
  ],
  ["LIST_DEAD", ({ calls }) => listDeadCalls(calls, TOOLSET, "", 10)],
  [
    "APPLY_DOCUMENTS",
    ({ documents }) =>
      apply(documents, [
        { ref: refOf("role/kept") },
        { ref: refOf("role/gone"), body: {} },
        { ref: refOf("role/new"), body: {} },
      ]),
  ],
  ["PURGE_DEAD", ({ calls }) => purgeDeadCalls(calls, TOOLSET, [])],
];

/**
 * What Redis holds, by key, without what time and chance make of it; what is set aside is left out, for that is nothing that a
 * script does to what is whole.
 */
async function shape(): Promise<readonly string[]> {
  const shapes: string[] = [];
  for (const key of (await here().client.keys("*")).sort()) {
    if (key.startsWith(keys.damaged(""))) continue;
    shapes.push(timeless(`${key}: ${JSON.stringify(await contentOf(key))}`));
  }
  return shapes.sort();
}

async function contentOf(key: string): Promise<unknown> {
  const { client } = here();
  switch (await client.type(key)) {
    case "string":
      return client.get(key);
    case "hash":
      return Object.entries(await client.hgetall(key)).sort();
    case "zset":
      return (await client.zrangebyscore(key, "-inf", "+inf")).sort();
    case "stream": {
      const groups = await client.xinfo("GROUPS", key);
      return [await client.xrange(key, "-", "+"), groups];
    }
    default:
      return "of another type";
  }
}

/** Without times, ids, and hashes of tokens. */
const timeless = (text: string): string =>
  text
    .replaceAll(/[0-9]{13,}(-[0-9]+)?/g, "time")
    .replaceAll(/0\.[0-9a-z_-]{16,}/gi, "call")
    .replaceAll(/(?<=[ "])[\w-]{43}(?=[ "])/g, "token")
    .replaceAll(/"remainingMs":[0-9]+/g, "left");

/** Puts something else in a key's place. */
async function replace(key: string): Promise<void> {
  const { client } = here();
  const stranger =
    (await client.type(key)) === "string"
      ? client.multi().del(key).lpush(key, "x")
      : client.multi().del(key).set(key, "x");
  await stranger.exec();
}

/** A client whose user may do everything but use channels. */
async function withoutChannels(): Promise<Redis> {
  const { redis, client } = here();
  await client.acl("SETUSER", "mute", "on", "nopass", "~*", "+@all", "resetchannels");
  return redis.client({ username: "mute", password: "any" });
}

/** What notifies, in the scene. */
const RINGING = new Set([
  "APPLY_DOCUMENTS",
  "TAKE, of what another has lost",
  "RENEW",
  "REGISTER, making an epoch",
  "RELEASE and LET_GO",
  "PROMOTE",
  "UNREGISTER",
  "SWEEP",
  "ADMIT",
  "APPEND",
  "CANCEL, of one that runs",
  "CANCEL, of one that waits",
  "SETTLE",
  "ORPHANED and REASSIGN",
]);

describe.each(SCRIPTS)("%s", (name, run) => {
  test("does the same for a user without channels, answers the same, and tells of it", async () => {
    const { redis, client } = here();
    const answer = await run(storesOf(client), await makeScene());
    const done = await shape();
    await redis.flush();
    const scene = await makeScene();
    const mute = await withoutChannels();
    const told: string[] = [];
    Object.assign(mute, { onDenied: (why: string) => told.push(why) });
    expect(textOf(await run(storesOf(mute), scene))).toBe(textOf(answer));
    expect(await shape()).toEqual(done);
    expect(told.every((why) => why.includes("publish"))).toBe(true);
    expect(told.length > 0).toBe(RINGING.has(name));
  });

  test("changes nothing where it fails of what a stranger has put in a key's place", async () => {
    const { redis, client } = here();
    await makeScene();
    const kinds = new Set([...(await client.keys("*")), keys.dead(TOOLSET)].map(kindOf));
    expect(kinds.size).toBeGreaterThan(8);
    for (const kind of kinds) {
      await redis.flush();
      const scene = await makeScene();
      for (const key of [...(await client.keys("*")), keys.dead(TOOLSET)]) if (kindOf(key) === kind) await replace(key);
      const before = await shape();
      try {
        await run(storesOf(client), scene);
      } catch (error) {
        const aside = await client.keys(keys.damaged("*"));
        const names = aside.map((key) => timeless(`${keys.prefix}${key.slice(keys.damaged("").length)}: `));
        // Not what was set aside, nor what a key then begins with anew.
        const others = (shapes: readonly string[]) =>
          shapes.filter((line) => !names.some((name) => line.startsWith(name)));
        const why = `${kind}: ${error instanceof Error ? String(error.cause) : ""}`;
        expect(others(await shape()), why).toEqual(others(before));
      }
    }
  });
});

test("PING_SLOT leaves the slot to a node whose user may ping", async () => {
  const mute = await withoutChannels();
  const targets = [{ toolset: TOOLSET, epoch: 1 as Epoch }]; // any
  expect(await emitPings(registryStore(mute), keys, 1, NODE, 1_000, targets)).toBe(false);
  expect(await emitPings(registryStore(here().client), keys, 1, NODE, 1_000, targets)).toBe(true);
});

/** What a key is for: without the epoch or the call that it is of. */
const kindOf = (key: string): string =>
  key.replace(/:(call|result|document|removed-documents):.*/, ":$1").replace(/:[0-9]{13,}$/, "");

const textOf = (answer: unknown): string => timeless(JSON.stringify(answer) ?? "");
