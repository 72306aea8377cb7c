import { expect, test } from "vitest";
import { CERTIFICATE } from "../../src/access/credentials/certificate-document.js";
import { ISSUER } from "../../src/access/credentials/issuer-document.js";
import { KEY } from "../../src/access/credentials/key-document.js";
import { REVOCATION } from "../../src/access/credentials/revocation-document.js";
import { USER } from "../../src/access/credentials/user-document.js";
import { ROLE } from "../../src/access/policy/role.js";
import { SHARE } from "../../src/access/policy/share.js";
import { TENANT } from "../../src/access/policy/tenant-document.js";
import { policyCheck, wouldLockOut } from "../../src/access/policy-check.js";
import { runSync } from "../../src/async/steps.js";
import type { DocumentKind } from "../../src/documents/document.js";
import { type ProposedChange, ProposedDocuments } from "../../src/documents/proposed-documents.js";
import { ANONYMOUS, type Principal } from "../../src/identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../../src/identity/tenant.js";
import { LIMIT } from "../../src/limits/limit.js";
import { WEBHOOK } from "../../src/webhooks/webhook.js";
import { contract, tool } from "../catalog/hand-written-catalog.js";
import { CatalogInMemory } from "./catalog-in-memory.js";
import { DocumentsInMemory } from "./policy/documents-in-memory.js";

const ACME = "acme" as TenantName;
const NOW_MS = 1_000;
const PASSWORD = "$scrypt$x";
const ADMIN: Principal = { tenant: DEFAULT_TENANT, id: "root", kind: "key", roles: ["admin"], attributes: {} };
const CLUSTER_ADMIN: Principal = { ...ADMIN, roles: ["admin", "cluster-admin"] };

function key(roles: readonly string[], facts: { readonly disabled?: boolean; readonly expiresAtMs?: number } = {}) {
  const { expiresAtMs = 0, ...more } = facts;
  return { roles, ...more, keys: [{ id: "abcdefghijkl", hash: "A".repeat(43), createdAtMs: 1, expiresAtMs }] };
}

function issuer(facts: object) {
  const claims = { id: "sub", roles: "groups" };
  return { issuer: "https://idp.example.com", audiences: ["toolgate"], algorithms: ["ES256"], claims, ...facts };
}

type Change = readonly [kind: DocumentKind<unknown>, name: string, body: unknown, tenant?: TenantName];

/** What comes of changes; a body that is undefined removes. */
function judge(
  documents: DocumentsInMemory,
  changes: readonly Change[],
  author = CLUSTER_ADMIN,
  force = false,
  catalog = new CatalogInMemory(),
) {
  const proposed = changes.map(([kind, name, body, tenant = DEFAULT_TENANT]): ProposedChange => {
    const ref = { tenant, kind: kind.kind, name };
    if (body === undefined) return { ref, after: undefined };
    const facts = { revision: 0, writtenAtMs: 0, author: "", reason: "", body: Buffer.from(JSON.stringify(body)) };
    return { ref, after: { ref, ...facts, spec: kind.parse(body, ref) } };
  });
  const after = new ProposedDocuments(documents, proposed);
  const check = policyCheck(catalog, () => NOW_MS);
  const proposal = { author, force, changes: proposed, before: documents, after };
  runSync(check.check(proposal));
  return check.findings === undefined ? [] : runSync(check.findings(proposal));
}

test.each<[string, readonly Change[]]>([
  ["removing its key", [[KEY, "root", undefined]]],
  ["disabling it", [[KEY, "root", key(["admin"], { disabled: true })]]],
  ["leaving it only expired keys", [[KEY, "root", key(["admin"], { expiresAtMs: NOW_MS })]]],
  ["taking its role", [[KEY, "root", key(["agent"])]]],
  [
    "denying by another role of its",
    [
      [KEY, "root", key(["admin", "never"])],
      [ROLE, "never", { rules: [{ effect: "deny", verbs: ["administer"] }] }],
    ],
  ],
])("the last administrator cannot be lost without force: %s", (_how, changes) => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin"]));
  documents.put(KEY, "acme-root", key(["admin"]), ACME);
  expect(() => judge(documents, changes)).toThrowError(
    expect.objectContaining({
      reason: "INVALID_DOCUMENT",
      message: expect.stringMatching(/nobody could administer .* any more/),
    }),
  );
  judge(documents, changes, CLUSTER_ADMIN, true);
  documents.put(KEY, "second", key(["admin"]));
  judge(documents, changes);
});

