import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import {
  isObject,
  readAttributes,
  readInstant,
  readMatch,
  readRoles,
  withMember,
  without,
} from "./principal-members.js";
import { readSecretHash, SECRET_ID, type SecretHash } from "./secret-token.js";

/** The most keys that one principal has at a time; expired ones are left out when a new one is made. */
export const MAX_KEYS = 16;

/** One key of a principal. */
export interface StoredKey {
  readonly id: string;
  readonly hash: SecretHash;
  /** In Unix milliseconds by Redis's clock. */
  readonly createdAtMs: number;
  /** In Unix milliseconds by Redis's clock; 0 for never. */
  readonly expiresAtMs: number;
}

/** A principal that proves itself by keys. The document's name is its id. */
export interface KeySpec {
  readonly roles: readonly string[];
  readonly attributes: Readonly<Record<string, string>>;
  /** None of its keys holds. */
  readonly disabled: boolean;
  readonly keys: readonly StoredKey[];
}

/** Principals that prove themselves by API keys: written by the use cases of api-keys.ts. */
export const KEY: DocumentKind<KeySpec> = {
  kind: "key",
  parse(body, ref) {
    const reader = new BodyReader();
    const { roles, attributes, disabled, keys } = reader.object(body, "", ["roles", "attributes", "disabled", "keys"]);
    const spec = {
      roles: readRoles(reader, roles, "/roles"),
      attributes: readAttributes(reader, attributes, "/attributes"),
      disabled: disabled === undefined ? false : reader.flag(disabled, "/disabled"),
      keys: reader.list(keys, "/keys", { most: MAX_KEYS }).map(([key, place]) => readKey(reader, key, place)),
    };
    reader.throwIfAny(ref);
    return spec;
  },
  redact: (body) => {
    if (!hasKeys(body)) return body;
    return { ...body, keys: body.keys.map((key) => without(key, "hash")) };
  },
  /** Each key by its id: one that was revoked has no hash that could come back. */
  restore: (body, former) => {
    if (!hasKeys(body) || !hasKeys(former)) return body;
    const keys = body.keys.map((key) => {
      const same = former.keys.find((one) => isObject(key) && isObject(one) && key.id === one.id);
      return same === undefined ? key : withMember(key, same, "hash");
    });
    const isSame = keys.every((key, place) => key === body.keys[place]);
    return isSame ? body : { ...body, keys };
  },
  /** A key comes back only where it holds still, and for no longer than it does: the end of a key is final. */
  revert: (body, now) => {
    if (!hasKeys(body)) return body;
    const held = hasKeys(now) ? now.keys.filter(isObject) : [];
    const keys = body.keys.flatMap((key) => {
      const same = held.find((one) => isObject(key) && key.id === one.id);
      return same === undefined ? [] : [isObject(key) && endOf(key) <= endOf(same) ? key : same];
    });
    const isSame = keys.length === body.keys.length && keys.every((key, place) => key === body.keys[place]);
    return isSame ? body : { ...body, keys };
  },
};

/** When a stored key ends. */
function endOf({ expiresAtMs }: Readonly<Record<string, unknown>>): number {
  return typeof expiresAtMs === "number" && expiresAtMs > 0 ? expiresAtMs : Number.POSITIVE_INFINITY;
}

function hasKeys(body: unknown): body is { readonly keys: readonly unknown[] } {
  return isObject(body) && Array.isArray(body.keys);
}

function readKey(reader: BodyReader, value: unknown, place: string): StoredKey {
  const { id, hash, createdAtMs, expiresAtMs } = reader.object(value, place, [
    "id",
    "hash",
    "createdAtMs",
    "expiresAtMs",
  ]);
  return {
    id: readMatch(reader, id, `${place}/id`, SECRET_ID, "must be 12 lower-case letters and digits"),
    hash: readSecretHash(reader, hash, `${place}/hash`, "it stays where it is left out of a key that is there already"),
    createdAtMs: readInstant(reader, createdAtMs, `${place}/createdAtMs`),
    expiresAtMs: readInstant(reader, expiresAtMs, `${place}/expiresAtMs`),
  };
}
