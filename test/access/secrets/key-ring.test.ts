import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type KeyRing, parseKeyRing } from "../../../src/access/secrets/key-ring.js";

const key = () => randomBytes(32).toString("base64url");
const OLD = `k1 ${key()}`;
const NEW = `k2 ${key()}`;
const ring = (...lines: string[]): KeyRing => parseKeyRing(lines.join("\n"), randomBytes);
const SECRET = Buffer.from("s3cret-of-an-upstream");

describe("a key ring", () => {
  test("opens what it has sealed, for what it was sealed for", () => {
    const keys = ring(NEW);
    const sealed = keys.seal(SECRET, "upstream/one");
    expect(sealed).not.toContain("s3cret");
    expect(sealed).toMatch(/^1\.k2\.[\w-]{16}\.[\w-]+$/);
    expect(keys.open(sealed, "upstream/one")).toEqual({ kind: "opened", secret: SECRET });
    expect(keys.open(sealed, "upstream/two")).toMatchObject({ kind: "unreadable" });
    expect(keys.seal(SECRET, "upstream/one"), "a nonce of its own").not.toBe(sealed);
  });

  test("opens what an earlier key has sealed, and seals with the newest", () => {
    const former = ring(OLD).seal(SECRET, "x");
    const rotated = ring(NEW, OLD);
    expect(rotated.open(former, "x")).toEqual({ kind: "opened", secret: SECRET });
    expect(rotated.isOutdated(former)).toBe(true);
    const renewed = rotated.seal(SECRET, "x");
    expect(rotated.isOutdated(renewed)).toBe(false);
    expect(ring(NEW).open(renewed, "x")).toMatchObject({ kind: "opened" });
    expect(ring(NEW).open(former, "x")).toEqual({ kind: "unreadable", why: 'the key ring has no key "k1"' });
  });

  test("does not open what was changed in any character", () => {
    const keys = ring(NEW, OLD);
    const sealed = keys.seal(SECRET, "x");
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === "A" ? "B" : "A";
      const changed = `${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`;
      const opened = keys.open(changed, "x");
      // The last character of base64 has bits that stand for nothing.
      if (opened.kind === "opened") expect([sealed.length - 1]).toContain(at);
    }
    for (const text of ["", "1", "1.k2", "1.k2..", `2${sealed.slice(1)}`, `${sealed}.x`, "1.__proto__.AAAA.AAAA"])
      expect(keys.open(text, "x")).toMatchObject({ kind: "unreadable" });
  });

  test("signs with the newest key, and knows the signatures of all", () => {
    const former = ring(OLD).sign("audit", "data");
    const keys = ring(NEW, OLD);
    expect(keys.verify("audit", "data", former)).toBe("valid");
    expect(keys.sign("audit", "data").keyId).toBe("k2");
    expect(keys.verify("audit", "datum", former)).toBe("invalid");
    expect(keys.verify("other", "data", former)).toBe("invalid");
    expect(ring(NEW).verify("audit", "data", former)).toBe("unknown key");
    expect(keys.verify("audit", "data", { ...former, mac: "" })).toBe("invalid");
  });
});

describe("the text of a key ring", () => {
  test("may have comments and empty lines, and other newlines", () => {
    expect(ring("# keys", "", `${NEW}\r`, OLD).currentId).toBe("k2");
  });

  test.each([
    ["", "has no key"],
    ["k1", "line 1"],
    [`k1 ${"A".repeat(42)}`, "line 1"],
    [`k 1 ${key()}`, "line 1"],
    [`# x\n-k ${key()}`, "line 2"],
    [`${OLD}\nk1 ${key()}`, "line 2 of the key ring has the id of another line"],
    [Array.from({ length: 65 }, (_, i) => `k${i} ${key()}`).join("\n"), "line 65 of the key ring is over the limit"],
  ])("that is wrong is refused, by its line, and never shown", (text, said) => {
    expect(() => ring(text)).toThrow(said);
    try {
      ring(text);
    } catch (error) {
      for (const [word] of text.matchAll(/[\w-]{40,}/g)) expect(String(error)).not.toContain(word);
    }
  });
});
