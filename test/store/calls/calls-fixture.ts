import { randomBytes } from "node:crypto";
import { type CallId, randomCallId } from "../../../src/identity/call-id.js";
import { callerName } from "../../../src/identity/caller-name.js";
import { parseNodeId, parseToolName } from "../../../src/identity/names.js";
import { FAST_COMMITS } from "../../../src/redis/commits.js";
import type { RedisClient } from "../../../src/redis/redis-client.js";
import type { Admission } from "../../../src/store/calls/admission.js";
import { type AdmissionAnswer, Admissions } from "../../../src/store/calls/admit.js";
import type { Ending } from "../../../src/store/calls/call-record.js";
import type { CallStore } from "../../../src/store/calls/call-store.js";
import { type Completion, type CompletionAnswer, completeCalls } from "../../../src/store/calls/complete.js";
import { LargeReadings } from "../../../src/store/calls/large-readings.js";
import { readCall } from "../../../src/store/calls/read-call.js";
import { type TakenCall, takeCalls } from "../../../src/store/calls/take.js";
import type { Lease } from "../../../src/store/registry/leases.js";
import type { Registered } from "../../../src/store/registry/register.js";
import type { RegistryStore } from "../../../src/store/registry/registry-store.js";
import { forEachTest } from "../../support/for-each-test.js";
import {
  contractOf,
  keys,
  keyspace,
  LONG_MS,
  registrationOf,
  registryForFile,
  serve,
  type TestRegistry,
  TOOLSET,
} from "../registry/registry-fixture.js";

export const NODE = parseNodeId("node-a", "node");

/** The calls' scripts on a Redis; leases of a minute, so that nothing ends unless a test says so. */
export function callStore(redis: RedisClient, more: Partial<CallStore> = {}): CallStore {
  return {
    redis,
    commits: FAST_COMMITS,
    keyspace,
    claimLeaseMs: { once: LONG_MS, idempotent: LONG_MS },
    absenceGraceMs: LONG_MS,
    maxAttempts: 3,
    resultTtlMs: LONG_MS,
    maxDeltas: 100,
    maxOutputBytes: 10_000,
    listEnded: true,
    ...more,
  };
}

/** What each test of a file has that has called `callsForFile`: also the calls' scripts, and a provider with room for ten calls. */
export interface TestCalls extends TestRegistry {
  readonly store: CallStore;
  readonly provider: Registered;
}

/** What `registryForFile` does for a file, with the calls' scripts and a provider for each test. */
export function callsForFile(): () => TestCalls {
  const here = registryForFile();
  return forEachTest(async () => {
    const { client, registry } = here();
    return { ...here(), store: callStore(client), provider: await beginToServe(registry) };
  });
}

/** What the provider does at first, and again when Redis has lost everything. */
export function beginToServe(registry: RegistryStore): Promise<Registered> {
  return serve(registry, registrationOf(contractOf("1.0.0")), 10);
}

export function admissionOf(registered: Registered, more: Partial<Admission> = {}): Admission {
  return {
    id: randomCallId(0, randomBytes),
    caller: callerName({ tenant: "default", id: "anonymous" }),
    requestDigest: "request",
    toolset: TOOLSET,
    tool: parseToolName("sum", "tool"),
    delivery: "once",
    destination: {
      epoch: registered.lease.epoch,
      digest: "d".repeat(64) as Admission["destination"]["digest"],
      maxBacklog: 100,
    }, // a made-up one
    overflow: undefined,
    pinned: false,
    wait: false,
    timeoutMs: LONG_MS,
    payload: Buffer.from('{"a":1}'),
    meta: "",
    watch: true,
    ...more,
  };
}

/** Calls that are admitted in one turn are so by one script. */
export function admissionsOf(store: CallStore, batchSize = 32): Admissions {
  return new Admissions(store, {
    node: NODE,
    healthWindowMs: LONG_MS,
    batchSize: () => batchSize,
    offer: () => undefined,
  });
}

export function admit(store: CallStore, admission: Admission): Promise<AdmissionAnswer> {
  return admissionsOf(store).admit(admission, true);
}

export const takerOf = (lease: Lease, session = "s1") => ({
  provider: lease.provider,
  incarnation: lease.incarnation,
  session,
});
export const ownerOf = (lease: Lease): string => `${lease.provider}/${lease.incarnation}`;

/** Takes for one provider; a lost one takes nothing. */
export async function take(
  store: CallStore,
  lease: Lease,
  credits = 10,
  session = "s1",
): Promise<readonly TakenCall[]> {
  const [answer] = await takeCalls(store, NODE, TOOLSET, lease.epoch, [{ ...takerOf(lease, session), credits }]);
  return answer?.kind === "taken" ? answer.calls : [];
}

/** Ends calls at another node; says of each what became of that. */
export async function complete(
  store: CallStore,
  completions: readonly Completion[],
): Promise<CompletionAnswer["kind"][]> {
  const answers = await completeCalls(store, keys, parseNodeId("node-b", "node"), completions);
  return answers.map(({ kind }) => kind);
}

/** How a call ended, all of it; nothing while it has not. */
export async function endingOf(store: CallStore, id: CallId): Promise<Ending | undefined> {
  const ending = (await readCall(store, id, {}))?.ending;
  const reader = { client: "test", signal: new AbortController().signal };
  return ending?.kind === "large" ? new LargeReadings(store).ending(id, reader) : ending;
}

/** The claim of a taken call, as its provider's node names it. */
export const claimOf = (lease: Lease, call: TakenCall) => ({
  id: call.id,
  owner: ownerOf(lease),
  attempt: call.attempt,
});
