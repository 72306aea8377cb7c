import { ToolgateError } from "../errors/toolgate-error.js";
import type { CreateKeyResponse__Output } from "../protocol/generated/toolgate/v1/CreateKeyResponse.js";
import type { ExplainResponse__Output } from "../protocol/generated/toolgate/v1/ExplainResponse.js";
import type { HeldKey__Output } from "../protocol/generated/toolgate/v1/HeldKey.js";
import type { ListKeysResponse__Output } from "../protocol/generated/toolgate/v1/ListKeysResponse.js";
import type { LoginResponse__Output } from "../protocol/generated/toolgate/v1/LoginResponse.js";
import type { LogoutResponse__Output } from "../protocol/generated/toolgate/v1/LogoutResponse.js";
import type { RevokeKeyResponse__Output } from "../protocol/generated/toolgate/v1/RevokeKeyResponse.js";
import type { RotateKeyResponse__Output } from "../protocol/generated/toolgate/v1/RotateKeyResponse.js";
import type { SetPasswordResponse__Output } from "../protocol/generated/toolgate/v1/SetPasswordResponse.js";
import type { WhoAmIResponse__Output } from "../protocol/generated/toolgate/v1/WhoAmIResponse.js";
import type {
  Access,
  Caller,
  CallerKind,
  CreatedKey,
  CreateKeyOptions,
  ExplainedGate,
  ExplainOptions,
  Explanation,
  HeldKey,
  KeyHolder,
  ListKeysOptions,
  LoginOptions,
  LoginSession,
  RevokeKeyOptions,
  RotatedKey,
  RotateKeyOptions,
  SetPasswordOptions,
} from "./access.js";
import { ifDefined } from "./if-defined.js";
import { jsonBytes } from "./json-bytes.js";
import type { RequestOptions } from "./request-options.js";
import type { Requests } from "./requests.js";

/** How many principals a page has. */
const PAGE_SIZE = 200;

/** The service Access, as the client's types. */
export class AccessClient implements Access {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  async whoAmI({ signal }: RequestOptions = {}): Promise<Caller> {
    const { tenant, id, kind, roles, expiresAtMs } = await this.#requests.read<WhoAmIResponse__Output>(
      signal,
      ({ access }, ...rest) => access.whoAmI({}, ...rest),
    );
    return { tenant, id, kind: kind as CallerKind, roles, ...ending(expiresAtMs) }; // a node's own word
  }

  async login({ signal, tenant = "", user, password }: LoginOptions): Promise<LoginSession> {
    // Each attempt counts, so it is not repeated by itself.
    const { sessionToken, expiresAtMs } = await this.#requests
      .write<LoginResponse__Output>(signal, ({ access }, ...rest) => access.login({ tenant, user, password }, ...rest))
      .catch(withoutKeyAdvice);
    return { token: sessionToken, expiresAt: new Date(expiresAtMs) };
  }

  async logout({ signal }: RequestOptions = {}): Promise<void> {
    await this.#requests.write<LogoutResponse__Output>(signal, ({ access }, ...rest) => access.logout({}, ...rest));
  }

  async createKey({ signal, tenant = "", ttlMs = 0, reason = "", ...more }: CreateKeyOptions): Promise<CreatedKey> {
    const { principal, roles } = more;
    const request = { tenant, principal, roles: [...roles], ttlMs, reason };
    const { key, keyId, expiresAtMs } = await this.#requests.write<CreateKeyResponse__Output>(
      signal,
      ({ access }, ...rest) => access.createKey(request, ...rest),
    );
    return { key, keyId, ...ending(expiresAtMs) };
  }

  async rotateKey({ signal, tenant = "", reason = "", ...more }: RotateKeyOptions): Promise<RotatedKey> {
    const { principal, overlapMs = 0, ttlMs = 0 } = more;
    const { key, keyId, expiresAtMs, formerUntilMs } = await this.#requests.write<RotateKeyResponse__Output>(
      signal,
      ({ access }, ...rest) => access.rotateKey({ tenant, principal, overlapMs, ttlMs, reason }, ...rest),
    );
    return { key, keyId, ...ending(expiresAtMs), formerUntil: new Date(formerUntilMs) };
  }

  async revokeKey({ signal, tenant = "", reason = "", ...more }: RevokeKeyOptions): Promise<number> {
    const { principal = "", keyId = "" } = more;
    const { revoked } = await this.#requests.write<RevokeKeyResponse__Output>(signal, ({ access }, ...rest) =>
      access.revokeKey({ tenant, principal, keyId, reason }, ...rest),
    );
    return revoked;
  }

  async *listKeys({ tenant = "", signal }: ListKeysOptions = {}): AsyncGenerator<KeyHolder, void, void> {
    let pageToken = "";
    do {
      const page = await this.#requests.read<ListKeysResponse__Output>(signal, ({ access }, ...rest) =>
        access.listKeys({ tenant, pageSize: PAGE_SIZE, pageToken }, ...rest),
      );
      for (const { principal, roles, disabled, keys } of page.holders) {
        yield { principal, roles, disabled, keys: keys.map(heldKey) };
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  async setPassword({ signal, tenant = "", reason = "", ...more }: SetPasswordOptions): Promise<void> {
    const { user, password, roles = [] } = more;
    await this.#requests.write<SetPasswordResponse__Output>(signal, ({ access }, ...rest) =>
      access.setPassword({ tenant, user, password, roles: [...roles], reason }, ...rest),
    );
  }

  async explain(toolset: string, tool: string, options: ExplainOptions = {}): Promise<Explanation> {
    const { principal = "", roles = [], payload, signal } = options;
    const payloadJson =
      payload === undefined ? Buffer.alloc(0) : payload instanceof Uint8Array ? payload : jsonBytes(payload, "payload");
    const { gates, outcome } = await this.#requests.read<ExplainResponse__Output>(signal, ({ access }, ...rest) =>
      access.explain({ principal, roles: [...roles], toolset, tool, payloadJson }, ...rest),
    );
    return {
      gates: gates.map(({ gate, verdict, detail, remedy, reason }) => {
        return { gate, verdict: verdict as ExplainedGate["verdict"], detail, remedy, reason }; // a node's own word
      }),
      outcome: outcome as Explanation["outcome"], // likewise
    };
  }
}

function heldKey({ keyId, createdAtMs, expiresAtMs, lastUsedAtMs }: HeldKey__Output): HeldKey {
  const lastUsedAt = lastUsedAtMs === 0 ? undefined : new Date(lastUsedAtMs);
  return { keyId, createdAt: new Date(createdAtMs), ...ending(expiresAtMs), ...ifDefined("lastUsedAt", lastUsedAt) };
}

function ending(expiresAtMs: number): { readonly expiresAt?: Date } {
  return ifDefined("expiresAt", expiresAtMs === 0 ? undefined : new Date(expiresAtMs));
}

/** A login proves itself by its password: that no key was sent with it is no fault. */
function withoutKeyAdvice(error: unknown): never {
  throw error instanceof ToolgateError && error.cause instanceof ToolgateError ? error.cause : error;
}
