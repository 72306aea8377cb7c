import { randomBytes } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { OPEN_ACCESS } from "../../src/access/open-access.js";
import type { CatalogCopy } from "../../src/catalog/catalog-copy.js";
import { type CallSpec, requestDigest } from "../../src/gateway/call-spec.js";
import type { PlaceCallSettings } from "../../src/gateway/place-call.js";
import { findDeadCall, redrive } from "../../src/gateway/redrive.js";
import { PayloadChecks } from "../../src/gateway/validate-payload.js";
import { derivedCallId } from "../../src/identity/call-id.js";
import { ANONYMOUS } from "../../src/identity/principal.js";
import { TextReader } from "../../src/json/text-reader.js";
import { OverLimit } from "../../src/limits/over-limit.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { Reservations } from "../../src/store/call-limits/reservations.js";
import { Admissions } from "../../src/store/calls/admit.js";
import { type DeadCall, listDeadCalls } from "../../src/store/calls/dead-calls.js";
import { settleCalls } from "../../src/store/calls/settle.js";
import { admissionOf, admit, callStore, callsForFile, NODE, take } from "../store/calls/calls-fixture.js";
import { keys, keyspace, LONG_MS, TOOLSET } from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();
const here = callsForFile();

const principal = ANONYMOUS;
const again = (place: string) => {
  const caller = { principal, access: OPEN_ACCESS, peer: "peer", presence: new AbortController() };
  return redrive(here().store, settings(), caller, TOOLSET, place);
};

/** A node whose toolset was unregistered. */
function settings(): PlaceCallSettings {
  const catalog: Pick<CatalogCopy, "get" | "all" | "damageOf" | "refresh"> = {
    get: () => undefined,
    all: () => [],
    damageOf: () => undefined,
    refresh: async () => {},
  };
  return {
    catalog: catalog as CatalogCopy, // placing asks for nothing else of it here
    limits: { of: () => undefined },
    overLimit: new OverLimit(() => performance.now()),
    reservations: new Reservations(here().store, () => performance.now()),
    memory: { full: () => false },
    admissions: new Admissions(here().store, {
      node: NODE,
      healthWindowMs: LONG_MS,
      batchSize: () => 32,
      offer: () => undefined,
    }),
    texts: new TextReader({ monotonicMs: () => performance.now() }),
    payloads: new PayloadChecks(new ValidatorCache({ maxContracts: 1 })),
    keyspace,
    randomBytes,
    defaultTimeoutMs: LONG_MS,
    maxTimeoutMs: LONG_MS,
    maxPayloadBytes: 1_024,
    pingIntervalMs: 1_000,
  };
}

const deadCalls = () => listDeadCalls(here().store, TOOLSET, "", 10);

let dead: DeadCall;
beforeEach(async () => {
  const { client, provider } = here();
  const store = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 }, maxAttempts: 1 });
  await admit(store, admissionOf(provider, { delivery: "idempotent" }));
  await take(store, provider.lease);
  await until("it was given up", async () => (await settleCalls(store, keys)).ended === 1);
  const [one] = await deadCalls();
  if (one === undefined) throw new Error("it is on the list");
  dead = one;
});

test("a dead call is found by its place, until it is purged", async () => {
  expect(await findDeadCall(here().store, TOOLSET, dead.id, "math")).toMatchObject({
    callId: dead.callId,
    tool: "sum",
  });
  await expect(findDeadCall(here().store, TOOLSET, "1-1", "math")).rejects.toMatchObject({ reason: "UNKNOWN_CALL" });
});

test("one that cannot be made again stays on the list", async () => {
  await expect(again(dead.id)).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET", executed: "no" });
  expect(await deadCalls()).toMatchObject([{ id: dead.id }]);
});

test("one that was made again by a node that was lost before it could purge it makes no second call", async () => {
  const { store, provider } = here();
  const id = derivedCallId(keys.shard, principal.tenant, TOOLSET, `redrive ${TOOLSET}`, dead.id);
  const { tool, payload } = dead;
  const digest = requestDigest({ toolset: TOOLSET, tool, payload, repeatable: true } as Partial<CallSpec> as CallSpec); // what is used of it
  await admit(store, admissionOf(provider, { id, requestDigest: digest, delivery: "idempotent" }));
  expect(await again(dead.id)).toMatchObject({ id, repeated: true });
  expect(await deadCalls()).toEqual([]);
  await expect(again(dead.id)).rejects.toMatchObject({ reason: "UNKNOWN_CALL" });
});
