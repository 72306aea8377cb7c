import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { readMatch, readRoles } from "./principal-members.js";

/** What of a certificate is matched. */
export type CertificateName = "uri" | "dns" | "subject";
const NAMES: readonly CertificateName[] = ["uri", "dns", "subject"];

/** Client certificates that stand for principals of the document's tenant. */
export interface CertificateSpec {
  /**
   * What is matched, and by which pattern: `*` is any run of characters that does not cross a part: no slash of a URI, no dot of a DNS name,
   * no comma of a subject (as in `CN=ci,O=acme`).
   */
  readonly match: { readonly name: CertificateName; readonly pattern: string };
  /** The principal's id: a text in which `{uri}`, `{dns}` and `{subject}` stand for what was matched. */
  readonly id: string;
  readonly roles: readonly string[];
}

const PATTERN = /^[^\p{C}]{1,512}$/u;
const ID = /^[^\p{C}{}]*(\{(uri|dns|subject)\}[^\p{C}{}]*)*$/u;
const MAX_ID = 256;

/** Rules for client certificates. */
export const CERTIFICATE: DocumentKind<CertificateSpec> = {
  kind: "certificate",
  parse(body, ref) {
    const reader = new BodyReader();
    const { match, id, roles } = reader.object(body, "", ["match", "id", "roles"]);
    const given = reader.object(match, "/match", NAMES);
    const [name, ...others] = NAMES.filter((one) => given[one] !== undefined);
    if (name === undefined || others.length > 0) reader.add("/match", "must have one of uri, dns and subject");
    const spec: CertificateSpec = {
      match: {
        name: name ?? "uri",
        pattern:
          name === undefined
            ? ""
            : readMatch(reader, given[name], `/match/${name}`, PATTERN, "must be a pattern of at most 512 characters"),
      },
      id: id === undefined ? `{${name ?? "uri"}}` : readTemplate(reader, id, name),
      roles: readRoles(reader, roles, "/roles"),
    };
    reader.throwIfAny(ref);
    return spec;
  },
};

function readTemplate(reader: BodyReader, value: unknown, name: CertificateName | undefined): string {
  const id = reader.text(value, "/id", MAX_ID);
  const others = NAMES.filter((one) => one !== name && id.includes(`{${one}}`));
  if (!ID.test(id) || others.length > 0) {
    reader.add("/id", `must be a text in which only {${name ?? "uri"}} stands in braces: what is matched`);
  }
  return id;
}