test("the first credentials of an open registry must leave an administrator", () => {
  const documents = new DocumentsInMemory();
  expect(() => judge(documents, [[KEY, "ann", key(["agent"])]], ANONYMOUS)).toThrowError(
    /first credential.*nobody could administer.*toolgate access init/,
  );
  judge(
    documents,
    [
      [KEY, "ann", key(["agent"])],
      [KEY, "root", key(["admin"])],
    ],
    ANONYMOUS,
  );
  judge(documents, [[ISSUER, "idp", issuer({ roles: { staff: ["admin"] } })]], ANONYMOUS);
  expect(() =>
    judge(documents, [[CERTIFICATE, "ci", { match: { dns: "ci" }, roles: ["agent"] }]], ANONYMOUS),
  ).toThrowError(/nobody/);
  // One that nobody can administer as it is can only become better.
  documents.put(KEY, "ann", key(["agent"]));
  judge(documents, [[KEY, "bob", key(["agent"])]]);
  expect(runSync(wouldLockOut(documents, documents, NOW_MS))).toBe(false);
});

test.each<[string, readonly Change[]]>([
  ["by a key", [[KEY, "more", key(["cluster-admin"])]]],
  ["by another key of somebody that is one", [[KEY, "top", key(["cluster-admin"])]]],
  ["by taking the role away from it", [[KEY, "top", key(["agent"])]]],
  ["by a role of the cluster", [[ROLE, "all", { scope: "cluster", rules: [{ verbs: ["call"], toolsets: ["*/*"] }] }]]],
  ["by changing such a role", [[ROLE, "wide", { rules: [] }]]],
  ["by a role through another one", [[KEY, "more", key(["wide"])]]],
  ["by a tenant", [[TENANT, "other", {}]]],
  ["by a certificate", [[CERTIFICATE, "ci", { match: { dns: "ci" }, roles: ["cluster-admin"] }]]],
  ["by a token", [[ISSUER, "idp", issuer({ roles: { staff: ["agent", "cluster-admin"] } })]]],
  ["by any token", [[ISSUER, "idp", issuer({ defaultRoles: ["wide"] })]]],
  ["by tokens that name a tenant", [[ISSUER, "idp", issuer({ claims: { id: "sub", tenant: "org" } })]]],
])("an administrator of one tenant does not reach others: %s", (_how, changes) => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin"]));
  documents.put(KEY, "top", key(["cluster-admin"]));
  documents.put(ROLE, "wide", { scope: "cluster", rules: [{ verbs: ["follow"], toolsets: ["*/*"] }] });
  documents.put(ROLE, "acme-only", { scope: "cluster", rules: [{ verbs: ["administer"], toolsets: ["acme/*"] }] });
  expect(() => judge(documents, changes, ADMIN)).toThrowError(expect.objectContaining({ reason: "FORBIDDEN" }));
  const partly: Principal = { ...ADMIN, roles: ["admin", "acme-only"] };
  expect(() => judge(documents, changes, partly)).toThrowError(expect.objectContaining({ reason: "FORBIDDEN" }));
  judge(documents, changes, CLUSTER_ADMIN);
});

test("what is probably not meant is named, each at its place", () => {
  const documents = new DocumentsInMemory();
  const catalog = new CatalogInMemory();
  catalog.put(DEFAULT_TENANT, contract("files", { tools: [tool("read_file")] }));
  documents.put(TENANT, "acme", {});
  documents.put(KEY, "root", key(["admin", "gone", "reader"]));
  documents.put(KEY, "acme-root", key(["cluster-admin"]), ACME);
  documents.put(ROLE, "reader", {
    rules: [
      { verbs: ["call"], toolsets: ["files"], tools: ["read_*"] },
      { verbs: ["call"], toolsets: ["fils"] },
      { verbs: ["call"], toolsets: ["files"], tools: ["read_file"] },
      { verbs: ["call"], toolsets: ["maps*"], tools: ["draw"] },
      { effect: "deny", verbs: ["call", "discover"], toolsets: ["maps*"] },
      { verbs: ["register"] },
    ],
    tests: [
      { verb: "call", toolset: "files", tool: "read_file", expect: "allow" },
      { verb: "call", toolset: "files", tool: "delete_file", expect: "allow" },
      { verb: "register", toolset: "files", expect: "deny" },
    ],
  });
  documents.put(ROLE, "spare", { rules: [] });
  documents.put(SHARE, "files", { toolsets: ["files", "none"], with: ["acme", "nowhere"] });
  const found = judge(documents, [[ROLE, "other", undefined]], CLUSTER_ADMIN, false, catalog);
  expect(
    found.map(({ ref, path, message }) => `${ref.kind}/${ref.name}${path} ${message.split(":")[0]}`).sort(),
  ).toEqual([
    "key/acme-root/roles/0 names a role of the whole cluster",
    "key/root/roles/1 names a role that does not exist",
    "role/reader/rules/1 matches nothing that is registered",
    "role/reader/rules/2 adds nothing",
    "role/reader/rules/3 is dead",
    "role/reader/rules/3 matches nothing that is registered",
    "role/reader/rules/4 matches nothing that is registered",
    "role/reader/tests/1 is a case that fails",
    "role/reader/tests/2 is a case that fails",
    "role/spare is a role that nobody has",
    "share/files/toolsets/1 matches no toolset that is registered",
    "share/files/with/1 names a tenant that does not exist",
  ]);
});

