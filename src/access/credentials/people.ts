import type { DocumentsReader, StoredDocument } from "../../documents/document.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { invalidField } from "../../identity/names.js";
import type { Principal } from "../../identity/principal.js";
import { isTenantName, type TenantName } from "../../identity/tenant.js";
import type { RedisClock } from "../../redis/redis-time.js";
import type { LoginSubject } from "../../store/access/login-attempts.js";
import {
  type Authorship,
  type CredentialDocuments,
  changeDocument,
  type DocumentWrite,
} from "./credential-documents.js";
import { checkPassword, hashPassword, NO_ACCOUNT } from "./password-hash.js";
import type { PasswordQueue } from "./password-queue.js";
import { PRINCIPAL_ID } from "./principal-members.js";
import { makeSecretToken } from "./secret-token.js";
import { SESSION, type SessionSpec } from "./session-document.js";
import { USER, type UserSpec } from "./user-document.js";

/** What the use cases of people's logins work with. */
export interface PeopleParts {
  readonly documents: CredentialDocuments;
  /** The node's copy. */
  readonly copy: DocumentsReader;
  readonly clock: RedisClock;
  readonly randomBytes: (size: number) => Buffer;
  readonly passwords: PasswordQueue;
  readonly attempts: {
    /** 0 where a login may be tried, else in how many milliseconds. */
    count(subject: LoginSubject): Promise<number>;
    forgive(subject: LoginSubject): Promise<void>;
  };
  readonly tenantHolds: (tenant: TenantName) => boolean;
  readonly roleExists: (tenant: TenantName, role: string) => boolean;
  /** How long a session holds, in milliseconds. */
  readonly sessionTtlMs: number;
}

/** A session that was opened. Its token is shown to the person, and kept nowhere. */
export interface NewSession {
  readonly token: string;
  /** In Unix milliseconds by Redis's clock. */
  readonly expiresAtMs: number;
}

/** How long a password is, in UTF-16 units. */
const SHORTEST_PASSWORD = 12;
const LONGEST_PASSWORD = 256;
/** The most sessions that a person has at a time; a further one ends the oldest. */
const MAX_SESSIONS = 32;

/**
 * Opens a session for a person. Whatever is wrong, the name, the password or the tenant, is refused alike and after the same work.
 *
 * @param request `host`: the address, as `peerHost` gives it, for the limits on attempts
 * @throws ToolgateError UNAUTHENTICATED; TOO_MANY_ATTEMPTS with when to retry; LIMIT_EXCEEDED; STORE_UNAVAILABLE
 */
export async function login(
  parts: PeopleParts,
  request: { readonly tenant: string; readonly user: string; readonly password: string; readonly host: string },
): Promise<NewSession> {
  const { tenant, user, password, host } = request;
  if (password.length > LONGEST_PASSWORD) throw refusal();
  const waitMs = await parts.attempts.count({ tenant, user, host });
  if (waitMs > 0) {
    throw new ToolgateError("TOO_MANY_ATTEMPTS", "There were too many failed logins; retry after the given time.", {
      retryAfterMs: waitMs,
    });
  }
  const account = accountOf(parts, tenant, user);
  const { matches, outdated } = await parts.passwords.run(() =>
    checkPassword(password, account?.spec.password ?? NO_ACCOUNT),
  );
  // As it is now: the account may have been disabled meanwhile.
  if (account === undefined || !matches || accountOf(parts, tenant, user)?.revision !== account.revision)
    throw refusal();
  await parts.attempts.forgive({ tenant, user, host });
  const { tenant: home } = account.ref;
  const by = { author: principalOf(account), reason: "login" };
  const session = await openSession(parts, account, by);
  if (outdated) {
    const hash = await parts.passwords.run(() => hashPassword(password, parts.randomBytes));
    const write = { ref: account.ref, body: { ...bodyOf(account), password: hash }, expectRevision: account.revision };
    // The next login tries again.
    await parts.documents
      .write([write], { ...by, reason: `the password of ${home}/${user} hashed anew` })
      .catch(() => {});
  }
  return session;
}

/**
 * Ends the session that a request was made with.
 *
 * @param credential of the request's identity
 * @throws ToolgateError INVALID_REQUEST where the request was made with another kind of credential; STORE_UNAVAILABLE
 */
export async function logout(
  parts: Pick<PeopleParts, "documents">,
  { principal, credential }: { readonly principal: Principal; readonly credential: string },
): Promise<void> {
  if (!credential.startsWith("session/")) throw invalidField("authorization", "must be a session's token to log out");
  const place = { tenant: principal.tenant, name: credential.slice("session/".length) };
  const by = { author: principal, credential, reason: "logout" };
  await changeDocument(parts.documents, SESSION, place, by, () => ({ body: undefined, answer: undefined }));
}

/**
 * Sets a person's password, which ends the person's sessions; makes the person where there is none.
 *
 * @param request `roles`: the person's from now on; none keeps those that it has
 * @throws ToolgateError INVALID_REQUEST: a bad name, a password of fewer than 12 or more than 256 characters, no roles for a new person, a
 *   role that does not exist; LIMIT_EXCEEDED; DOCUMENT_CONFLICT; STORE_UNAVAILABLE
 */
