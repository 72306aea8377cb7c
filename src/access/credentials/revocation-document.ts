import type { Static } from "typebox";
import { schemaKind } from "../../documents/schema-kind.js";

/**
 * What ends one credential, of a principal of the document's tenant. What a later version adds to it is passed over when it is read: a
 * revocation that is not wholly understood still revokes.
 */
const Revocation = {
  type: "object",
  required: ["credential"],
  properties: {
    /** `key/<id>`, `session/<id>`, `token/<issuer>#<jti>`, `certificate/<fingerprint>`, or `subject/<id>` for whatever stands for a principal. */
    credential: { type: "string", pattern: "^(key|session|token|certificate|subject)/[^\\p{C}]{1,512}$" },
    /** Until when, in Unix milliseconds by Redis's clock; 0 or absent for ever. Past a credential's own end it has no use. */
    untilMs: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  },
} as const;

/** A credential that does not hold any more. */
export type RevocationSpec = Static<typeof Revocation>;

/** The deny list. */
export const REVOCATION = schemaKind({ kind: "revocation", schema: Revocation });
