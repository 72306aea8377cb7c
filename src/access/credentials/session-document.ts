import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { invalidDocument } from "../../documents/invalid-document.js";
import { readInstant, readName, without } from "./principal-members.js";
import { readSecretHash, type SecretHash } from "./secret-token.js";

/** A person that is logged in. The document's name is the session's id. */
export interface SessionSpec {
  /** The user document that it stands for: roles are taken from there, as they are now. */
  readonly user: string;
  readonly hash: SecretHash;
  /** In Unix milliseconds by Redis's clock. */
  readonly createdAtMs: number;
  /** In Unix milliseconds by Redis's clock. */
  readonly expiresAtMs: number;
}

/** Sessions of people: made by a login, removed by a logout or by maintenance. */
export const SESSION: DocumentKind<SessionSpec> = {
  kind: "session",
  parse(body, ref) {
    const reader = new BodyReader();
    const members = reader.object(body, "", ["user", "hash", "createdAtMs", "expiresAtMs"]);
    const spec = {
      user: readName(reader, members.user, "/user"),
      hash: readSecretHash(reader, members.hash, "/hash"),
      createdAtMs: readInstant(reader, members.createdAtMs, "/createdAtMs"),
      expiresAtMs: readInstant(reader, members.expiresAtMs, "/expiresAtMs"),
    };
    reader.throwIfAny(ref);
    return spec;
  },
  redact: (body) => without(body, "hash"),
  revert: (_body, _now, ref) => {
    throw invalidDocument(ref, [{ field: "", description: "does not come back: its person logs in anew" }]);
  },
  history: 1,
};
