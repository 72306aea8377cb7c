import { type ApiKeyParts, createKey, revokeKey, rotateKey } from "../../access/credentials/api-keys.js";
import type { Authorship } from "../../access/credentials/credential-documents.js";
import { login, logout, type PeopleParts, setPassword } from "../../access/credentials/people.js";
import { storedCredentials } from "../../access/credentials/stored-credentials.js";
import { requireIn } from "../../access/require.js";
import type { DocumentParts } from "../../documents/apply-documents.js";
import { invalidField } from "../../identity/names.js";
import { DEFAULT_TENANT, parseTenantName, type TenantName } from "../../identity/tenant.js";
import { peerHost } from "../../limits/peer-host.js";
import type { AccessHandlers } from "../../protocol/generated/toolgate/v1/Access.js";
import type { CallContext } from "./call-context.js";
import { type ExplainServiceParts, explain } from "./explain-service.js";
import { type Methods, unary } from "./methods.js";

export interface AccessServiceParts extends Omit<ApiKeyParts & PeopleParts, "documents" | "copy"> {
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
    return { tenant, keys: { ...parts, documents: storedCredentials(documents), copy: documents.copy } };
  }

  /** A credential of a tenant that is not there would let nobody in. @throws ToolgateError INVALID_REQUEST; STORE_UNAVAILABLE */
  async function requireTenant(tenant: TenantName): Promise<void> {
    if (parts.tenantHolds(tenant)) return;
    await parts.documents.copy.catchUp(); // another node may just have made it
    if (parts.tenantHolds(tenant)) return;
    throw invalidField(
      "tenant",
      "must name a tenant that exists and is not disabled: toolgate access tenant list shows them",
    );
  }

  const people: PeopleParts = { ...parts, documents: storedCredentials(parts.documents), copy: parts.documents.copy };

  return {
    WhoAmI: unary(async (_request, { identity }) => {
      const { tenant, id, kind, roles } = identity.principal;
      return { tenant, id, kind, roles: [...roles], expiresAtMs: finite(identity.expiresAtMs) };
    }),

    CreateKey: unary(async ({ tenant: text, principal, roles, ttlMs, reason }, context) => {
      const { tenant, keys } = administer(text, context);
      await requireTenant(tenant);
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

    Login: unary(async ({ tenant, user, password }, { peer }) => {
      const host = peerHost(peer.slice(0, peer.lastIndexOf(":")));
      const session = await login(people, { tenant: tenant || DEFAULT_TENANT, user, password, host });
      return { sessionToken: session.token, expiresAtMs: session.expiresAtMs };
    }),

    Logout: unary(async (_request, { identity }) => {
      await logout(people, identity);
      return {};
    }),

    SetPassword: unary(async ({ tenant: text, user, password, roles, reason }, context) => {
      const { tenant } = administer(text, context);
      await requireTenant(tenant);
      await setPassword(people, { tenant, user, password, roles }, by(context, reason));
      return {};
    }),

    Explain: unary((request, context) => explain(parts.explaining, request, context)),
  };
}

function by({ principal }: CallContext, reason: string): Authorship {
  return { author: principal, reason };
}

/** As the wire has it: 0 for never. */
const finite = (atMs: number): number => (Number.isFinite(atMs) ? atMs : 0);