test("of other tenants' documents nothing is told to those that do not administer them", () => {
  const documents = new DocumentsInMemory();
  documents.put(TENANT, "acme", {});
  documents.put(KEY, "root", key(["admin", "gone"]));
  documents.put(KEY, "acme-root", key(["admin", "lost"]), ACME);
  documents.put(ROLE, "spare", { rules: [] });
  const acmeAdmin: Principal = { ...ADMIN, tenant: ACME, id: "acme-root" };
  const found = judge(documents, [[ROLE, "own", { rules: [] }, ACME]], acmeAdmin);
  expect(found.map(({ ref }) => `${ref.tenant}/${ref.kind}/${ref.name}`).sort()).toEqual([
    "acme/key/acme-root",
    "acme/role/own",
  ]);
});

test("whether other tenants exist is told to those alone that administer them", () => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin", "cluster-admin"]));
  documents.put(TENANT, "acme", {});
  documents.put(TENANT, "other", {});
  const share: Change = [SHARE, "files", { toolsets: ["*"], with: ["other", "nowhere"] }, ACME];
  const acmeAdmin: Principal = { ...ADMIN, tenant: ACME, id: "acme-root" };
  const said = (author: Principal) => judge(documents, [share], author).filter(({ path }) => path.startsWith("/with"));
  expect(said(acmeAdmin)).toEqual([]);
  expect(said(CLUSTER_ADMIN).map(({ path }) => path)).toEqual(["/with/1"]);
});

test("however many documents and toolsets there are, one step looks at few of them", () => {
  const documents = new DocumentsInMemory();
  const catalog = new CatalogInMemory();
  for (let index = 0; index < 300; index++) {
    const rules = [{ verbs: ["call"], toolsets: [`none${index}`] }];
    documents.put(ROLE, `role${index}`, { rules, tests: [{ verb: "call", toolset: "x", tool: "y", expect: "deny" }] });
    documents.put(KEY, `key${index}`, key([`role${index}`, "gone"]));
    documents.put(USER, `user${index}`, { password: PASSWORD, roles: [`role${index}`] });
    documents.put(REVOCATION, `revocation${index}`, { credential: `subject/none${index}` });
    documents.put(SHARE, `share${index}`, { toolsets: ["*"], with: ["acme"] });
    if (index < 100) catalog.put(DEFAULT_TENANT, contract(`toolset${index}`, { tools: [tool("read")] }));
  }
  documents.put(USER, "root", { password: PASSWORD, roles: ["admin", "cluster-admin"] });
  let [looked, most] = [0, 0];
  const counted = Object.assign(Object.create(documents) as DocumentsInMemory, {
    revision: 1,
    get: documents.get.bind(documents),
    isUnreadable: documents.isUnreadable.bind(documents),
    *all<Spec>(kind: DocumentKind<Spec>) {
      for (const document of documents.all(kind)) {
        // What is shared with a tenant is compiled in one go.
        if (kind.kind !== SHARE.kind) looked++;
        yield document;
      }
    },
  });
  const ref = { tenant: DEFAULT_TENANT, kind: REVOCATION.kind, name: "revocation1" };
  const changes = [{ ref, after: undefined }];
  const after = new ProposedDocuments(counted, changes);
  const check = policyCheck(catalog, () => NOW_MS);
  const proposal = { author: ADMIN, force: false, changes, before: counted, after };
  for (const steps of [check.check(proposal), check.findings?.(proposal) ?? []]) {
    for (const _step of steps) {
      most = Math.max(most, looked);
      looked = 0;
    }
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(5);
});

test("judging leaves nothing behind that follows the documents", () => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin"]));
  let followers = 0;
  const counted = Object.assign(Object.create(documents) as DocumentsInMemory, {
    revision: 1,
    get: documents.get.bind(documents),
    all: documents.all.bind(documents),
    isUnreadable: documents.isUnreadable.bind(documents),
    onChange: () => {
      followers++;
      return () => {};
    },
  });
  judge(counted, [[TENANT, "other", {}]]);
  expect(() => judge(counted, [[TENANT, "other", {}]], ADMIN)).toThrowError(/administrator of the cluster/);
  expect(() => judge(counted, [[KEY, "root", undefined]])).toThrowError(/nobody could administer/);
  expect(followers).toBe(0);
});

