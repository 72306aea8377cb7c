import { randomBytes } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { PasswordQueue } from "../../../src/access/credentials/password-queue.js";
import { login, logout, removeEndedSessions, setPassword } from "../../../src/access/credentials/people.js";
import { SESSION } from "../../../src/access/credentials/session-document.js";
import { USER } from "../../../src/access/credentials/user-document.js";
import { ANONYMOUS } from "../../../src/identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../../../src/identity/tenant.js";
import { TestAuthentication } from "./authentication-fixture.js";

/** How often the costly function has run: what its callers take for work is that. */
const work = vi.hoisted(() => ({ runs: 0 }));
vi.mock("../../../src/access/credentials/password-hash.js", async (importActual) => {
  const actual = await importActual<typeof import("../../../src/access/credentials/password-hash.js")>();
  return {
    ...actual,
    checkPassword(...check: Parameters<typeof actual.checkPassword>) {
      work.runs += 1;
      return actual.checkPassword(...check);
    },
  };
});
beforeEach(() => {
  work.runs = 0;
});

const BY = { author: ANONYMOUS, reason: "tests" };
const PASSWORD = "canary-password of ann";
const REFUSED = { reason: "UNAUTHENTICATED", message: "The login is refused: the name or the password is wrong." };

function set() {
  const node = new TestAuthentication();
  const { documents } = node;
  const counted: string[] = [];
  const forgiven: string[] = [];
  let waitMs = 0;
  const parts = {
    documents,
    copy: documents,
    clock: { nowMs: () => node.nowMs },
    randomBytes,
    passwords: new PasswordQueue(),
    attempts: {
      count: async ({ tenant, user, host }: { tenant: string; user: string; host: string }) => {
        counted.push(`${tenant}/${user} ${host}`);
        return waitMs;
      },
      forgive: async ({ user }: { user: string }) => void forgiven.push(user),
    },
    tenantHolds: (tenant: TenantName) => !node.missingTenants.has(tenant),
    roleExists: (_tenant: string, role: string) => role !== "nothing",
    sessionTtlMs: 3_600_000,
  };
  const person = (user: string, roles: readonly string[] = ["operator"], password = PASSWORD) =>
    setPassword(parts, { tenant: DEFAULT_TENANT, user, password, roles }, BY);
  const enter = (user: string, password = PASSWORD, tenant = "default") =>
    login(parts, { tenant, user, password, host: "192.0.2.1" });
  return { node, documents, parts, counted, forgiven, person, enter, limit: (ms: number) => (waitMs = ms) };
}

test("a person logs in, is who it is, and logs out", async () => {
  const { node, documents, parts, person, enter, forgiven } = set();
  await person("ann");
  const { token, expiresAtMs } = await enter("ann");
  expect(expiresAtMs).toBe(node.nowMs + 3_600_000);
  const identity = await node.bearer(token);
  expect(identity).toMatchObject({ principal: { id: "ann", kind: "user", roles: ["operator"] }, expiresAtMs });
  expect(forgiven).toEqual(["ann"]);
  expect(documents.dump()).not.toContain(token.split("_")[3]);
  expect(documents.dump()).not.toContain(PASSWORD);
  await logout(parts, identity);
  expect(node.authentication.holds(identity)).toBe(false);
  expect([...documents.all(SESSION)]).toEqual([]);
  await logout(parts, identity);
});

test("whatever is wrong is refused alike, after the same work", async () => {
  const { node, documents, person, enter, forgiven } = set();
  await person("ann");
  await person("off");
  const off = documents.get(USER, DEFAULT_TENANT, "off");
  documents.put("user", "off", { ...JSON.parse(String(off?.body)), disabled: true });
  documents.put("user", "eve", JSON.parse(String(off?.body)), "gone" as TenantName);
  node.missingTenants.add("gone");
  const wrong = [
    enter("ann", "correct horse batterY"),
    enter("nobody"),
    enter("off"),
    enter("eve", PASSWORD, "gone"),
    enter("ann", PASSWORD, "acme"),
    enter("ann", PASSWORD, "../default"),
    enter("__proto__"),
    enter("", ""),
    enter("x\n".repeat(1_000), PASSWORD),
  ];
  await Promise.all(wrong.map((one) => expect(one).rejects.toMatchObject(REFUSED)));
  expect(work.runs).toBe(wrong.length);
  expect(forgiven).toEqual([]);
});

test("who tried too often is told when to come back, and costs nothing", async () => {
  const { person, enter, limit, counted } = set();
  await person("ann");
  limit(12_345);
  await expect(enter("ann")).rejects.toMatchObject({ reason: "TOO_MANY_ATTEMPTS", retryAfterMs: 12_345 });
  expect(work.runs).toBe(0);
  expect(counted).toEqual(["default/ann 192.0.2.1"]);
});

test("a new password ends the sessions, and the former one", async () => {
  const { node, documents, person, enter } = set();
  await person("ann");
  const identity = await node.bearer((await enter("ann")).token);
  await person("ann", [], "another long password");
  expect(node.authentication.holds(identity)).toBe(false);
  await expect(enter("ann")).rejects.toMatchObject(REFUSED);
  await enter("ann", "another long password");
  expect(documents.get(USER, DEFAULT_TENANT, "ann")?.spec.roles).toEqual(["operator"]);
});

test("bad requests change nothing", async () => {
  const { documents, person } = set();
  const bad = [
    person("ann", []),
    person("ann", ["nothing"]),
    person("ann", ["operator"], "elevenchars"),
    person("ann", ["operator"], "x".repeat(257)),
    person("a/b"),
  ];
  await Promise.all(bad.map((one) => expect(one).rejects.toMatchObject({ reason: "INVALID_REQUEST" })));
  expect(documents.dump()).toBe("");
});

test("a person has a bounded number of sessions: the oldest goes", async () => {
  const { node, documents, person, enter } = set();
  await person("ann");
  const first = await enter("ann");
  for (let n = 0; n < 32; n++) {
    node.nowMs += 1;
    await enter("ann");
  }
  expect([...documents.all(SESSION)]).toHaveLength(32);
  expect(() => node.bearer(first.token)).toThrow();
});

test("sessions that have ended are removed, others are not", async () => {
  const { node, documents, parts, person, enter } = set();
  await person("ann");
  await enter("ann");
  node.nowMs += 3_600_000 - 1;
  const { token } = await enter("ann");
  node.nowMs += 1;
  expect(await removeEndedSessions(parts, BY)).toBe(1);
  expect([...documents.all(SESSION)]).toHaveLength(1);
  expect(node.bearer(token)).toBeDefined();
});

test("few passwords are looked at at once, and few wait", async () => {
  const queue = new PasswordQueue();
  let [running, most] = [0, 0];
  let free: () => void = () => {};
  const freed = new Promise<void>((resolve) => {
    free = resolve;
  });
  const tasks = Array.from({ length: 40 }, () =>
    queue.run(async () => {
      most = Math.max(most, ++running);
      await freed;
      running--;
    }),
  );
  const settled = Promise.allSettled(tasks);
  free();
  const refused = (await settled).filter((one) => one.status === "rejected");
  expect(most).toBe(2);
  expect(refused).toHaveLength(6);
  expect(refused[0]).toMatchObject({ reason: { reason: "LIMIT_EXCEEDED", retryAfterMs: 2_000 } });
  await queue.run(async () => {});
});
