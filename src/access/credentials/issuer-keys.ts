import type { JSONWebKeySet, JWK, JWTVerifyGetKey } from "jose";
import type { GuardedFetch } from "../../egress/guarded-fetch.js";
import { type JsonLimits, readJson } from "../../json/read-json.js";
import type { FaultLog } from "../../observe/recurring-faults.js";

/** Where an issuer's keys come from. */
export interface KeySource {
  readonly issuer: string;
  /** Undefined to ask the issuer's OpenID configuration. */
  readonly jwksUri: string | undefined;
}

/** How long keys are used without looking whether there are others, in milliseconds. */
const FRESH_MS = 600_000;
/** The shortest time between two fetches, in milliseconds: tokens that name keys at random cause no more. */
const COOLDOWN_MS = 30_000;
/** The same while no keys are known at all, as after the start during an outage of the issuer. */
const FIRST_COOLDOWN_MS = 5_000;
/** The most keys that an issuer has. */
const MAX_KEYS = 100;
const LIMITS: JsonLimits = { maxBytes: 262_144, maxDepth: 16 };

/**
 * An issuer's public keys. They are fetched when they are first needed, and again when they are older than ten minutes or a token names
 * one that is not among them, at most every half a minute; while the issuer is away, those that are known go on. No token says where keys are.
 */
export class IssuerKeys {
  readonly #source: KeySource;
  readonly #fetch: Pick<GuardedFetch, "getJson">;
  readonly #monotonicMs: () => number;
  readonly #faults: FaultLog;
  #keys: JWTVerifyGetKey | undefined;
  #freshUntilMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  constructor(
    source: KeySource,
    parts: {
      readonly fetch: Pick<GuardedFetch, "getJson">;
      readonly monotonicMs: () => number;
      readonly faults: FaultLog;
    },
  ) {
    this.#source = source;
    this.#fetch = parts.fetch;
    this.#monotonicMs = parts.monotonicMs;
    this.#faults = parts.faults;
  }

  /** Whether these keys come from there. */
  isFrom({ issuer, jwksUri }: KeySource): boolean {
    return issuer === this.#source.issuer && jwksUri === this.#source.jwksUri;
  }

  /** The key that a token's header names, as `jose` asks for it. @throws JWKSNoMatchingKey and others of `jose` where there is none */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys === undefined) await this.#refresh();
    else if (this.#monotonicMs() >= this.#freshUntilMs) void this.#refresh();
    const { errors } = await import("jose");
    const keys = this.#keys;
    if (keys === undefined) throw new errors.JWKSNoMatchingKey();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
      if (this.#keys === keys) throw error;
      return await (this.#keys ?? keys)(header, token);
    }
  };

  /** Fetches the keys, unless that was tried a moment ago. Never rejects. */
  #refresh(): Promise<void> {
    if (this.#fetching !== undefined) return this.#fetching;
    const cooldownMs = this.#keys === undefined ? FIRST_COOLDOWN_MS : COOLDOWN_MS;
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#triedAtMs < cooldownMs) return Promise.resolve();
    this.#triedAtMs = nowMs;
    this.#fetching = this.#fetchKeys()
      .then(async (keys) => {
        const { createLocalJWKSet } = await import("jose");
        this.#keys = createLocalJWKSet(keys);
        this.#freshUntilMs = this.#monotonicMs() + FRESH_MS;
      })
      .catch((error: unknown) => {
        this.#faults.warn({ event: "issuer_keys_failed", issuer: this.#source.issuer, error }, cooldownMs);
      })
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #fetchKeys(): Promise<JSONWebKeySet> {
    const { keys } = objectOf(await this.#fetch.getJson(this.#source.jwksUri ?? (await this.#discover())));
    if (!Array.isArray(keys)) throw new TypeError("the issuer's key set has no list of keys");
    const usable = keys.slice(0, MAX_KEYS).filter(isPublicKey);
    if (usable.length === 0) throw new TypeError("the issuer's key set has no key that can be used");
    return { keys: usable };
  }

  /** OpenID Connect Discovery 1.0, section 4: the configuration must say that it is this issuer's. */
  async #discover(): Promise<string> {
    const { issuer } = this.#source;
    const found = objectOf(await this.#fetch.getJson(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`));
    if (found.issuer !== issuer) throw new TypeError("the issuer's configuration names another issuer");
    const { jwks_uri: uri } = found;
    if (typeof uri !== "string") throw new TypeError("the issuer's configuration does not say where its keys are");
    return uri;
  }
}

function objectOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  const read = readJson(bytes, LIMITS);
  if (read.kind === "malformed" || typeof read.value !== "object" || read.value === null) {
    throw new TypeError("the issuer answered no JSON object");
  }
  return read.value as Record<string, unknown>; // an object, or a list, which has no such members
}

/** A key that verifies, and could not sign. */
function isPublicKey(key: unknown): key is JWK {
  if (typeof key !== "object" || key === null) return false;
  const { kty, d, k } = key as JWK; // an object, whose members are unknown
  return (kty === "RSA" || kty === "EC" || kty === "OKP") && d === undefined && k === undefined;
}
