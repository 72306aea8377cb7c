import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { SecureServerOptions } from "node:http2";
import { createSecureContext, type SecureContextOptions, type TLSSocket } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import type { Config } from "../../config/config.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Logger } from "../../observe/logger.js";
import { WatchFiles } from "./watch-files.js";

/** How soon an end of the certificate is worth a warning, in milliseconds. */
const EXPIRY_WARNING_MS = 14 * 24 * 3_600_000;

export type TlsSettings = Pick<Config, "tlsCert" | "tlsKey" | "tlsClientAuth" | "tlsClientCa" | "tlsClientCrl">;

/** What a server speaks. */
export interface ServerTls {
  readonly credentials: ServerCredentials;
  /** Takes no changed files over any more. Idempotent. */
  stop(): Promise<void>;
}

/**
 * What the server speaks: TLS when a certificate and its key are configured, plain HTTP/2 otherwise. TLS is 1.2 or
 * newer, which is Node's own least version.
 *
 * Files that change are read again, for new connections; those that are open stay as they are. Files that cannot be used are logged, and
 * what was read before stays in use.
 *
 * @throws ToolgateError INVALID_CONFIG when a file cannot be read or used; it names the setting and the file
 */
export async function serverTls(settings: TlsSettings, log: Logger, now: () => number): Promise<ServerTls> {
  const { tlsCert, tlsKey, tlsClientAuth, tlsClientCa, tlsClientCrl } = settings;
  if (tlsCert === "" && tlsKey === "") return { credentials: ServerCredentials.createInsecure(), stop: async () => {} };
  let credentials: FileCredentials | undefined;
  const watched = new WatchFiles({
    files: [tlsCert, tlsKey, tlsClientCa, tlsClientCrl].filter((file) => file !== ""),
    log,
    onChange: async () => {
      try {
        credentials?.use(await readContext(settings, log, now));
        log.info({ event: "tls_reloaded" });
      } catch (error) {
        log.error({ event: "tls_reload_failed", error });
      }
    },
  });
  await watched.start(); // before they are read: no change is missed
  try {
    credentials = new FileCredentials(optionsOf(tlsClientAuth), await readContext(settings, log, now));
  } catch (error) {
    await watched.stop();
    throw error;
  }
  return { credentials, stop: () => watched.stop() };
}

/**
 * Whether a connection may be used on which a handshake has just ended. With `request`, Node lets clients in without a certificate, and
 * with one that nobody vouches for: those are refused here.
 */
export function mayConnect(socket: Pick<TLSSocket, "authorized" | "getPeerX509Certificate">): boolean {
  return socket.authorized || socket.getPeerX509Certificate() === undefined;
}

function optionsOf(clientAuth: TlsSettings["tlsClientAuth"]): SecureServerOptions {
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

/** Credentials whose certificates can be changed while they are used. */
class FileCredentials extends ServerCredentials {
  use(context: SecureContextOptions): void {
    this.updateSecureContextOptions(context);
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** Reads and checks all files. @throws as `serverTls` */
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
  if (crl !== undefined)
    parse(() => createSecureContext({ crl }), `${CLIENT_CRL}: ${tlsClientCrl} holds no revocation list in PEM form.`);
  const endsMs = Date.parse(certificate.validTo);
  if (endsMs - now() < EXPIRY_WARNING_MS) {
    const event = endsMs < now() ? "tls_certificate_expired" : "tls_certificate_expires";
    log.warn({ event, file: tlsCert, validTo: certificate.validTo });
  }
  // Without an authority of its own, a server that asks for certificates would take those of every public one.
  return { cert, key, ...(ca === undefined ? {} : { ca }), ...(crl === undefined ? {} : { crl }) };
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
