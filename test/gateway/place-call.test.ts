import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { OPEN_ACCESS } from "../../src/access/open-access.js";
import type { CatalogCopy } from "../../src/catalog/catalog-copy.js";
import { type CallSpec, requestDigest } from "../../src/gateway/call-spec.js";
import { callIdOf, type PlaceCallSettings, placeCall } from "../../src/gateway/place-call.js";
import { PayloadChecks } from "../../src/gateway/validate-payload.js";
import { parseToolName } from "../../src/identity/names.js";
import { ANONYMOUS } from "../../src/identity/principal.js";
import { TextReader } from "../../src/json/text-reader.js";
import { OverLimit } from "../../src/limits/over-limit.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { Reservations } from "../../src/store/call-limits/reservations.js";
import { Admissions } from "../../src/store/calls/admit.js";
import { admissionOf, admit, callsForFile, NODE } from "../store/calls/calls-fixture.js";
import { keyspace, LONG_MS, TOOLSET } from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();
const here = callsForFile();

const principal = ANONYMOUS;
const spec: CallSpec = {
  toolset: TOOLSET,
  shown: "math",
  tool: parseToolName("sum", "tool"),
  payload: Buffer.from('{"a":1}'),
  meta: { runId: "run", toolCallId: "1" },
  repeatable: true,
  expectDigest: undefined,
  wait: false,
  continueOnDisconnect: true,
  timeoutMs: 0,
  lostNodes: 0,
};

/** How often the node asked Redis for news of a toolset. */
let refreshed = 0;

/** A node that knows no toolset: it was unregistered. */
function settings(): PlaceCallSettings {
  const catalog: Pick<CatalogCopy, "get" | "all" | "damageOf" | "refresh"> = {
    get: () => undefined,
    all: () => [],
    damageOf: () => undefined,
    refresh: async () => {
      refreshed++;
    },
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

const place = (asked: CallSpec) => {
  const id = callIdOf(settings(), principal, asked);
  const presence = new AbortController();
  const caller = {
    principal,
    access: OPEN_ACCESS,
    peer: "peer",
    remainingMs: undefined,
    answerWithinMs: undefined,
    presence,
  };
  return placeCall(settings(), caller, id, asked, { subscribe: false, acknowledge: true });
};

describe("a repeat after its toolset has changed or gone", () => {
  beforeEach(async () => {
    const { store, provider } = here();
    const id = callIdOf(settings(), principal, spec);
    await admit(store, admissionOf(provider, { id, requestDigest: requestDigest(spec) }));
  });

  test("comes to the call that was made before", async () => {
    expect(await place(spec)).toMatchObject({ repeated: true, head: { toolset: TOOLSET, tool: "sum" } });
  });

  test("comes to it before anything is checked where a node was lost with it", async () => {
    const before = refreshed;
    expect(await place({ ...spec, lostNodes: 1 })).toMatchObject({ repeated: true });
    expect(refreshed).toBe(before);
  });

  test("of another request is refused as such", async () => {
    await expect(place({ ...spec, payload: Buffer.from('{"a":2}') })).rejects.toMatchObject({
      reason: "CALL_CONFLICT",
    });
  });

  test("is refused for the change's sake where there was no call", async () => {
    await expect(place({ ...spec, meta: { runId: "run", toolCallId: "2" } })).rejects.toMatchObject({
      reason: "UNKNOWN_TOOLSET",
      executed: "no",
    });
  });
});

test("a toolset that this node has not heard of is looked up once before it is refused", async () => {
  const before = refreshed;
  await expect(place({ ...spec, meta: {} })).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET", executed: "no" });
  expect(refreshed).toBe(before + 1);
});
