import { readFile } from "node:fs/promises";
import { type ChannelCredentials, Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { joinAddress, splitAddress } from "../../src/config/address.js";
import type { ListenerConfig } from "../../src/config/config.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { askHealth, plainCause } from "./ask-health.js";

/** How long the node may take to answer, in milliseconds. */
const PATIENCE_MS = 3_000;

/** A certificate that a client shows, and its key: files in PEM form. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What a node said of itself. */
export interface OwnHealth {
  /** Where it was asked. */
  readonly address: string;
  /** `SERVING`, or what is the case instead: `NOT_SERVING`, `SERVICE_UNKNOWN`, `UNREACHABLE`. */
  readonly status: string;
  /** Why it could not be asked; empty where it answered. */
  readonly why: string;
}

/**
 * Asks the node that these settings are of for its health, on the machine or in the container where it runs. No credential is sent.
 *
 * @param service a service's full name; the node as a whole when empty
 * @param shown shown where the node demands a certificate; its own when absent
 * @throws ToolgateError INVALID_CONFIG where a file cannot be read, or where the port is not known
 */
export async function askOwnNode(
  listener: ListenerConfig,
  service: string,
  shown: ClientCertificate | undefined,
): Promise<OwnHealth> {
  const address = reachedAt(listener.listen);
  const client = new Client(address, await channelCredentials(listener, shown));
  try {
    return { address, status: await askHealth(client, service, PATIENCE_MS), why: "" };
  } catch (error) {
    const { code, details = "" } = error as Partial<ServiceError>; // grpc-js rejects with these
    if (code === status.NOT_FOUND) return { address, status: "SERVICE_UNKNOWN", why: details };
    const why =
      code === status.DEADLINE_EXCEEDED ? `no answer within ${PATIENCE_MS} ms` : plainCause(details || String(error));
    return { address, status: "UNREACHABLE", why };
  } finally {
    client.close();
  }
}

/** What listens on all addresses is asked on the loopback one; what listens on one alone is there and nowhere else. */
export function reachedAt(listen: string): string {
  const { host, port } = splitAddress(listen) ?? { host: "", port: 0 };
  if (port === 0) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `Which port the node listens on is not known: TOOLGATE_LISTEN (--listen) is ${listen}. Name the port.`,
    );
  }
  const isIpv6Any = /^[0:]*::?[0:]*$/.test(host);
  if (isIpv6Any) return joinAddress("::1", port);
  return joinAddress(host === "0.0.0.0" ? "127.0.0.1" : host, port);
}

/**
 * The node's certificate is for the name that others reach it by, so it is not checked: nothing secret is sent, and what answers at the
 * node's own port on this machine is the node.
 */
async function channelCredentials(
  { tlsCert, tlsKey, tlsClientAuth }: ListenerConfig,
  shown: ClientCertificate | undefined,
): Promise<ChannelCredentials> {
  if (tlsCert === "") return credentials.createInsecure();
  const unchecked = { rejectUnauthorized: false };
  const own = tlsClientAuth === "require" ? { cert: tlsCert, key: tlsKey } : undefined;
  const files = shown ?? own;
  if (files === undefined) return credentials.createSsl(null, null, null, unchecked);
  const [cert, key] = await Promise.all([readPem(files.cert), readPem(files.key)]);
  return credentials.createSsl(null, key, cert, unchecked);
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // what the file system throws
    throw new ToolgateError("INVALID_CONFIG", `${file} cannot be read (${code}). Correct its path or permissions.`, {
      cause,
    });
  }
}
