import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AuditRecord, connect, type Toolgate, ToolgateError } from "../../src/index.js";
import { expectNoLeaks } from "../support/leaks.js";
import { ScriptedNode } from "./scripted-gateway.js";

/* What administrators ask through the SDK, and what they get of the wire's answers. */

expectNoLeaks();

let node: ScriptedNode;
let client: Toolgate;

beforeEach(async () => {
  node = await ScriptedNode.start();
  client = await connect(node.address, { key: null });
});
afterEach(async () => {
  await client.close();
  node.kill();
});

/** What the node was asked. */
const asked = () => node.requests.all.at(-1)?.request;
const json = (value: unknown) => Buffer.from(JSON.stringify(value));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe("access", () => {
  test("whoAmI tells the caller; times that are never are absent", async () => {
    const caller = { tenant: "acme", id: "ci", kind: "key", roles: ["agent"] };
    node.script("whoAmI", () => ({ ...caller, expiresAtMs: 1000 }));
    await expect(client.access.whoAmI()).resolves.toEqual({ ...caller, expiresAt: new Date(1000) });
    node.script("whoAmI", () => caller);
    await expect(client.access.whoAmI()).resolves.toEqual(caller);
  });

  test("keys are made, rotated and revoked", async () => {
    node.script("createKey", () => ({ key: "k", keyId: "i" }));
    await expect(client.access.createKey({ principal: "ci", roles: ["agent"] })).resolves.toEqual({
      key: "k",
      keyId: "i",
    });
    expect(asked()).toMatchObject({ tenant: "", principal: "ci", roles: ["agent"], ttlMs: 0 });
    node.script("rotateKey", () => ({ key: "k2", keyId: "i2", expiresAtMs: 5, formerUntilMs: 7 }));
    await expect(client.access.rotateKey({ tenant: "acme", principal: "ci", overlapMs: 60_000 })).resolves.toEqual({
      key: "k2",
      keyId: "i2",
      expiresAt: new Date(5),
      formerUntil: new Date(7),
    });
    node.script("revokeKey", () => ({ revoked: 2 }));
    await expect(client.access.revokeKey({ keyId: "i", reason: "lost" })).resolves.toBe(2);
    expect(asked()).toMatchObject({ keyId: "i", reason: "lost" });
  });

  test("listed keys come page by page; times that are never or unknown are absent", async () => {
    const key = { keyId: "i", createdAtMs: 5 };
    const holder = { principal: "ci", roles: ["agent"], disabled: true, keys: [{ ...key, lastUsedAtMs: 9 }] };
    node.script("listKeys", ({ pageToken }: { pageToken: string }) =>
      pageToken === ""
        ? { holders: [holder], nextPageToken: "two" }
        : { holders: [{ principal: "x", keys: [{ ...key, expiresAtMs: 7 }] }] },
    );
    const kept = { keyId: "i", createdAt: new Date(5) };
    await expect(all(client.access.listKeys({ tenant: "acme" }))).resolves.toEqual([
      { principal: "ci", roles: ["agent"], disabled: true, keys: [{ ...kept, lastUsedAt: new Date(9) }] },
      { principal: "x", roles: [], disabled: false, keys: [{ ...kept, expiresAt: new Date(7) }] },
    ]);
    expect(asked()).toMatchObject({ tenant: "acme", pageToken: "two" });
  });

  test("a login that met a lost node is not repeated by itself: each attempt counts", async () => {
    node.script("login", () => new ToolgateError("STORE_UNAVAILABLE", "Redis is away.", { executed: "unknown" }));
    await expect(client.access.login({ user: "ann", password: "p" })).rejects.toMatchObject({
      reason: "STORE_UNAVAILABLE",
    });
    expect(node.requests.all).toHaveLength(1);
  });

  test("explain sends the payload as a call would, and nothing where there is none", async () => {
    const gates = [{ gate: "policy", verdict: "failed", detail: "No rule.", remedy: "r", reason: "FORBIDDEN" }];
    node.script("explain", () => ({ gates, outcome: "operator" }));
    await expect(client.access.explain("files", "read", { principal: "ci", payload: { a: 1 } })).resolves.toEqual({
      gates,
      outcome: "operator",
    });
    expect(asked()).toMatchObject({ payloadJson: json({ a: 1 }), principal: "ci", toolset: "files", tool: "read" });
    await client.access.explain("files", "read");
    expect(asked()).toMatchObject({ payloadJson: Buffer.alloc(0) });
  });
});

