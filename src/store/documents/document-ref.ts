import { invalidField } from "../../identity/names.js";
import { isTenantName, parseTenantName, type TenantName } from "../../identity/tenant.js";

/** Names a document. */
export interface DocumentRef {
  /** The tenant that it belongs to. */
  readonly tenant: TenantName;
  /** A lower-case word. */
  readonly kind: string;
  /** Its name within its tenant and kind. */
  readonly name: string;
}

/** A document's name as one text, `tenant/kind/name`: unambiguous, for no part has a slash. */
export type DocumentPath = string;

const KIND = /^[a-z][a-z0-9-]{0,31}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

/** Whether a text is a kind's name. */
export const isKindName = (text: string): boolean => KIND.test(text);

/** Whether a text is a document's name. */
export const isDocumentName = (text: string): boolean => NAME.test(text);

/** The path of a document: its field in Redis, and how messages name it within a tenant. */
export function documentPath({ tenant, kind, name }: DocumentRef): DocumentPath {
  return `${tenant}/${kind}/${name}`;
}

/** Reads a path; nothing when it is none. */
export function readDocumentPath(path: string): DocumentRef | undefined {
  const [tenant = "", kind = "", name = "", ...more] = path.split("/");
  if (more.length > 0 || !isTenantName(tenant) || !KIND.test(kind) || !NAME.test(name)) return undefined;
  return { tenant, kind, name };
}

/**
 * A document's name from outside.
 *
 * @param field the request's field that has it, for errors.
 * @throws ToolgateError INVALID_REQUEST
 */
export function parseDocumentRef(
  { tenant, kind, name }: { readonly tenant: string; readonly kind: string; readonly name: string },
  field: string,
): DocumentRef {
  if (!KIND.test(kind)) throw invalidField(`${field}.kind`, `must match ${KIND.source}`);
  if (!NAME.test(name)) throw invalidField(`${field}.name`, `must match ${NAME.source}`);
  return { tenant: parseTenantName(tenant, `${field}.tenant`), kind, name };
}
