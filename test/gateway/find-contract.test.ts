import { describe, expect, test } from "vitest";
import type { CatalogReader } from "../../src/catalog/catalog-copy.js";
import { ContractText, createContractCache } from "../../src/catalog/contract-text.js";
import { type EpochState, epochView, toolsetView } from "../../src/catalog/toolset-view.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import { findContract as find } from "../../src/gateway/find-contract.js";
import { type Digest, parseEpoch, parseToolName } from "../../src/identity/names.js";
import { DEFAULT_TENANT } from "../../src/identity/tenant.js";
import { contract, name, tool } from "../catalog/hand-written-catalog.js";

const MATH = name("math");
const cache = createContractCache(10);

/** An epoch with the tools that it has. */
function epoch(number: number, state: EpochState, ...tools: string[]) {
  const version = `${number}.0.0`;
  const sealed = sealContract(contract("math", { version, tools: tools.map((one) => tool(one)) }));
  const text = ContractText.check(MATH, sealed.digest, sealed.canonicalJson, cache, () => {});
  if (text === undefined) throw new Error("the digest fits");
  const record = {
    epoch: parseEpoch(number, "epoch"),
    digest: sealed.digest,
    version,
    state,
    registeredAtMs: 0,
    activateAt: 0.5,
    maxBacklog: 1,
    retentionMs: 1,
    retireAfterMs: 1,
    retireAtMs: 0,
  };
  return epochView(MATH, record, text, { lastPongMs: 0, liveUntilMs: 0, room: 0 });
}

function catalogOf(...epochs: ReturnType<typeof epoch>[]): CatalogReader {
  const view = toolsetView(MATH, "owner", epochs);
  return {
    get: (asked) => (asked === "math" ? view : undefined),
    all: () => (view === undefined ? [] : [view]),
    after: () => [],
    size: 1,
    hasTenants: false,
    version: 0,
    revision: () => "",
    stale: false,
    nearNames: (asked) => (asked === "mth" ? ["math"] : []),
    damageOf: () => undefined,
    damaged: () => [],
  };
}

const findContract = (catalog: CatalogReader, spec: ReturnType<typeof call>) =>
  find({ catalog, visible: catalog, tenant: DEFAULT_TENANT }, spec);

const call = (toolName = "sum", expectDigest?: Digest, toolset = "math") => ({
  toolset: name(toolset),
  shown: toolset,
  tool: parseToolName(toolName, "tool"),
  payload: Buffer.from("{}"),
  meta: {},
  repeatable: false,
  expectDigest,
  wait: false,
  continueOnDisconnect: false,
  timeoutMs: 0,
  lostNodes: 0,
});
const refused = (reason: string, more: object = {}) => expect.objectContaining({ reason, executed: "no", ...more });

test("a call of a toolset whose record is damaged is told that", () => {
  const damage = { reason: "its record is not JSON", epoch: undefined };
  const damaged: CatalogReader = { ...catalogOf(), get: () => undefined, damageOf: () => damage };
  expect(() => findContract(damaged, call())).toThrow(refused("TOOLSET_DAMAGED"));
  const torn: CatalogReader = { ...catalogOf(epoch(1, "retiring", "sum")), damageOf: () => damage };
  expect(() => findContract(torn, call())).toThrow(refused("TOOLSET_DAMAGED"));
});

describe("a call that names no digest", () => {
  test("is made under the active contract", () => {
    const active = epoch(2, "active", "sum");
    const catalog = catalogOf(epoch(3, "candidate", "sum"), active);
    expect(findContract(catalog, call())).toMatchObject({
      epoch: { epoch: 2 },
      tool: { name: "sum" },
      pinned: false,
      overflow: undefined,
    });
  });

  test("may overflow to the newest retiring epoch, if that has the tool", () => {
    const active = epoch(3, "active", "sum", "mul");
    const route = (toolName: string) =>
      findContract(catalogOf(epoch(1, "retiring", "sum", "mul"), epoch(2, "retiring", "sum"), active), call(toolName));
    expect(route("sum").overflow).toMatchObject({ epoch: { epoch: 2 }, tool: { name: "sum" } });
    expect(route("mul").overflow).toBeUndefined();
  });

  test("is refused while no epoch is active", () => {
    expect(() => findContract(catalogOf(epoch(1, "candidate", "sum")), call())).toThrow(refused("UNKNOWN_TOOLSET"));
    expect(() => findContract(catalogOf(epoch(1, "retiring", "sum")), call())).toThrow(refused("UNKNOWN_TOOLSET"));
  });
});

describe("a call that names a digest", () => {
  test("is pinned to the active or a retiring epoch of that contract, and overflows nowhere", () => {
    const old = epoch(1, "retiring", "sum");
    const active = epoch(2, "active", "sum");
    for (const wanted of [old, active]) {
      const route = findContract(catalogOf(old, active), call("sum", wanted.digest));
      expect(route).toMatchObject({ epoch: { epoch: wanted.epoch }, pinned: true, overflow: undefined });
    }
  });

  test("is refused for a candidate, which takes no calls yet", () => {
    const candidate = epoch(2, "candidate", "sum");
    const catalog = catalogOf(epoch(1, "active", "sum"), candidate);
    expect(() => findContract(catalog, call("sum", candidate.digest))).toThrow(refused("DIGEST_MISMATCH"));
  });

  test("that is gone is refused with what there is instead", () => {
    const active = epoch(2, "active", "sum");
    expect(() => findContract(catalogOf(active), call("sum", epoch(1, "active", "sum").digest))).toThrow(
      refused("DIGEST_MISMATCH", {
        metadata: { digest: active.digest, epoch: "2" },
        message: expect.stringContaining("2.0.0"),
      }),
    );
  });
});

describe("names", () => {
  test("of toolsets that are not there come with near ones", () => {
    expect(() => findContract(catalogOf(epoch(1, "active", "sum")), call("sum", undefined, "mth"))).toThrow(
      refused("UNKNOWN_TOOLSET", {
        message: 'no toolset "mth" is registered; did you mean "math"?',
        metadata: { near: "math" },
      }),
    );
    expect(() => findContract(catalogOf(epoch(1, "active", "sum")), call("sum", undefined, "zebra"))).toThrow(
      refused("UNKNOWN_TOOLSET", { message: 'no toolset "zebra" is registered' }),
    );
  });

  test("of tools that are not there come with near ones", () => {
    expect(() => findContract(catalogOf(epoch(1, "active", "sum", "mul")), call("sun"))).toThrow(
      refused("UNKNOWN_TOOL", { message: expect.stringContaining('did you mean "sum"'), metadata: { near: "sum" } }),
    );
  });

  test("that every object has are not mistaken for tools", () => {
    for (const word of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
      expect(() => findContract(catalogOf(epoch(1, "active", "sum")), call(word))).toThrow(refused("UNKNOWN_TOOL"));
    }
  });
});
