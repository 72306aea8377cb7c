import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
  createSecureContext,
  type SecureContextOptions,
  type TLSSocket,
  type TlsOptions,
  type Server as TlsServer,
} from "node:tls";
import type { Config } from "../../config/config.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Logger } from "../../observe/logger.js";
import { ClientTrust } from "./client-trust.js";
import { WatchFiles } from "./watch-files.js";

/** How soon an end of the certificate is worth a warning, in milliseconds. */
const EXPIRY_WARNING_MS = 14 * 24 * 3_600_000;

export type TlsSettings = Pick<Config, "tlsCert" | "tlsKey" | "tlsClientAuth" | "tlsClientCa" | "tlsClientCrl">;

/** Whether a client's certificate still leads to an authority, and nothing on the way there was revoked. */
export type Trust = (certificate: X509Certificate) => boolean;

/**
 * Calls back when files have changed and can be used.
 *
 * @param trust what the certificates of open connections are judged by; undefined where clients are not asked for any
 */
export type TlsListener = (context: SecureContextOptions, trust: Trust | undefined) => void;

/**
 * The files of TLS, as the servers of a node use them: the certificate, its key, and what clients' certificates are verified by. They are
 * read again when they change. Files that cannot be used then are logged, and what was read before stays in use. TLS is 1.2 or newer,
 * which is Node's own least version.
 */
export class TlsFiles {
  /** Whether there is a certificate; without, servers speak in clear. */
  readonly on: boolean;
  /** Whether clients are asked for certificates, and refused without one. */
  readonly clientAuth: Pick<TlsOptions, "requestCert" | "rejectUnauthorized">;
  readonly #settings: TlsSettings;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #listeners: TlsListener[] = [];
  readonly #watched: WatchFiles;
  #context: SecureContextOptions = {};

  constructor(settings: TlsSettings, log: Logger, now: () => number) {
    const { tlsCert, tlsKey, tlsClientAuth, tlsClientCa, tlsClientCrl } = settings;
    this.on = tlsCert !== "" || tlsKey !== "";
    this.clientAuth = optionsOf(tlsClientAuth);
    this.#settings = settings;
    this.#log = log;
    this.#now = now;
    const files = [tlsCert, tlsKey, tlsClientCa, tlsClientCrl].filter((file) => file !== "");
    this.#watched = new WatchFiles({ files, log, onChange: () => this.#reload() });
  }

  /** What was read last. */
  get context(): SecureContextOptions {
    return this.#context;
  }

  /**
   * Reads the files, where there are any, and follows them from here on.
   *
   * @throws ToolgateError INVALID_CONFIG when a file cannot be read or used; it names the setting and the file
   */
  async start(): Promise<void> {
    if (!this.on) return;
    await this.#watched.start(); // before they are read: no change is missed
    try {
      this.#context = await readContext(this.#settings, this.#log, this.#now);
    } catch (error) {
      await this.#watched.stop();
      throw error;
    }
  }

  /** Takes no changed files over any more. Idempotent. */
  stop(): Promise<void> {
    return this.#watched.stop();
  }

  onChange(listener: TlsListener): void {
    this.#listeners.push(listener);
  }

  /** Has a server with TLS close the connections that may not be used: see `mayConnect`. */
  guard(server: Pick<TlsServer, "prependListener">): void {
    if (this.#settings.tlsClientAuth !== "request") return;
    server.prependListener("secureConnection", (socket) => {
      if (!mayConnect(socket)) socket.destroy();
    });
  }

  async #reload(): Promise<void> {
    try {
      this.#context = await readContext(this.#settings, this.#log, this.#now);
      const trust = this.#trust();
      for (const listener of this.#listeners) listener(this.#context, trust);
      this.#log.info({ event: "tls_reloaded" });
    } catch (error) {
      this.#log.error({ event: "tls_reload_failed", error });
    }
  }

  #trust(): Trust | undefined {
    const { ca, crl } = this.#context;
    if (!Buffer.isBuffer(ca)) return undefined;
    try {
      const trust = new ClientTrust(ca, Array.isArray(crl) ? crl.map(String) : []);
      return (certificate) => trust.holds(certificate);
    } catch (error) {
      // What cannot be read here may be clear to OpenSSL: new handshakes decide about all.
      this.#log.warn({ event: "tls_clients_unjudged", error });
      return () => false;
    }
  }
}

const certificates = new WeakMap<object, X509Certificate>();

/**
 * The certificate that a connection's other end has proved to have; undefined where it gave none, or one that nobody vouches for. Read
 * once for each connection: Node makes an object of the whole certificate.
 *
 * @param socket any; one without TLS has none
 */