describe("documents", () => {
  const wire = {
    ref: { tenant: "default", kind: "role", name: "reader" },
    revision: 3,
    writtenAtMs: 10,
    author: "a/b",
  };

  test("list pages, and bodies are values", async () => {
    node.script("listDocuments", ({ pageToken }: { pageToken: string }) =>
      pageToken === ""
        ? { documents: [{ ...wire, bodyJson: json({ rules: [] }) }], nextPageToken: "two" }
        : { documents: [{ ...wire, removed: true }] },
    );
    const [first, second] = await all(client.documents.list({ kind: "role" }));
    expect(first).toEqual({
      tenant: "default",
      kind: "role",
      name: "reader",
      revision: 3,
      writtenAt: new Date(10),
      author: "a/b",
      reason: "",
      body: { rules: [] },
      removed: false,
    });
    expect(second).toMatchObject({ removed: true, body: undefined });
  });

  test("apply says each kind of change, and what became of it", async () => {
    const outcome = { ref: wire.ref, outcome: "created", revision: 4, differences: ["+ /rules"] };
    node.script("applyDocuments", () => ({
      outcomes: [outcome],
      findings: [{ ref: wire.ref, path: "/rules/0", message: "m" }],
      revision: 4,
    }));
    const role = { kind: "role", name: "reader" };
    const applied = await client.documents.apply(
      [
        { ...role, body: { rules: [] }, expectRevision: 0 },
        { ...role, name: "b", remove: true },
        { ...role, name: "c", restore: 2 },
      ],
      { reason: "why", dryRun: true },
    );
    const { ref, ...rest } = outcome;
    expect(applied).toEqual({
      outcomes: [{ ...ref, ...rest }],
      findings: [{ ...ref, path: "/rules/0", message: "m" }],
      revision: 4,
    });
    expect(asked()).toMatchObject({
      changes: [
        { ref: { kind: "role", name: "reader" }, bodyJson: json({ rules: [] }), expectRevision: 0, restoreRevision: 0 },
        { ref: { name: "b" }, bodyJson: Buffer.alloc(0), restoreRevision: 0 },
        { ref: { name: "c" }, bodyJson: Buffer.alloc(0), restoreRevision: 2 },
      ],
      dryRun: true,
      reason: "why",
    });
  });
});

describe("audit", () => {
  test("a tail that lost its stream reads what it missed, and passes nothing on twice", async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { id } of client.audit.tail({ event: "call", signal: stop.signal })) seen.push(id);
    })().catch(() => {});
    const record = (id: string, atMs: number) => ({ id, atMs });
    const first = await node.tails.next();
    expect(first.request.filter).toMatchObject({ event: "call" });
    first.send({ records: [record("1", 5000), record("2", 5000)] });
    first.fail(new ToolgateError("ACCESS_CHANGED", "What may be seen has changed."));
    node.script("queryAudit", () => ({ records: [record("2", 5000), record("3", 5001)] }));
    const second = await node.tails.next();
    second.send({ records: [record("3", 5001), record("4", 5002)] });
    await expect.poll(() => seen).toEqual(["1", "2", "3", "4"]);
    expect(asked()).toMatchObject({ filter: { event: "call", fromMs: 4000 } });
    stop.abort();
    await reading;
  });

  test("records and verdicts are values", async () => {
    node.script("queryAudit", () => ({ records: [{ id: "1", atMs: 5, executed: "EXECUTED_NO" }, { id: "2" }] }));
    const records: AuditRecord[] = await all(client.audit.query({ from: new Date(3) }));
    expect(records).toMatchObject([{ id: "1", at: new Date(5), executed: "no" }, { id: "2" }]);
    expect(records[1]).not.toHaveProperty("executed");
    node.script("verifyAudit", () => ({ records: 2, faults: [{ id: "1", message: "changed" }], sealedUntil: "2" }));
    await expect(client.audit.verify()).resolves.toEqual({
      records: 2,
      faults: [{ id: "1", message: "changed" }],
      sealedUntil: "2",
    });
  });
});
