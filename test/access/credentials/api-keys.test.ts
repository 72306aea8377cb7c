import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { createKey, MAX_OVERLAP_MS, revokeKey, rotateKey } from "../../../src/access/credentials/api-keys.js";
import { KEY, MAX_KEYS } from "../../../src/access/credentials/key-document.js";
import { ANONYMOUS } from "../../../src/identity/principal.js";
import { DEFAULT_TENANT } from "../../../src/identity/tenant.js";
import { TestAuthentication } from "./authentication-fixture.js";

const BY = { author: ANONYMOUS, reason: "tests" };

function set() {
  const node = new TestAuthentication();
  const { documents } = node;
  const parts = {
    documents,
    copy: documents,
    clock: { nowMs: () => node.nowMs },
    randomBytes,
    roleExists: (_tenant: string, role: string) => role !== "nothing",
  };
  const make = (principal: string, more: { roles?: readonly string[]; ttlMs?: number } = {}) =>
    createKey(parts, { tenant: DEFAULT_TENANT, principal, roles: more.roles ?? [], ttlMs: more.ttlMs ?? 0 }, BY);
  const rotate = (principal: string, overlapMs: number) =>
    rotateKey(parts, { tenant: DEFAULT_TENANT, principal, overlapMs, ttlMs: 0 }, BY);
  const revoke = (principal: string, keyId = "") => revokeKey(parts, { tenant: DEFAULT_TENANT, principal, keyId }, BY);
  const holds = (text: string): boolean => {
    try {
      return node.bearer(text) !== undefined;
    } catch {
      return false;
    }
  };
  return { node, documents, make, rotate, revoke, holds };
}

test("a new key lets its principal in, and is stored as a hash", async () => {
  const { node, documents, make } = set();
  const { text, id, expiresAtMs } = await make("ci", { roles: ["agent", "agent"] });
  expect(node.bearer(text)).toMatchObject({ principal: { id: "ci", roles: ["agent"] }, credential: `key/${id}` });
  expect(expiresAtMs).toBe(0);
  const secret = text.split("_")[3] ?? "";
  expect(secret).toHaveLength(43);
  expect(documents.dump()).not.toContain(secret);
});

test("hashes are left out of what is shown", async () => {
  const { documents, make } = set();
  const { id } = await make("ci", { roles: ["agent"] });
  const document = documents.get(KEY, DEFAULT_TENANT, "ci");
  const shown = KEY.redact?.(JSON.parse(String(document?.body)));
  expect(JSON.stringify(shown)).not.toContain(document?.spec.keys[0]?.hash);
  expect(shown).toMatchObject({ roles: ["agent"], keys: [{ id, expiresAtMs: 0 }] });
});

test("what is shown can be edited and applied again: each key that is still there keeps its hash", async () => {
  const { documents, make } = set();
  const { id } = await make("ci", { roles: ["agent"] });
  const stored = JSON.parse(String(documents.get(KEY, DEFAULT_TENANT, "ci")?.body));
  const shown = () => KEY.redact?.(structuredClone(stored)) as { keys: object[] }; // of a key's document
  expect(JSON.stringify(KEY.restore?.(shown(), stored))).toBe(JSON.stringify(stored));
  expect(KEY.restore?.({ ...shown(), roles: ["provider"] }, stored)).toEqual({ ...stored, roles: ["provider"] });
  const foreign = { ...shown(), keys: [{ id: "aaaaaaaaaaaa", createdAtMs: 0, expiresAtMs: 0 }] };
  expect(KEY.restore?.(foreign, stored)).toBe(foreign);
  const other = { id, hash: "x".repeat(43), createdAtMs: 0, expiresAtMs: 0 };
  expect(KEY.restore?.({ ...stored, keys: [other] }, stored)).toMatchObject({ keys: [other] });
  for (const odd of [{}, { keys: 1 }, { keys: [null, 1, "x"] }]) {
    expect(KEY.restore?.(odd, stored)).toBe(odd);
    expect(KEY.restore?.(stored, odd)).toBe(stored);
  }
});

