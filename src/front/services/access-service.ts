import { type ApiKeyParts, createKey, revokeKey, rotateKey } from "../../access/credentials/api-keys.js";
import type { Authorship } from "../../access/credentials/credential-documents.js";
import { KEY, type KeySpec } from "../../access/credentials/key-document.js";
import { login, logout, type PeopleParts, setPassword } from "../../access/credentials/people.js";
import { storedCredentials } from "../../access/credentials/stored-credentials.js";
import { requireIn } from "../../access/require.js";
import { openPageToken, sealPageToken } from "../../catalog/page-token.js";
import type { DocumentParts } from "../../documents/apply-documents.js";
import { invalidField } from "../../identity/names.js";
import { DEFAULT_TENANT, parseTenantName, type TenantName } from "../../identity/tenant.js";
import { peerHost } from "../../limits/peer-host.js";
import type { AccessHandlers } from "../../protocol/generated/toolgate/v1/Access.js";
import type { KeyUses } from "../../store/access/key-uses.js";
import { documentPath } from "../../store/documents/document-ref.js";
import type { CallContext } from "./call-context.js";
import { type ExplainServiceParts, explain } from "./explain-service.js";
import { type Methods, unary } from "./methods.js";

export interface AccessServiceParts extends Omit<ApiKeyParts & PeopleParts, "documents" | "copy"> {
  readonly documents: DocumentParts;
  readonly keyUses: Pick<KeyUses, "read">;
  readonly explaining: ExplainServiceParts;
}

/** How many principals a page lists. */
const PAGE = { usual: 100, most: 1_000 };

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

  /** A credential of a tenant that is not there would let no caller in. @throws ToolgateError INVALID_REQUEST; STORE_UNAVAILABLE */
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

    ListKeys: unary(async ({ tenant: text, pageSize, pageToken }, context) => {
      const { tenant } = administer(text, context);
      const size = pageSize === 0 ? PAGE.usual : Math.min(pageSize, PAGE.most);
      const question = ["keys", tenant];
      const prefix = `${tenant}/${KEY.kind}/`;
      const [from] = pageToken === "" ? [prefix] : openPageToken(pageToken, question, ["string"]);
      const { copy } = parts.documents;
      const found: { readonly principal: string; readonly spec: KeySpec }[] = [];
      let last = from;
      let nextPageToken = "";
      for (const { document } of copy.after(tenant, from)) {
        const path = documentPath(document.ref);
        if (!path.startsWith(prefix)) break;
        if (found.length === size) {
          nextPageToken = sealPageToken(question, [last]);
          break;
        }
        last = path;
        const spec = copy.get(KEY, tenant, document.ref.name)?.spec;
        if (spec !== undefined) found.push({ principal: document.ref.name, spec }); // else it is damaged: it lets nobody in
      }
      const ids = found.flatMap(({ spec }) => spec.keys.map(({ id }) => id));
      const uses = ids.length === 0 ? [] : await parts.keyUses.read(ids);
      const usedAtMs = new Map(ids.map((id, place) => [id, uses[place] ?? 0]));
      const holders = found.map(({ principal, spec: { roles, disabled, keys } }) => ({
        principal,
        roles: [...roles],
        disabled,
        keys: keys.map(({ id, createdAtMs, expiresAtMs }) => {
          return { keyId: id, createdAtMs, expiresAtMs, lastUsedAtMs: usedAtMs.get(id) ?? 0 };
        }),
      }));
      return { holders, nextPageToken };
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

function by({ identity }: CallContext, reason: string): Authorship {
  return { author: identity.principal, credential: identity.credential, reason };
}

/** As the wire has it: 0 for never. */
const finite = (atMs: number): number => (Number.isFinite(atMs) ? atMs : 0);
