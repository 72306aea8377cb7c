import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions, type TLSSocket, type TlsOptions } from "node:tls";
import type { Config } from "../../config/config.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Logger } from "../../observe/logger.js";
import { WatchFiles } from "./watch-files.js";

/** How soon an end of the certificate is worth a warning, in milliseconds. */
const EXPIRY_WARNING_MS = 14 * 24 * 3_600_000;

export type TlsSettings = Pick<Config, "tlsCert" | "tlsKey" | "tlsClientAuth" | "tlsClientCa" | "tlsClientCrl">;

/** The files of TLS, as a server uses them. */
export interface TlsFiles {
  /** Whether clients are asked for certificates, and refused without one. */
  readonly clientAuth: Pick<TlsOptions, "requestCert" | "rejectUnauthorized">;
  /** What was read last. */
  readonly context: SecureContextOptions;
  /** Calls back when files have changed and can be used. */
  onChange(listener: (context: SecureContextOptions) => void): void;
  /** Takes no changed files over any more. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Reads the certificate, its key, and what clients' certificates are verified by, and reads them again when they change. Files that cannot
 * be used then are logged, and what was read before stays in use. TLS is 1.2 or newer, which is Node's own least version.
 *
 * @returns undefined where no certificate is configured: the server speaks in clear
 * @throws ToolgateError INVALID_CONFIG when a file cannot be read or used; it names the setting and the file
 */
export async function readTlsFiles(
  settings: TlsSettings,
  log: Logger,
  now: () => number,
): Promise<TlsFiles | undefined> {
  const { tlsCert, tlsKey, tlsClientAuth, tlsClientCa, tlsClientCrl } = settings;
  if (tlsCert === "" && tlsKey === "") return undefined;
  let context: SecureContextOptions | undefined;
  const listeners: ((context: SecureContextOptions) => void)[] = [];
  const watched = new WatchFiles({
    files: [tlsCert, tlsKey, tlsClientCa, tlsClientCrl].filter((file) => file !== ""),
    log,
    onChange: async () => {
      try {
        context = await readContext(settings, log, now);
        for (const listener of listeners) listener(context);
        log.info({ event: "tls_reloaded" });
      } catch (error) {
        log.error({ event: "tls_reload_failed", error });
      }
    },
  });
  await watched.start(); // before they are read: no change is missed
  try {
    const first = await readContext(settings, log, now);
    return {
      clientAuth: optionsOf(tlsClientAuth),
      get context() {
        return context ?? first;
      },
      onChange(listener) {
        listeners.push(listener);
      },
      stop: () => watched.stop(),
    };
  } catch (error) {
    await watched.stop();
    throw error;
  }
}

/**
 * Whether a connection may be used on which a handshake has just ended. With `request`, Node lets clients in without a certificate, and
 * with one that nobody vouches for: those are refused here.
 */
export function mayConnect(socket: Pick<TLSSocket, "authorized" | "getPeerX509Certificate">): boolean {
  return socket.authorized || socket.getPeerX509Certificate() === undefined;
}

function optionsOf(clientAuth: TlsSettings["tlsClientAuth"]): TlsFiles["clientAuth"] {
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

/** Reads and checks all files. @throws as `readTlsFiles` */
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
