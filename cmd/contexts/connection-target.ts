import { readFile } from "node:fs/promises";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { ConnectionOptions, TlsOptions } from "../../src/index.js";
import { FileKey, namedKey } from "../../src/sdk/key-source.js";
import type { Connection, ConnectionKey } from "./connection.js";
import { readLogin } from "./login-file.js";

/** How a cluster is reached. */
export interface ConnectionTarget {
  /** `host:port` of at least one node. */
  readonly nodes: readonly string[];
  /** How, and by what the caller proves who it is. */
  readonly options: Pick<ConnectionOptions, "key" | "insecureKey"> & { readonly tls?: TlsOptions };
}

/** A connection with its certificates and its credential. @throws ToolgateError INVALID_CONFIG when they cannot be read */
export async function connectionTo(connection: Connection): Promise<ConnectionTarget> {
  const { nodes, ca, insecureKey } = connection;
  const key = await keyOf(connection.key);
  const options = { ...(key === undefined ? {} : { key }), insecureKey };
  if (ca === "") return { nodes, options };
  try {
    return { nodes, options: { ...options, tls: { ca: await readFile(ca) } } };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const whose = connection.context === undefined ? "--ca (TOOLGATE_CA)" : `the context ${connection.context}`;
    throw new ToolgateError("INVALID_CONFIG", `The certificates of ${whose} cannot be read: ${why}.`);
  }
}

/** Undefined leaves it to the SDK, which looks at the variable, and for a key file of this machine. */
async function keyOf(key: ConnectionKey): Promise<ConnectionOptions["key"]> {
  switch (key.kind) {
    case "variable":
    case "found":
      return undefined;
    case "file": {
      const source = new FileKey(`${key.origin} (${key.path})`, key.path);
      await source.read(); // what cannot be read is known before anything is connected
      return namedKey(source.origin, () => source.read());
    }
    case "login": {
      const login = await readLogin(key.path);
      if (login === undefined) return undefined;
      if (login.expiresAtMs <= Date.now()) {
        const ended = new Date(login.expiresAtMs).toISOString();
        throw new ToolgateError(
          "UNAUTHENTICATED",
          `The login of ${login.user} ended at ${ended}. toolgate login renews it; toolgate logout forgets it.`,
        );
      }
      return namedKey(`the login of ${login.user}`, async () => login.token);
    }
    default:
      return key satisfies never;
  }
}
