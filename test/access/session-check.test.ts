import { expect, test } from "vitest";
import { SESSION } from "../../src/access/credentials/session-document.js";
import { SESSION_CHECK } from "../../src/access/session-check.js";
import { runSync } from "../../src/async/steps.js";
import { ProposedDocuments } from "../../src/documents/proposed-documents.js";
import type { Principal } from "../../src/identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../../src/identity/tenant.js";
import { DocumentsInMemory } from "./policy/documents-in-memory.js";

const ADMIN: Principal = { tenant: DEFAULT_TENANT, id: "root", kind: "key", roles: ["admin"], attributes: {} };
const ANN: Principal = { ...ADMIN, id: "ann", kind: "user" };

/** What comes of a session of ann's, or of its end. */
function judge(author: Principal, ends = false) {
  const documents = new DocumentsInMemory();
  const body = { user: "ann", hash: "A".repeat(43), createdAtMs: 1, expiresAtMs: 2 };
  documents.put(SESSION, "abcdefghijkl", body);
  const change = documents.get(SESSION, DEFAULT_TENANT, "abcdefghijkl");
  if (change === undefined) throw new Error("it was put");
  const changes = [{ ref: change.ref, after: ends ? undefined : change }];
  const after = new ProposedDocuments(documents, changes);
  return runSync(SESSION_CHECK.check({ author, force: true, changes, before: documents, after }));
}

test("only a person opens its sessions, and administrators may end them", () => {
  expect(() => judge(ANN)).not.toThrow();
  const others: Principal[] = [
    ADMIN,
    { ...ADMIN, roles: ["admin", "cluster-admin"] },
    { ...ANN, kind: "key" },
    { ...ANN, id: "bob" },
    { ...ANN, tenant: "acme" as TenantName },
  ];
  for (const author of others)
    expect(() => judge(author), author.id).toThrowError(expect.objectContaining({ reason: "FORBIDDEN" }));
  expect(() => judge(ADMIN, true)).not.toThrow();
});
