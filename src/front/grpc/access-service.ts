import { type ApiKeyParts, createKey, revokeKey, rotateKey } from "../../access/credentials/api-keys.js";
import type { Authorship } from "../../access/credentials/credential-documents.js";
import { storedCredentials } from "../../access/credentials/stored-credentials.js";
import { requireIn } from "../../access/require.js";
import type { DocumentParts } from "../../documents/apply-documents.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { ownerName } from "../../identity/principal.js";
import { parseTenantName, type TenantName } from "../../identity/tenant.js";
import type { AccessHandlers } from "../../protocol/generated/toolgate/v1/Access.js";
import { type ExplainServiceParts, explain } from "./explain-service.js";
import { type Methods, unary } from "./methods.js";
import type { CallContext } from "./server-call.js";

export interface AccessServiceParts extends Omit<ApiKeyParts, "documents" | "copy"> {
  readonly documents: DocumentParts;
  readonly explaining: ExplainServiceParts;
}

/** Who callers are, and the keys by which they prove that. */
export function accessMethods(parts: AccessServiceParts): Methods<AccessHandlers> {
  /** What administering keys takes, of a caller that may. @throws ToolgateError FORBIDDEN */
  function administer(text: string, context: CallContext): { readonly tenant: TenantName; readonly keys: ApiKeyParts } {
    const { principal, access } = context;
    const tenant = text === "" ? principal.tenant : parseTenantName(text, "tenant");
    requireIn(access, "administer", tenant);
    const { documents } = parts;
    return { tenant, keys: { ...parts, documents: storedCredentials(documents, principal), copy: documents.copy } };
  }

  return {
    WhoAmI: unary(async (_request, { identity }) => {
      const { tenant, id, kind, roles } = identity.principal;
      return { tenant, id, kind, roles: [...roles], expiresAtMs: finite(identity.expiresAtMs) };
    }),

    CreateKey: unary(async ({ tenant: text, principal, roles, ttlMs, reason }, context) => {
      const { tenant, keys } = administer(text, context);
      const made = await createKey(keys, { tenant, principal, roles, ttlMs }, by(context, reason));
      return { key: made.text, keyId: made.id, expiresAtMs: made.expiresAtMs };
    }),

    RotateKey: unary(async ({ tenant: text, principal, overlapMs, ttlMs, reason }, context) => {
      const { tenant, keys } = administer(text, context);
      const made = await rotateKey(keys, { tenant, principal, overlapMs, ttlMs }, by(context, reason));
      const { formerUntilMs } = made;
      return { key: made.text, keyId: made.id, expiresAtMs: made.expiresAtMs, formerUntilMs };
    }),

    RevokeKey: unary(async ({ tenant: text, principal, keyId, reason }, context) => {
      const { tenant, keys } = administer(text, context);
      return { revoked: await revokeKey(keys, { tenant, principal, keyId }, by(context, reason)) };
    }),

    Login: unary(async () => {
      throw notServed("logins");
    }),

    Logout: unary(async () => {
      throw notServed("logins");
    }),

    SetPassword: unary(async ({ tenant }, context) => {
      administer(tenant, context);
      throw notServed("passwords");
    }),

    Explain: unary((request, context) => explain(parts.explaining, request, context)),
  };
}

function by({ principal }: CallContext, reason: string): Authorship {
  return { author: ownerName(principal), reason };
}

/** As the wire has it: 0 for never. */
const finite = (atMs: number): number => (Number.isFinite(atMs) ? atMs : 0);

function notServed(what: string): ToolgateError {
  return new ToolgateError("UNKNOWN_SERVICE", `This node does not serve ${what}.`);
}
