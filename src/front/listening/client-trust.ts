import { X509Certificate } from "node:crypto";
import { type Der, derOf, readDer } from "./der.js";

/** The longest chain from a client's certificate to an authority. */
const MAX_CHAIN = 10;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * What clients' certificates are verified by, for connections that are open already: a handshake is verified by OpenSSL, once, and Node has
 * nothing to ask it anew. What does not hold here is closed, and a new handshake decides; so no connection is let in by this.
 */
export class ClientTrust {
  readonly #authorities: readonly X509Certificate[];
  /** What has been revoked: issuer and serial number, as they are encoded. */
  readonly #revoked: ReadonlySet<string>;

  /**
   * @param ca the authorities, in PEM
   * @param crl their revocation lists, each in PEM
   * @throws what is thrown for files that are not in these forms
   */
  constructor(ca: Buffer, crl: readonly string[]) {
    this.#authorities = [...ca.toString("latin1").matchAll(CERTIFICATE)].map(([pem]) => new X509Certificate(pem));
    this.#revoked = new Set(
      crl.flatMap((pem) => revokedBy(Buffer.from(pem.replaceAll(/-----.*?-----/g, ""), "base64"))),
    );
  }

  /** Whether a certificate that a handshake has verified leads to an authority still, and nothing on the way there was revoked. */
  holds(certificate: X509Certificate): boolean {
    let current = certificate;
    for (let depth = 0; depth < MAX_CHAIN; depth++) {
      if (this.#authorities.some(({ fingerprint256 }) => fingerprint256 === current.fingerprint256)) return true;
      if (this.#revoked.has(numberOf(current.raw))) return false;
      if (this.#authorities.some((authority) => isIssuedBy(current, authority))) return true;
      const next = current.issuerCertificate; // as the client has sent it
      if (next === undefined || !isIssuedBy(current, next)) return false;
      current = next;
    }
    return false;
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** The issuer and the serial number of a certificate (RFC 5280, 4.1): a version in front of the number may be left out. */
function numberOf(certificate: Buffer): string {
  const [toBeSigned] = readDer(certificate).items();
  const [first, second, third, fourth] = required(toBeSigned).items();
  const hasVersion = required(first).tag === TAGGED_0;
  const [number, issuer] = hasVersion ? [second, fourth] : [first, third];
  return nameOf(required(issuer), required(number));
}

/** The same of what a revocation list has (RFC 5280, 5.1). */
function revokedBy(list: Buffer): string[] {
  const [toBeSigned] = readDer(list).items();
  const items = required(toBeSigned).items();
  if (required(items[0]).tag === INTEGER) items.shift(); // the version
  const [, issuer, , ...rest] = items;
  // After the time of the list comes that of the next one, which may be left out; then the certificates, where there are any.
  const revoked = rest.find(({ tag }) => tag === SEQUENCE);
  return (revoked?.items() ?? []).map((entry) => nameOf(required(issuer), required(entry.items()[0])));
}

const INTEGER = 0x02;
const SEQUENCE = 0x30;
const TAGGED_0 = 0xa0;

function nameOf(issuer: Der, number: Der): string {
  return `${derOf(issuer)} ${derOf(number)}`;
}

function required(item: Der | undefined): Der {
  if (item === undefined) throw new RangeError("it is shorter than its form allows");
  return item;
}
