import { describe, expect, test } from "vitest";
import type { Digest, Epoch } from "../../../src/identity/names.js";
import { decideRegistration, MAX_EPOCHS } from "../../../src/store/registry/decide-registration.js";
import type { EpochRecord, EpochState, ToolsetRecord } from "../../../src/store/registry/toolset-record.js";
import { TOOLSET } from "./registry-fixture.js";

const digest = (letter: string): Digest => letter.repeat(64) as Digest; // a made-up one

function epoch(number: number, state: EpochState, version: string, letter: string): EpochRecord {
  return {
    epoch: number as Epoch, // a made-up one
    digest: digest(letter),
    version,
    state,
    registeredAtMs: number,
    activateAt: 0.5,
    maxBacklog: 100,
    retentionMs: 1,
    retireAfterMs: 1,
    retireAtMs: 0,
  };
}

const record = (...epochs: EpochRecord[]): ToolsetRecord => ({ name: TOOLSET, owner: "t/a", generation: 3, epochs });
const ask = (letter: string, version: string, replace = false) => ({
  owner: "t/a",
  administers: false,
  digest: digest(letter),
  version,
  replace,
});

describe("a registration", () => {
  test("makes the first epoch of an unknown name", () => {
    expect(decideRegistration(undefined, ask("a", "1.0.0"))).toEqual({ kind: "create" });
  });

  test("joins the active epoch that has its contract", () => {
    expect(decideRegistration(record(epoch(7, "active", "1.0.0", "a")), ask("a", "1.0.0"))).toEqual({
      kind: "join",
      epoch: 7,
    });
  });

  test("makes no more epochs than a toolset may have, and joins one that is there", () => {
    const retiring = (count: number) =>
      Array.from({ length: count }, (_, index) => epoch(index + 1, "retiring", "0.1.0", "r"));
    const active = epoch(100, "active", "1.0.0", "a");
    const crowded = record(...retiring(MAX_EPOCHS - 1), active);
    expect(decideRegistration(crowded, ask("b", "2.0.0"))).toEqual({ kind: "crowded" });
    expect(decideRegistration(crowded, ask("b", "0.1.0", true))).toEqual({ kind: "crowded" });
    expect(decideRegistration(crowded, ask("a", "1.0.0"))).toEqual({ kind: "join", epoch: 100 });
    expect(decideRegistration(crowded, ask("b", "1.0.0"))).toMatchObject({ kind: "conflict" });
    expect(decideRegistration(record(...retiring(MAX_EPOCHS - 2), active), ask("b", "2.0.0"))).toEqual({
      kind: "create",
    });
  });

  test("joins a candidate that has its contract", () => {
    const both = record(epoch(7, "active", "1.0.0", "a"), epoch(8, "candidate", "1.1.0", "b"));
    expect(decideRegistration(both, ask("b", "1.1.0"))).toEqual({ kind: "join", epoch: 8 });
  });

  test("makes an epoch of another contract whose version is higher", () => {
    expect(decideRegistration(record(epoch(7, "active", "1.9.0", "a")), ask("b", "1.10.0"))).toEqual({
      kind: "create",
    });
  });

  test("is refused with another contract of the same version", () => {
    const active = epoch(7, "active", "1.0.0", "a");
    expect(decideRegistration(record(active), ask("b", "1.0.0"))).toEqual({ kind: "conflict", with: active });
  });

  test("is refused with another contract of a lower version", () => {
    const active = epoch(7, "active", "2.0.0", "a");
    expect(decideRegistration(record(active), ask("b", "1.9.9"))).toEqual({ kind: "conflict", with: active });
  });

  test("is refused when only build metadata differs: it does not make a version higher", () => {
    expect(decideRegistration(record(epoch(7, "active", "1.0.0+1", "a")), ask("b", "1.0.0+2")).kind).toBe("conflict");
  });

  test("is refused below a candidate's version, even above the active one's", () => {
    const candidate = epoch(8, "candidate", "3.0.0", "b");
    const both = record(epoch(7, "active", "1.0.0", "a"), candidate);
    expect(decideRegistration(both, ask("c", "2.0.0"))).toEqual({ kind: "conflict", with: candidate });
  });

  test("with replace makes an epoch of a lower version: the way back", () => {
    expect(decideRegistration(record(epoch(7, "active", "2.0.0", "a")), ask("b", "1.0.0", true))).toEqual({
      kind: "create",
    });
  });

  test("does not join a retiring epoch: a crash-looping old replica cannot take the toolset back", () => {
    const rolling = record(epoch(7, "retiring", "1.0.0", "a"), epoch(8, "active", "2.0.0", "b"));
    expect(decideRegistration(rolling, ask("a", "1.0.0")).kind).toBe("conflict");
  });

  test("of another principal is refused, also with replace", () => {
    const other = { ...ask("a", "9.0.0", true), owner: "t/b" };
    expect(decideRegistration(record(epoch(7, "active", "1.0.0", "a")), other)).toEqual({ kind: "not_owner" });
  });

  test("takes the name over where its principal may administer, and where it was registered while the registry was open", () => {
    const of = (owner: string) => ({ ...record(epoch(7, "active", "1.0.0", "a")), owner });
    const other = { ...ask("a", "1.0.0"), owner: "t/b" };
    expect(decideRegistration(of("t/a"), { ...other, administers: true })).toEqual({ kind: "join", epoch: 7 });
    expect(decideRegistration(of("default/anonymous"), other)).toEqual({ kind: "join", epoch: 7 });
    expect(decideRegistration(of("t/anonymous"), other)).toEqual({ kind: "not_owner" });
  });
});
