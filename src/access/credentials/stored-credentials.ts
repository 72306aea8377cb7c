import { applyDocuments, type DocumentParts } from "../../documents/apply-documents.js";
import type { DocumentKind, StoredDocument } from "../../documents/document.js";
import { readBody } from "../../documents/read-body.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { TenantName } from "../../identity/tenant.js";
import { readDocument } from "../../store/documents/read-documents.js";
import type { Authorship, CredentialDocuments, DocumentWrite } from "./credential-documents.js";

/** The credentials as documents of the registry, changed like all others: with their checks, histories and notices. */
export function storedCredentials(parts: DocumentParts): CredentialDocuments {
  return {
    async read<Spec>(kind: DocumentKind<Spec>, tenant: TenantName, name: string) {
      const ref = { tenant, kind: kind.kind, name };
      const stored = await readDocument(parts.store, ref);
      if (stored === undefined || stored.state === "removed") return undefined;
      const read = readBody(stored.body);
      if (read.kind === "malformed")
        throw new ToolgateError("INVALID_DOCUMENT", `the stored ${kind.kind} "${name}" cannot be read; apply it anew`);
      const document: StoredDocument<Spec> = { ...stored, ref, spec: kind.parse(read.value, ref) };
      return document;
    },

    async write(writes: readonly DocumentWrite[], { author, credential = "", reason }: Authorship) {
      const changes = writes.map(({ ref, body, expectRevision }) => ({
        ref,
        wanted:
          body === undefined
            ? ({ kind: "removed" } as const)
            : ({ kind: "content", body: Buffer.from(JSON.stringify(body)) } as const),
        expectRevision,
      }));
      await applyDocuments(parts, { author, credential, changes, reason, dryRun: false, force: false });
    },
  };
}
