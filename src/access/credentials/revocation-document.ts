import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { readInstant, readMatch } from "./principal-members.js";

/** A credential that does not hold any more, of a principal of the document's tenant. */
export interface RevocationSpec {
  /** `key/<id>`, `session/<id>`, `token/<issuer>#<jti>`, `certificate/<fingerprint>`, or `subject/<id>` for whatever stands for a principal. */
  readonly credential: string;
  /** Until when, in Unix milliseconds by Redis's clock; 0 for ever. Past a credential's own end it has no use. */
  readonly untilMs: number;
}

const CREDENTIAL = /^(key|session|token|certificate|subject)\/[^\p{C}]{1,512}$/u;
const RULE = "must be key/<id>, session/<id>, token/<issuer>#<jti>, certificate/<fingerprint> or subject/<id>";

/** The deny list. */
export const REVOCATION: DocumentKind<RevocationSpec> = {
  kind: "revocation",
  parse(body, ref) {
    const reader = new BodyReader();
    const { credential, untilMs } = reader.object(body, "", ["credential", "untilMs"]);
    const spec = {
      credential: readMatch(reader, credential, "/credential", CREDENTIAL, RULE),
      untilMs: untilMs === undefined ? 0 : readInstant(reader, untilMs, "/untilMs"),
    };
    reader.throwIfAny(ref);
    return spec;
  },
};