export function peerCertificate(socket: object): X509Certificate | undefined {
  const known = certificates.get(socket);
  if (known !== undefined) return known;
  // `authorized` says that the handshake verified it against the configured authorities.
  const { authorized, getPeerX509Certificate } = socket as Partial<TLSSocket>; // of a socket with TLS
  if (authorized !== true || getPeerX509Certificate === undefined) return undefined;
  const certificate = getPeerX509Certificate.call(socket);
  if (certificate !== undefined) certificates.set(socket, certificate);
  return certificate;
}

/**
 * Whether a connection may be used on which a handshake has just ended. With `request`, Node lets clients in without a certificate, and
 * with one that nobody vouches for: those are refused here.
 */
function mayConnect(socket: Pick<TLSSocket, "authorized" | "getPeerX509Certificate">): boolean {
  return socket.authorized || socket.getPeerX509Certificate() === undefined;
}

function optionsOf(clientAuth: TlsSettings["tlsClientAuth"]): Pick<TlsOptions, "requestCert" | "rejectUnauthorized"> {
  switch (clientAuth) {
    case "none":
      return { requestCert: false };
    case "request":
      return { requestCert: true, rejectUnauthorized: false }; // see mayConnect
    case "require":
      return { requestCert: true, rejectUnauthorized: true };
    default:
      return clientAuth satisfies never;
  }
}

/** Reads and checks all files. @throws as `TlsFiles.start` */
async function readContext(settings: TlsSettings, log: Logger, now: () => number): Promise<SecureContextOptions> {
  const { tlsCert, tlsKey, tlsClientCa, tlsClientCrl } = settings;
  const [cert, key, ca, crl] = await Promise.all([
    read("TOOLGATE_TLS_CERT (--tls-cert)", tlsCert),
    read("TOOLGATE_TLS_KEY (--tls-key)", tlsKey),
    tlsClientCa === "" ? undefined : read(CLIENT_CA, tlsClientCa),
    tlsClientCrl === "" ? undefined : read(CLIENT_CRL, tlsClientCrl),
  ]);
  const certificate = parse(
    () => new X509Certificate(cert),
    `TOOLGATE_TLS_CERT (--tls-cert): ${tlsCert} holds no certificate in PEM form.`,
  );
  const privateKey: KeyObject = parse(
    () => createPrivateKey(key),
    `TOOLGATE_TLS_KEY (--tls-key): ${tlsKey} holds no private key in PEM form, or one that needs a passphrase.`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalid(
      `TOOLGATE_TLS_KEY (--tls-key): ${tlsKey} is not the key of the certificate in ${tlsCert}. The chain must begin with the node's own certificate.`,
    );
  }
  parse(
    () => createSecureContext({ cert, key }),
    `TOOLGATE_TLS_CERT (--tls-cert): the certificates in ${tlsCert} cannot be used with their key.`,
  );
  if (ca !== undefined)
    parse(() => new X509Certificate(ca), `${CLIENT_CA}: ${tlsClientCa} holds no certificate in PEM form.`);
  const lists = crl === undefined ? undefined : listsIn(crl);
  if (lists !== undefined) {
    const fault = `${CLIENT_CRL}: ${tlsClientCrl} holds no revocation list in PEM form.`;
    if (lists.length === 0) throw invalid(fault);
    parse(() => createSecureContext({ crl: lists }), fault);
  }
  const endsMs = Date.parse(certificate.validTo);
  if (endsMs - now() < EXPIRY_WARNING_MS) {
    const event = endsMs < now() ? "tls_certificate_expired" : "tls_certificate_expires";
    log.warn({ event, file: tlsCert, validTo: certificate.validTo });
  }
  // Without an authority of its own, a server that asks for certificates would take those of every public one.
  return { cert, key, ...(ca === undefined ? {} : { ca }), ...(lists === undefined ? {} : { crl: lists }) };
}

/** The revocation lists of a file, each by itself: Node reads the first one of a text alone. */
function listsIn(pem: Buffer): string[] {
  return pem.toString("latin1").match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g) ?? [];
}

const CLIENT_CA = "TOOLGATE_TLS_CLIENT_CA (--tls-client-ca)";
const CLIENT_CRL = "TOOLGATE_TLS_CLIENT_CRL (--tls-client-crl)";

async function read(setting: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // what the file system throws
    throw invalid(`${setting}: cannot read ${file} (${code}). Correct the path, or the file's permissions.`, cause);
  }
}

function parse<T>(make: () => T, message: string): T {
  try {
    return make();
  } catch (cause) {
    throw invalid(message, cause);
  }
}

function invalid(message: string, cause?: unknown): ToolgateError {
  return new ToolgateError("INVALID_CONFIG", message, { cause });
}