test("cases that take long are left out, and that is said", () => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin"]));
  const list = Array<number>(40).fill(1);
  const dear = { verbs: ["call"], when: "args.list.all(x, args.list.all(y, args.list.all(z, x == y && y == z)))" };
  const one = { as: { id: "ann", kind: "key" }, verb: "call", toolset: "files", tool: "read", args: { list } };
  const role = { rules: [dear], tests: Array(200).fill({ ...one, expect: "deny" }) };
  const names = Array.from({ length: 40 }, (_, index) => `r${index + 10}`);
  for (const name of names) documents.put(ROLE, name, role);
  const found = judge(documents, [[ROLE, "other", { rules: [] }]]);
  const said = found.filter(({ path }) => path === "/tests").map(({ ref, message }) => `${ref.name} ${message}`);
  expect(said).toContain(`${names.at(-1)} has cases that were not run: all of them take too long`);
});

test("rules are compared with each other for a bounded time", () => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin"]));
  // A reader of each rule has to compare 60 patterns with 60 others, a hundred times: 17 s in all.
  const tools = Array.from({ length: 59 }, (_, index) => `t${index}*x`);
  const rules = Array.from({ length: 100 }, (_, index) => ({ verbs: ["call"], tools: [...tools, `z${index}`] }));
  const { user: before } = process.cpuUsage();
  judge(documents, [[ROLE, "wide", { rules }]]);
  expect(process.cpuUsage().user - before).toBeLessThan(3_000_000);
});

test("what is about callers or calls of all tenants is for administrators of the cluster alone", () => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin", "cluster-admin"]));
  documents.put(KEY, "ci", { ...key(["agent"]), keys: [{ ...key([]).keys[0], id: "bcdefghijklm" }] });
  documents.put(KEY, "boss", { ...key(["admin"]), keys: [{ ...key([]).keys[0], id: "cdefghijklmn" }] });
  const rate = { calls: 1, perMs: 1_000 };
  const forbidden: readonly Change[] = [
    [REVOCATION, "r", { credential: "subject/root" }],
    [REVOCATION, "r", { credential: "key/abcdefghijkl" }],
    [REVOCATION, "r", { credential: "token/https://idp.example.com#1" }],
    [LIMIT, "l", { per: "caller", rate, match: { tenants: ["*"] } }],
    [WEBHOOK, "w", { url: "https://hooks.example/", secrets: ["a"], match: { tenants: ["*"] } }],
    [ISSUER, "i", issuer({}), ACME],
    [CERTIFICATE, "c", { match: { uri: "spiffe://example.com/*" }, roles: ["agent"] }, ACME],
  ];
  const acmes: Principal = { ...ADMIN, tenant: ACME };
  for (const change of forbidden) {
    const author = change[3] === ACME ? acmes : ADMIN;
    expect(() => judge(documents, [change], author), change[1]).toThrow(/only an administrator of the cluster/);
    expect(() => judge(documents, [change]), change[1]).not.toThrow();
  }
  const own: readonly Change[] = [
    [REVOCATION, "r", { credential: "subject/ci" }],
    [REVOCATION, "r", { credential: "key/bcdefghijklm" }],
    [LIMIT, "l", { per: "caller", rate }],
    [WEBHOOK, "w", { url: "https://hooks.example/", secrets: ["a"], match: {} }],
  ];
  for (const change of own) expect(() => judge(documents, [change], ADMIN), change[1]).not.toThrow();
});

test("revoking the last administrator locks out", () => {
  const documents = new DocumentsInMemory();
  documents.put(KEY, "root", key(["admin", "cluster-admin"]));
  for (const credential of ["subject/root", "key/abcdefghijkl"]) {
    expect(() => judge(documents, [[REVOCATION, "r", { credential }]])).toThrow(/nobody could administer/);
    expect(() => judge(documents, [[REVOCATION, "r", { credential }]], CLUSTER_ADMIN, true)).not.toThrow();
    expect(() => judge(documents, [[REVOCATION, "r", { credential, untilMs: NOW_MS }]])).not.toThrow();
  }
});
