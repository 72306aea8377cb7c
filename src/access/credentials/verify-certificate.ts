import { createHash, X509Certificate } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { DocumentsReader, StoredDocument } from "../../documents/document.js";
import { compilePattern, type Matcher } from "../../identity/name-pattern.js";
import { CERTIFICATE, type CertificateName, type CertificateSpec } from "./certificate-document.js";
import { type Proof, refused, type Verdict } from "./proof.js";

/** The most certificates that are remembered as they were read. */
const MAX_READ = 10_000;
/** A longer one is none of ours, in bytes. */
const MAX_DER_BYTES = 65_536;
const MAX_ID = 256;

/** What a certificate says of its holder. */
interface CertificateNames {
  readonly fingerprint: string;
  readonly names: Readonly<Record<CertificateName, readonly string[]>>;
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** What separates the parts of a name, so that a star does not cross it. */
const SEPARATOR: Readonly<Record<CertificateName, string>> = { uri: "/", dns: ".", subject: "," };

/**
 * Tells principals by client certificates, which the handshake has verified by then: their issuers vouch for their names, and
 * documents say whom a name stands for. A certificate that documents of several principals match stands for none of them.
 */
export class CertificateVerifier {
  readonly #documents: DocumentsReader;
  readonly #read = new LRUCache<string, CertificateNames>({ max: MAX_READ });
  readonly #matchers = new WeakMap<CertificateSpec, Matcher>();

  constructor(documents: DocumentsReader) {
    this.#documents = documents;
  }

  /** By what a certificate is remembered: its SHA-256 in lower-case hexadecimal. */
  fingerprintOf(der: Buffer): string {
    return createHash("sha256").update(der).digest("hex");
  }

  /** Whom a certificate stands for, as of now. */
  verify(der: Buffer, nowMs: number): Verdict {
    if (der.length > MAX_DER_BYTES) return refused("malformed");
    const certificate = this.#namesOf(der);
    const credential = `certificate/${certificate.fingerprint}`;
    if (certificate.validFromMs > nowMs) return refused("untrusted", credential);
    const proofs = new Map<string, Proof>();
    for (const document of this.#documents.all(CERTIFICATE)) {
      const matched = this.#match(document, certificate);
      if (matched === undefined) continue;
      const { ref, spec } = document;
      const id = spec.id.replaceAll(`{${spec.match.name}}`, () => matched);
      if (id === "" || id.length > MAX_ID) continue;
      const place = `${ref.tenant}/${id}`;
      const roles = [...new Set([...(proofs.get(place)?.principal.roles ?? []), ...spec.roles])].sort();
      const principal = { tenant: ref.tenant, id, kind: "certificate", roles, attributes: NO_ATTRIBUTES } as const;
      proofs.set(place, { principal, credential, expiresAtMs: certificate.validToMs });
    }
    const [proof, ...others] = proofs.values();
    if (proof === undefined) return refused("unknown", credential);
    return others.length > 0 ? refused("ambiguous", credential) : { kind: "proof", proof };
  }

  #match({ spec }: StoredDocument<CertificateSpec>, { names }: CertificateNames): string | undefined {
    const { name, pattern } = spec.match;
    let matcher = this.#matchers.get(spec);
    if (matcher === undefined) {
      matcher = compilePattern(asParts(pattern, SEPARATOR[name]));
      this.#matchers.set(spec, matcher);
    }
    return names[name].find((text) => matcher(asParts(text, SEPARATOR[name])));
  }

  #namesOf(der: Buffer): CertificateNames {
    const fingerprint = this.fingerprintOf(der);
    const known = this.#read.get(fingerprint);
    if (known !== undefined) return known;
    const certificate = new X509Certificate(der);
    const alternatives = alternativeNames(certificate.subjectAltName ?? "");
    const read: CertificateNames = {
      fingerprint,
      names: {
        uri: alternatives.filter(({ type }) => type === "URI").map(({ name }) => name),
        dns: alternatives.filter(({ type }) => type === "DNS").map(({ name }) => name.toLowerCase()),
        subject: certificate.subject === "" ? [] : [certificate.subject.split("\n").join(",")],
      },
      validFromMs: Date.parse(certificate.validFrom),
      validToMs: Date.parse(certificate.validTo),
    };
    this.#read.set(fingerprint, read);
    return read;
  }
}

const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({});

/** In patterns a star ends at a slash: what separates the parts of this name takes its place, and slashes take another's. */
function asParts(text: string, separator: string): string {
  if (separator === "/") return text;
  // A subject's comma that is part of a value stands behind a backslash (RFC 2253): choosing a value adds no part to the subject.
  const marked = separator === "," ? text.replace(/\\./gs, (pair) => (pair === "\\," ? "\u0001" : pair)) : text;
  return marked.replaceAll("/", "\u0000").replaceAll(separator, "/");
}

/**
 * Reads the alternative names as Node writes them: `DNS:a.example, URI:"spiffe://x, y"`. What could be taken for another name is in quotes,
 * as JSON; a name with a control character stands for no principal.
 */
function alternativeNames(text: string): readonly { readonly type: string; readonly name: string }[] {
  const found = [];
  for (const [, type = "", quoted, plain] of text.matchAll(
    /([^:,\s]+(?: [^:,\s]+)*):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/g,
  )) {
    const name: unknown = quoted === undefined ? plain : JSON.parse(quoted);
    if (typeof name === "string" && name !== "" && !/\p{C}/u.test(name)) found.push({ type, name });
  }
  return found;
}
