import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Logger } from "../../observe/logger.js";

/** How soon an end of the certificate is worth a warning, in milliseconds. */
const EXPIRY_WARNING_MS = 14 * 24 * 3_600_000;

/**
 * What the server speaks: TLS when a certificate and its key are configured, plain HTTP/2 otherwise. TLS is 1.2 or
 * newer, which is Node's own least version.
 *
 * @throws ToolgateError INVALID_CONFIG when a file cannot be read or used; it names the setting and the file
 */
export async function serverCredentials(
  { tlsCert, tlsKey }: { readonly tlsCert: string; readonly tlsKey: string },
  log: Logger,
  now: () => number,
): Promise<ServerCredentials> {
  if (tlsCert === "" && tlsKey === "") return ServerCredentials.createInsecure();
  const [cert, key] = await Promise.all([
    read("TOOLGATE_TLS_CERT (--tls-cert)", tlsCert),
    read("TOOLGATE_TLS_KEY (--tls-key)", tlsKey),
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
  const endsMs = Date.parse(certificate.validTo);
  if (endsMs - now() < EXPIRY_WARNING_MS) {
    const event = endsMs < now() ? "tls_certificate_expired" : "tls_certificate_expires";
    log.warn({ event, file: tlsCert, validTo: certificate.validTo });
  }
  return ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }], false);
}

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
