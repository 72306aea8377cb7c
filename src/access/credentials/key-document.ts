import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { readAttributes, readInstant, readMatch, readRoles, without } from "./principal-members.js";
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
    if (typeof body !== "object" || body === null || !("keys" in body) || !Array.isArray(body.keys)) return body;
    return { ...body, keys: body.keys.map((key: unknown) => without(key, "hash")) };
  },
};

function readKey(reader: BodyReader, value: unknown, place: string): StoredKey {
  const { id, hash, createdAtMs, expiresAtMs } = reader.object(value, place, [
    "id",
    "hash",
    "createdAtMs",
    "expiresAtMs",
  ]);
  return {
    id: readMatch(reader, id, `${place}/id`, SECRET_ID, "must be 12 lower-case letters and digits"),
    hash: readSecretHash(reader, hash, `${place}/hash`),
    createdAtMs: readInstant(reader, createdAtMs, `${place}/createdAtMs`),
    expiresAtMs: readInstant(reader, expiresAtMs, `${place}/expiresAtMs`),
  };
}
