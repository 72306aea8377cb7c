import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseDocuments } from "../../cmd/commands/access/document-files.js";
import { testRoles } from "../../cmd/commands/access/test-roles.js";
import { CERTIFICATE } from "../../src/access/credentials/certificate-document.js";
import { ISSUER } from "../../src/access/credentials/issuer-document.js";
import { ROLE } from "../../src/access/policy/role.js";
import { DocumentKinds } from "../../src/documents/document-kinds.js";
import { DEFAULT_TENANT } from "../../src/identity/tenant.js";
import { LIMIT } from "../../src/limits/limit.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { WEBHOOK } from "../../src/webhooks/webhook.js";

/** The documents that the pages show, to be copied. */
const SHOWN = readdirSync(join(PACKAGE_ROOT, "docs")).flatMap((page) =>
  [...readFileSync(join(PACKAGE_ROOT, "docs", page), "utf8").matchAll(/^```yaml\n(kind: .*?)^```$/gms)].flatMap(
    ([, text = ""]) => parseDocuments(text, page),
  ),
);
const KINDS = new DocumentKinds([ROLE, ISSUER, CERTIFICATE, LIMIT, WEBHOOK]);

test("documents that pages show can be applied", () => {
  expect(SHOWN.map(({ kind }) => kind).sort()).toEqual(["certificate", "issuer", "limit", "role", "webhook"]);
  for (const { kind, name, body } of SHOWN) {
    const known = KINDS.get(kind);
    expect(known, kind).toBeDefined();
    const ref = { tenant: DEFAULT_TENANT, kind, name };
    expect(() => known?.parse(body, ref)).not.toThrow();
    expect(known?.unknownMembers?.(body) ?? []).toEqual([]);
  }
});

test("roles that pages show pass their tests", () => {
  const results = testRoles(SHOWN);
  expect(results.length).toBeGreaterThan(0);
  expect(results.filter(({ passed }) => !passed)).toEqual([]);
});
