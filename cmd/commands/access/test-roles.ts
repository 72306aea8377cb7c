import { ROLE } from "../../../src/access/policy/role.js";
import { type PolicyTestResult, runPolicyTests } from "../../../src/access/policy/run-policy-tests.js";
import { SHARE } from "../../../src/access/policy/share.js";
import type { DocumentRef } from "../../../src/documents/document.js";
import { DEFAULT_TENANT, parseTenantName } from "../../../src/identity/tenant.js";
import type { FiledDocument } from "./document-files.js";

/**
 * Runs the cases of the roles among some documents, with the shares among them.
 *
 * @throws ToolgateError INVALID_DOCUMENT where a role or a share breaks a rule of its kind; INVALID_REQUEST
 */
export function testRoles(documents: readonly FiledDocument[]): PolicyTestResult[] {
  const refOf = ({ tenant, kind, name }: FiledDocument): DocumentRef => {
    return { tenant: tenant === undefined ? DEFAULT_TENANT : parseTenantName(tenant, "tenant"), kind, name };
  };
  const roles = documents
    .filter(({ kind }) => kind === ROLE.kind)
    .map((document) => ({ ...refOf(document), spec: ROLE.parse(document.body, refOf(document)) }));
  const shares = documents
    .filter(({ kind }) => kind === SHARE.kind)
    .map((document) => ({ ...refOf(document), spec: SHARE.parse(document.body, refOf(document)) }));
  return runPolicyTests(roles, shares);
}