export async function setPassword(
  parts: PeopleParts,
  request: {
    readonly tenant: TenantName;
    readonly user: string;
    readonly password: string;
    readonly roles: readonly string[];
  },
  by: Authorship,
): Promise<void> {
  const { tenant, user, password } = request;
  const roles = [...new Set(request.roles)];
  if (!PRINCIPAL_ID.test(user)) throw invalidField("user", `must match ${PRINCIPAL_ID.source}`);
  if (password.length < SHORTEST_PASSWORD || password.length > LONGEST_PASSWORD) {
    throw invalidField("password", `must have ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters`);
  }
  for (const role of roles) {
    if (!parts.roleExists(tenant, role))
      throw invalidField("roles", "must name roles that exist: toolgate access role list shows them");
  }
  const hash = await parts.passwords.run(() => hashPassword(password, parts.randomBytes));
  await changeDocument(parts.documents, USER, { tenant, name: user }, by, (former) => {
    if (former === undefined && roles.length === 0) throw invalidField("roles", "must be given for a new person");
    const known = former === undefined ? {} : bodyOf(former);
    return { body: { ...known, ...(roles.length === 0 ? {} : { roles }), password: hash }, answer: undefined };
  });
  await endSessions(parts, sessionsOf(parts.copy, tenant, user), by);
}

/**
 * Removes sessions that have ended: their documents have no use any more.
 *
 * @returns how many
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function removeEndedSessions(
  parts: Pick<PeopleParts, "documents" | "copy" | "clock">,
  by: Authorship,
): Promise<number> {
  const nowMs = parts.clock.nowMs();
  const ended = [...parts.copy.all(SESSION)].filter(({ spec }) => spec.expiresAtMs <= nowMs);
  await endSessions(parts, ended, by);
  return ended.length;
}

/** How many documents are written at once. */
const BATCH = 50;

async function endSessions(
  { documents }: Pick<PeopleParts, "documents">,
  sessions: readonly StoredDocument<SessionSpec>[],
  by: Authorship,
): Promise<void> {
  for (let at = 0; at < sessions.length; at += BATCH) {
    const writes = sessions.slice(at, at + BATCH).map(removal);
    await documents.write(writes, by).catch(async (error: unknown) => {
      if (!(error instanceof ToolgateError) || !["DOCUMENT_CONFLICT", "UNKNOWN_DOCUMENT"].includes(error.reason))
        throw error;
      // One of them has gone by itself: each for itself then.
      for (const write of writes) {
        const { tenant, name } = write.ref;
        await changeDocument(documents, SESSION, { tenant, name }, by, () => ({ body: undefined, answer: undefined }));
      }
    });
  }
}

const removal = ({ ref, revision }: StoredDocument): DocumentWrite => ({
  ref,
  body: undefined,
  expectRevision: revision,
});

async function openSession(parts: PeopleParts, account: StoredDocument<UserSpec>, by: Authorship): Promise<NewSession> {
  const { tenant, name: user } = account.ref;
  const createdAtMs = parts.clock.nowMs();
  const { text, id, hash } = makeSecretToken("session", parts.randomBytes);
  const expiresAtMs = createdAtMs + parts.sessionTtlMs;
  const body: SessionSpec = { user, hash, createdAtMs, expiresAtMs };
  const others = sessionsOf(parts.copy, tenant, user).sort((a, b) => a.spec.createdAtMs - b.spec.createdAtMs);
  await endSessions(parts, others.slice(0, Math.max(0, others.length + 1 - MAX_SESSIONS)), by);
  await parts.documents.write([{ ref: { tenant, kind: SESSION.kind, name: id }, body, expectRevision: 0 }], by);
  return { token: text, expiresAtMs };
}

function sessionsOf(copy: DocumentsReader, tenant: TenantName, user: string): StoredDocument<SessionSpec>[] {
  return [...copy.all(SESSION)].filter(({ ref, spec }) => ref.tenant === tenant && spec.user === user);
}

/** The account of a name, where it may log in. */
function accountOf(
  { copy, tenantHolds }: Pick<PeopleParts, "copy" | "tenantHolds">,
  tenant: string,
  user: string,
): StoredDocument<UserSpec> | undefined {
  if (!isTenantName(tenant) || !tenantHolds(tenant)) return undefined;
  const account = copy.get(USER, tenant, user);
  return account === undefined || account.spec.disabled ? undefined : account;
}

function principalOf({ ref, spec }: StoredDocument<UserSpec>): Principal {
  return { tenant: ref.tenant, id: ref.name, kind: "user", roles: spec.roles, attributes: spec.attributes };
}

/** The content as it was applied, with what is not changed. */
function bodyOf(document: StoredDocument): Record<string, unknown> {
  return JSON.parse(document.body.toString()) as Record<string, unknown>; // its kind has read it as an object
}

const refusal = (): ToolgateError =>
  new ToolgateError("UNAUTHENTICATED", "The login is refused: the name or the password is wrong.");
