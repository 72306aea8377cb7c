import { describe, expect, test } from "vitest";
import { nextState, type ProviderChange, type ProviderState } from "../../src/sdk/provider-state.js";

const lease = { epoch: 7, token: "secret" };
const address = "127.0.0.1:1";
const connecting: ProviderState = { kind: "connecting", lease: undefined };

function reached(start: ProviderState, ...changes: ProviderChange[]): ProviderState {
  return changes.reduce(nextState, start);
}

const found: ProviderChange = { kind: "found", address };
const registered: ProviderChange = { kind: "registered", lease };
const serving = reached(connecting, found, registered, { kind: "welcomed" });

describe("a provider's state", () => {
  test("goes from connecting through registering and attaching to serving", () => {
    expect(reached(connecting, found)).toEqual({ kind: "registering", address });
    expect(reached(connecting, found, registered)).toEqual({ kind: "attaching", address, lease });
    expect(serving).toEqual({ kind: "serving", address, lease });
  });

  test("keeps the lease over a lost session, and does not register again", () => {
    expect(reached(serving, { kind: "detached" })).toEqual({ kind: "connecting", lease });
    expect(reached(serving, { kind: "detached" }, found)).toEqual({ kind: "attaching", address, lease });
  });

  test("registers again after a lost lease", () => {
    expect(reached(serving, { kind: "lease_lost" }, found)).toEqual({ kind: "registering", address });
  });

  test("stays draining whatever happens to the session, and never registers again", () => {
    const draining = reached(serving, { kind: "drain" });
    expect(draining).toEqual({ kind: "draining", lease, attached: true });
    expect(reached(draining, { kind: "detached" }, found)).toEqual({ kind: "draining", lease, attached: false });
    expect(reached(draining, { kind: "detached" }, found, { kind: "welcomed" })).toEqual(draining);
    expect(reached(draining, { kind: "drain" })).toBe(draining);
    expect(reached(draining, { kind: "lease_lost" }, found)).toMatchObject({ kind: "draining", lease: undefined });
  });

  test("knows the lease that a registration under way was granted, also when it is draining by then", () => {
    expect(reached(connecting, found, { kind: "drain" }, registered)).toMatchObject({ kind: "draining", lease });
  });

  test("is closed for ever", () => {
    const closed = reached(serving, { kind: "close", reason: { kind: "stopped" } });
    expect(closed).toEqual({ kind: "closed", reason: { kind: "stopped" } });
    const changes: ProviderChange[] = [
      found,
      registered,
      { kind: "welcomed" },
      { kind: "drain" },
      { kind: "detached" },
    ];
    expect(reached(closed, ...changes)).toBe(closed);
  });

  test.each<[ProviderState, ProviderChange]>([
    [serving, found],
    [serving, registered],
    [connecting, { kind: "welcomed" }],
    [serving, { kind: "welcomed" }],
  ])("refuses what cannot happen: %j, %j", (state, change) => {
    expect(() => nextState(state, change)).toThrow(/cannot handle/);
  });
});
