import semver from "semver";
import { describe, expect, test } from "vitest";
import { chooseVersion, fingerprintOf, parseDerivedVersion } from "../../src/hosting/derived-version.js";

const [A, B, C] = ["a", "b", "c"].map(fingerprintOf) as [string, string, string];

/** The version that a contract gets beside what is registered. */
function next(fingerprint: string, registered: readonly string[], server = "1.4.0", replace = false): string {
  const choice = chooseVersion(fingerprint, server, registered, replace);
  if (choice.kind === "former") throw new Error("it was registered before");
  return choice.version;
}

describe("a version that follows from the contract", () => {
  const first = next(A, []);
  const second = next(B, [first]);

  test("is semantic, and begins with the server's own", () => {
    expect(first).toBe(`1.4.0-c.1.x${A}`);
    expect(semver.valid(second)).toBe(second);
    expect(next(A, [], "1.4.0-rc.1")).toBe(first);
  });

  test("is the same for the same contract, whatever the server says of its version then", () => {
    expect(chooseVersion(A, "1.4.0", [first], false)).toEqual({ kind: "registered", version: first });
    expect(next(A, [first], "1.5.0")).toBe(first);
    expect(next(B, [first, second])).toBe(second);
  });

  test("is higher for another contract, the same for all who derive it from the same", () => {
    expect(semver.gt(second, first)).toBe(true);
    expect(second).toBe(next(B, [first]));
    expect(parseDerivedVersion(second)).toEqual({ count: 2, fingerprint: B, former: [A] });
    expect(semver.gt(next(C, [second], "1.5.0"), second)).toBe(true);
  });

  test("is above a candidate too", () => {
    expect(semver.gt(next(C, [first, second]), second)).toBe(true);
  });

  test("is the active one's for its contract, though a candidate is to replace it", () => {
    expect(next(A, [first, second])).toBe(first);
  });

  test("is refused to a contract that was replaced, unless it is to replace", () => {
    expect(chooseVersion(A, "1.4.0", [second], false)).toEqual({ kind: "former", replacedBy: second });
    const back = next(A, [second], "1.4.0", true);
    expect(semver.gt(back, second)).toBe(true);
    expect(parseDerivedVersion(back)).toEqual({ count: 3, fingerprint: A, former: [B] });
  });

  test("is lower for a server that is older by its own version", () => {
    expect(semver.lt(next(C, [second], "1.3.9"), second)).toBe(true);
  });

  test("remembers eight contracts, and stays short", () => {
    let version = first;
    for (let i = 0; i < 30; i += 1) version = next(fingerprintOf(i), [version]);
    expect(version.length).toBeLessThan(120);
    expect(parseDerivedVersion(version)?.former).toHaveLength(8);
    expect(chooseVersion(fingerprintOf(21), "1.4.0", [version], false).kind).toBe("former");
  });

  test("does not read other versions", () => {
    for (const version of ["1.4.0", "1.4.0-c.1", "1.4.0-c.0.x0123456789", "1.4.0-c.1.x012345678"]) {
      expect(parseDerivedVersion(version)).toBeUndefined();
    }
    expect(next(A, ["1.4.0"])).toBe(first);
  });
});

test("a fingerprint does not depend on the order of members", () => {
  expect(fingerprintOf({ a: 1, b: [2] })).toBe(fingerprintOf({ b: [2], a: 1 }));
  expect(fingerprintOf({ a: 1 })).not.toBe(fingerprintOf({ a: 2 }));
});
