import { describe, expect, test } from "vitest";
import { ContractText, createContractCache, cutDescription } from "../../src/catalog/contract-text.js";
import {
  type EpochState,
  epochView,
  isCallable,
  isHealthy,
  toolsetView,
  withHealth,
} from "../../src/catalog/toolset-view.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import { parseEpoch } from "../../src/identity/names.js";
import { readHealth } from "../../src/store/registry/health-entry.js";
import { readField, readRecord } from "../../src/store/registry/stored-record.js";
import { contract, name } from "./hand-written-catalog.js";

const rule = { intervalMs: 10_000, missed: 3 };
const health = (lastPongMs: number, liveUntilMs: number) => ({ health: { lastPongMs, liveUntilMs, room: 1 } });

describe("an epoch is healthy", () => {
  const now = 1_000_000;
  test.each([
    ["never ponged", health(0, now + 1), false],
    ["ponged just now, with a live lease", health(now, now + 1), true],
    ["last pong exactly four intervals old", health(now - 40_000, now + 1), true],
    ["last pong a millisecond older than that", health(now - 40_001, now + 1), false],
    ["last lease ends now", health(now, now), false],
    ["no lease", health(now, 0), false],
    ["pong of the future, by a clock estimated too low", health(now + 50, now + 1), true],
  ])("%s", (_, epoch, healthy) => {
    expect(isHealthy(epoch, now, rule)).toBe(healthy);
  });
});

describe("a toolset's view", () => {
  const sealed = sealContract(contract("files"));
  const cache = createContractCache(10);
  const text = ContractText.check(name("files"), sealed.digest, sealed.canonicalJson, cache, () => {});
  if (text === undefined) throw new Error("the digest fits");
  const epoch = (number: number, state: EpochState, lastPongMs = 0) =>
    epochView(
      name("files"),
      {
        epoch: parseEpoch(number, "epoch"),
        digest: sealed.digest,
        version: "1.0.0",
        state,
        registeredAtMs: 0,
        activateAt: 0.5,
        maxBacklog: 1,
        retentionMs: 1,
        retireAfterMs: 1,
        retireAtMs: 0,
      },
      text,
      { lastPongMs, liveUntilMs: 2_000, room: 1 },
    );

  test("shows the active epoch, else the candidate, else the newest that retires", () => {
    const shown = (...epochs: ReturnType<typeof epoch>[]) => toolsetView(name("files"), "", epochs)?.shown.epoch;
    expect(shown(epoch(1, "retiring"), epoch(3, "candidate"), epoch(2, "active"))).toBe(2);
    expect(shown(epoch(1, "retiring"), epoch(3, "candidate"))).toBe(3);
    expect(shown(epoch(1, "retiring"), epoch(2, "retiring"))).toBe(2);
    expect(shown()).toBeUndefined();
  });

  test("is callable by its active epoch alone", () => {
    const candidate = toolsetView(name("files"), "", [epoch(1, "candidate", 1_000)]);
    const active = toolsetView(name("files"), "", [epoch(1, "active", 1_000)]);
    expect(candidate && isCallable(candidate, 1_000, rule)).toBe(false);
    expect(active && isCallable(active, 1_000, rule)).toBe(true);
  });

  test("stays the same object while no health changes", () => {
    const view = toolsetView(name("files"), "", [epoch(1, "active", 1_000)]);
    if (view === undefined) throw new Error("it has an epoch");
    expect(withHealth(view, () => ({ lastPongMs: 1_000, liveUntilMs: 2_000, room: 1 }))).toBe(view);
    const news = withHealth(view, () => ({ lastPongMs: 1_500, liveUntilMs: 2_000, room: 1 }));
    expect(news).not.toBe(view);
    expect(news.active?.health.lastPongMs).toBe(1_500);
    expect(view.active?.health.lastPongMs).toBe(1_000);
  });
});

describe("what is stored", () => {
  test("fields of records and of contracts are told apart", () => {
    expect(readField("files")).toEqual({ kind: "record", name: "files" });
    expect(readField("files@17")).toEqual({ kind: "contract", name: "files", epoch: "17" });
  });

  test.each([
    ["1 active 5 6 7 1", { lastPongMs: 5, liveUntilMs: 6, room: 7 }],
    ["1 resting 5 6 7 1 and more", { lastPongMs: 5, liveUntilMs: 6, room: 7 }],
    ["2 active 5 6 7 1", { lastPongMs: 0, liveUntilMs: 0, room: 0 }],
    ["1 active 5 6", { lastPongMs: 0, liveUntilMs: 0, room: 0 }],
    ["1 active x 6 7 0", { lastPongMs: 0, liveUntilMs: 0, room: 0 }],
    ["1 active -5 6 7 0", { lastPongMs: 0, liveUntilMs: 0, room: 0 }],
    ["", { lastPongMs: 0, liveUntilMs: 0, room: 0 }],
    [null, { lastPongMs: 0, liveUntilMs: 0, room: 0 }],
  ])("health %j", (text, health) => {
    expect(readHealth(text)).toEqual(health);
  });

  test.each([
    "null",
    "[]",
    "7",
    '"files"',
    '{"name":"files"}',
    '{"name":"files","epochs":7}',
    '{"name":"files","epochs":{"1":2}}',
  ])("the record %s is bad", (text) => {
    expect(readRecord("files", text)).toMatchObject({ kind: "bad" });
  });

  test("a bad epoch is named, and the others are kept", () => {
    const good = { epoch: 2, digest: "a".repeat(64), version: "1.0.0", state: "active" };
    const epochs = [good, null, { ...good, epoch: 0 }, { ...good, digest: "x" }, { ...good, state: 7 }];
    expect(readRecord("files", JSON.stringify({ name: "files", epochs }))).toMatchObject({
      kind: "good",
      record: { owner: "", epochs: [{ epoch: 2, activateAt: 0.5, retireAtMs: 0 }] },
      badEpochs: { length: 4 },
    });
  });
});

test("a description is cut to 512 characters, and never within one", () => {
  expect(cutDescription("short")).toBe("short");
  expect(cutDescription("x".repeat(600))).toBe("x".repeat(512));
  expect(cutDescription(`${"x".repeat(511)}😀`)).toBe("x".repeat(511));
});
