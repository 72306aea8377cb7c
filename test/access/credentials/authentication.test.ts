import { expect, test } from "vitest";
import type { Identity } from "../../../src/access/access-control.js";
import type { Authentication } from "../../../src/access/credentials/authentication.js";
import { makeSecretToken } from "../../../src/access/credentials/secret-token.js";
import type { DocumentsReader } from "../../../src/documents/document.js";
import type { ToolgateError } from "../../../src/errors/toolgate-error.js";
import type { TenantName } from "../../../src/identity/tenant.js";
import { putKey, TestAuthentication } from "./authentication-fixture.js";

/** The one way in which credentials that do not hold are refused. */
const REFUSED = expect.objectContaining({
  reason: "UNAUTHENTICATED",
  message: "The request's credential does not hold: it is wrong, expired or revoked.",
});

function refusalOf(look: () => unknown): ToolgateError {
  try {
    look();
  } catch (error) {
    return error as ToolgateError; // compared by what it is
  }
  throw new Error("was let in");
}

test("a key stands for its principal", () => {
  const { documents, ...node } = new TestAuthentication();
  const { text, id } = putKey(documents, "ci", { roles: ["agent", "own"], tenant: "acme", attributes: { team: "x" } });
  const identity = node.authentication.authenticate({
    authorization: `Bearer ${text}`,
    certificate: undefined,
    peer: "",
  });
  expect(identity).toEqual({
    principal: { tenant: "acme", id: "ci", kind: "key", roles: ["agent", "own"], attributes: { team: "x" } },
    credential: `key/${id}`,
    expiresAtMs: Number.POSITIVE_INFINITY,
  });
});

test("the scheme's case does not matter, and a caller that is known is not verified again", () => {
  const node = new TestAuthentication();
  const { text } = putKey(node.documents, "ci");
  const first = node.with(`bEARER ${text}`);
  expect(node.with(`bEARER ${text}`)).toBe(first);
});

test("no credential is refused, and says so", () => {
  const node = new TestAuthentication();
  const refused = refusalOf(() => node.with(undefined));
  expect(refused.reason).toBe("UNAUTHENTICATED");
  expect(refused.message).toMatch(/has no credential/);
});

test("all that do not hold are refused with the same bytes", () => {
  const node = new TestAuthentication();
  const { text } = putKey(node.documents, "ci");
  const stranger = makeSecretToken("key", (size) => Buffer.alloc(size, 7)).text;
  const expired = putKey(node.documents, "old", { expiresAtMs: node.nowMs });
  const disabled = putKey(node.documents, "off", { disabled: true });
  const gone = putKey(node.documents, "gone", { tenant: "gone" });
  node.missingTenants.add("gone");
  const changed = text.slice(0, -1) + (text.endsWith("a") ? "b" : "a");
  const headers = [
    ...[changed, stranger, expired.text, disabled.text, gone.text, text.slice(0, -1), text.toUpperCase(), `${text} `],
    ...["tg_key_", "tg_session_", "eyJhbGciOiJub25lIn0.e30.", "a b"],
  ].map((credential) => `Bearer ${credential}`);
  const odd = ["", "Bearer", "Bearer ", `Basic ${text}`, text, `Bearer ${text}, Bearer ${text}`, "x".repeat(1_000_000)];
  for (const header of [...headers, ...odd]) {
    expect(
      refusalOf(() => node.with(header)),
      header.slice(0, 80),
    ).toEqual(REFUSED);
  }
});

test("the id of a key with another key's secret is refused", () => {
  const node = new TestAuthentication();
  const mine = putKey(node.documents, "mine");
  const theirs = putKey(node.documents, "theirs");
  // The same id in another document neither hides the key nor takes it over.
  const body = { roles: ["admin"], keys: [{ id: theirs.id, hash: mine.hash, createdAtMs: 1, expiresAtMs: 0 }] };
  node.documents.put("key", "forged", body, "other" as TenantName);
  expect(node.bearer(theirs.text)).toMatchObject({ principal: { id: "theirs" } });
  expect(node.bearer(mine.text)).toMatchObject({ principal: { id: "mine" } });
});

test("a key that two principals have stands for neither", () => {
  const node = new TestAuthentication();
  const { text, id, hash } = putKey(node.documents, "one");
  expect(node.bearer(text)).toBeDefined();
  node.documents.put("key", "two", { roles: ["admin"], keys: [{ id, hash, createdAtMs: 1, expiresAtMs: 0 }] });
  expect(refusalOf(() => node.bearer(text))).toEqual(REFUSED);
});

test("a key that is removed, revoked, disabled or expired does not hold any more, known or not", () => {
  const ends: [string, (node: TestAuthentication, id: string) => void][] = [
    ["removed", ({ documents }) => documents.put("key", "ci", undefined)],
    ["without keys", ({ documents }) => documents.put("key", "ci", { roles: ["agent"], keys: [] })],
    ["revoked", ({ documents }, id) => documents.put("revocation", "r", { credential: `key/${id}` })],
    ["its subject revoked", ({ documents }) => documents.put("revocation", "r", { credential: "subject/ci" })],
    ["expired", (node) => (node.nowMs += 10_000)],
    [
      "its tenant gone",
      (node) => {
        node.missingTenants.add("default");
        node.documents.put("tenant", "default", {});
      },
    ],
  ];
  for (const [name, end] of ends) {
    const node = new TestAuthentication();
    const { text, id } = putKey(node.documents, "ci", { expiresAtMs: node.nowMs + 10_000 });
    const identity = node.bearer(text) as Identity; // keys are verified at once
    expect(node.authentication.holds(identity)).toBe(true);
    end(node, id);
    expect(node.authentication.holds(identity), name).toBe(false);
    expect(node.authentication.current(identity), name).toBeUndefined();
    expect(
      refusalOf(() => node.bearer(text)),
      name,
    ).toEqual(REFUSED);
  }
});