test("a second key leaves the first and the roles, where none are given", async () => {
  const { node, make } = set();
  const first = await make("ci", { roles: ["agent"] });
  const second = await make("ci", { ttlMs: 1_000 });
  for (const { text } of [first, second]) expect(node.bearer(text)).toMatchObject({ principal: { roles: ["agent"] } });
  expect(second.expiresAtMs).toBe(node.nowMs + 1_000);
  await make("ci", { roles: ["auditor"] });
  expect(node.bearer(first.text)).toMatchObject({ principal: { roles: ["auditor"] } });
});

test("bad requests change nothing", async () => {
  const { documents, make, rotate, revoke } = set();
  await make("ci", { roles: ["agent"] });
  const before = documents.dump();
  const bad = [
    make("new"),
    make("ci", { roles: ["nothing"] }),
    make("ci", { ttlMs: -1 }),
    make("ci", { ttlMs: Number.NaN }),
    make("../ci", { roles: ["agent"] }),
    make("", { roles: ["agent"] }),
    rotate("ci", MAX_OVERLAP_MS + 1),
    rotate("ci", -1),
    revoke(""),
  ];
  await Promise.all(bad.map((one) => expect(one).rejects.toMatchObject({ reason: "INVALID_REQUEST" })));
  const unknown = [rotate("nobody", 0), revoke("nobody"), revoke("", "aaaaaaaaaaaa"), revoke("ci", "aaaaaaaaaaaa")];
  await Promise.all(unknown.map((one) => expect(one).rejects.toMatchObject({ reason: "UNKNOWN_DOCUMENT" })));
  expect(documents.dump()).toBe(before);
});

test("a former key holds for the overlap, and not after it", async () => {
  const { node, make, rotate, holds } = set();
  const first = await make("ci", { roles: ["agent"] });
  const second = await rotate("ci", 5_000);
  expect(second.formerUntilMs).toBe(node.nowMs + 5_000);
  expect([holds(first.text), holds(second.text)]).toEqual([true, true]);
  node.nowMs += 5_000;
  expect([holds(first.text), holds(second.text)]).toEqual([false, true]);
  const third = await rotate("ci", 0);
  expect([holds(second.text), holds(third.text)]).toEqual([false, true]);
});

test("an overlap does not make a key hold longer than it would have", async () => {
  const { node, make, rotate, holds } = set();
  const first = await make("ci", { roles: ["agent"], ttlMs: 1_000 });
  await rotate("ci", 5_000);
  node.nowMs += 1_000;
  expect(holds(first.text)).toBe(false);
});

test("one key or all are revoked, also by the key's id alone", async () => {
  const { make, revoke, holds } = set();
  const keys = [await make("ci", { roles: ["agent"] }), await make("ci"), await make("ci"), await make("ci")];
  const [first, second] = keys;
  expect(await revoke("ci", first?.id)).toBe(1);
  expect(await revoke("", second?.id)).toBe(1);
  expect(keys.map(({ text }) => holds(text))).toEqual([false, false, true, true]);
  expect(await revoke("ci")).toBe(2);
  expect(keys.map(({ text }) => holds(text))).toEqual([false, false, false, false]);
});

test("a principal has a bounded number of keys, of which expired ones do not count", async () => {
  const { node, make } = set();
  await make("ci", { roles: ["agent"], ttlMs: 1_000 });
  for (let made = 1; made < MAX_KEYS; made++) await make("ci");
  await expect(make("ci")).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
  node.nowMs += 1_001;
  await make("ci");
});

test("changes that meet are all made", async () => {
  const { documents, make, holds } = set();
  await make("ci", { roles: ["agent"] });
  let others = 3;
  documents.beforeWrite = async () => {
    if (others-- > 0) documents.put("key", "ci", { roles: ["agent", `r${others}`], keys: [] });
  };
  const { text } = await make("ci");
  expect(holds(text)).toBe(true);
  expect(documents.get(KEY, DEFAULT_TENANT, "ci")?.spec.roles).toEqual(["agent", "r0"]);
});