test("a revocation concerns its tenant and its time alone", () => {
  const node = new TestAuthentication();
  const { text, id } = putKey(node.documents, "ci");
  node.documents.put("revocation", "other", { credential: `key/${id}` }, "acme" as TenantName);
  node.documents.put("revocation", "past", { credential: `key/${id}`, untilMs: node.nowMs });
  expect(node.bearer(text)).toBeDefined();
  node.documents.put("revocation", "now", { credential: `key/${id}`, untilMs: node.nowMs + 1 });
  expect(refusalOf(() => node.bearer(text))).toEqual(REFUSED);
});

test("with other roles the identity of a stream does not hold, and there is another one", () => {
  const node = new TestAuthentication();
  const { text, id, hash } = putKey(node.documents, "ci");
  const identity = node.bearer(text) as Identity; // keys are verified at once
  const keys = [{ id, hash, createdAtMs: 1, expiresAtMs: 0 }];
  node.documents.put("key", "ci", { roles: ["agent"], keys });
  expect(node.authentication.current(identity)).toBe(identity);
  node.documents.put("key", "ci", { roles: ["auditor"], keys });
  expect(node.authentication.holds(identity)).toBe(false);
  expect(node.authentication.current(identity)?.principal.roles).toEqual(["auditor"]);
});

test("an identity that was not made here does not hold", () => {
  const node = new TestAuthentication();
  const { text } = putKey(node.documents, "ci");
  const identity = node.bearer(text) as Identity; // keys are verified at once
  expect(node.authentication.holds({ ...identity })).toBe(false);
});

test("listeners are called when the change has been taken over", () => {
  const node = new TestAuthentication();
  const { text } = putKey(node.documents, "ci");
  const identity = node.bearer(text) as Identity; // keys are verified at once
  const seen: boolean[] = [];
  const end = node.authentication.onChange(() => seen.push(node.authentication.holds(identity)));
  node.documents.put("key", "ci", undefined);
  end();
  node.documents.put("key", "ci2", { roles: [], keys: [] });
  expect(seen).toEqual([false]);
});

test("a session stands for its user, as the user is now", () => {
  const node = new TestAuthentication();
  const { text, id, hash } = makeSecretToken("session", (size) => Buffer.alloc(size, 3));
  const user = { password: "$scrypt$x", roles: ["operator"] };
  node.documents.put("user", "ann", user);
  node.documents.put("session", id, { user: "ann", hash, createdAtMs: 1, expiresAtMs: node.nowMs + 1_000 });
  const identity = node.bearer(text) as Identity; // sessions are verified at once
  expect(identity).toMatchObject({
    principal: { id: "ann", kind: "user", roles: ["operator"] },
    credential: `session/${id}`,
    expiresAtMs: node.nowMs + 1_000,
  });
  // As a key, the same id and secret are nothing.
  expect(refusalOf(() => node.bearer(text.replace("tg_session", "tg_key")))).toEqual(REFUSED);
  node.documents.put("user", "ann", { ...user, disabled: true });
  expect(node.authentication.holds(identity)).toBe(false);
  expect(refusalOf(() => node.bearer(text))).toEqual(REFUSED);
});

test("the use of a key is told at most once in a minute", () => {
  const node = new TestAuthentication();
  const { text, id } = putKey(node.documents, "ci");
  for (const passedMs of [0, 1, 59_998, 1, 100]) {
    node.nowMs += passedMs;
    node.bearer(text);
  }
  expect(node.uses).toEqual([id, id]);
});

test("what fails inside is a refusal", () => {
  const node = new TestAuthentication();
  const { text } = putKey(node.documents, "ci");
  const identity = node.bearer(text) as Identity; // keys are verified at once
  node.documents.put("key", "other", { roles: [], keys: [] });
  Object.defineProperty(node, "nowMs", {
    get() {
      throw new Error("no clock");
    },
  });
  expect(refusalOf(() => node.bearer(text))).toEqual(REFUSED);
  expect(node.authentication.holds(identity)).toBe(false);
});

test("no key, and no part of one but its id, gets into a line or an error", () => {
  const node = new TestAuthentication();
  const { text } = putKey(node.documents, "ci");
  const secret = text.split("_")[3] ?? "";
  const wrong = putKey(node.documents, "gone").text;
  node.documents.put("key", "gone", undefined);
  const errors = [wrong, `${text}x`, text.slice(0, -2)].map((one) => refusalOf(() => node.bearer(one)));
  const said =
    node.lines.join("") + errors.map((error) => JSON.stringify(error) + error.message + error.stack).join("");
  expect(node.lines.length).toBeGreaterThan(0);
  for (const canary of [secret, secret.slice(0, 12), wrong.split("_")[3] ?? "", text])
    expect(said).not.toContain(canary);
});

test("following the documents ends with stop", () => {
  const node: { authentication: Authentication; documents: DocumentsReader } = new TestAuthentication();
  let told = 0;
  node.authentication.onChange(() => told++);
  node.authentication.stop();
  (node as TestAuthentication).documents.put("key", "ci", { roles: [], keys: [] });
  expect(told).toBe(0);
});
