import { join } from "node:path";
import { isLoopback, splitAddress } from "./address.js";
import type { Environment } from "./environment.js";
import { userFolder } from "./user-folder.js";

/** The folder of the keys to clusters on this machine. @throws as `userFolder` does */
export function localKeyFolder(env: Environment): string {
  return join(userFolder(env), "keys");
}

/**
 * Where the key to a cluster on this machine is, which a program of this user has started: by a node's address, such as
 * `keys/127.0.0.1_7400`. Undefined for an address of another machine, whose nodes get no key that they were not given.
 */
export function localKeyFile(address: string, env: Environment): string | undefined {
  const parts = splitAddress(address);
  if (parts === undefined || !isLoopback(parts.host)) return undefined;
  const host = parts.host === "localhost" ? "127.0.0.1" : parts.host.replaceAll(":", "-");
  try {
    return join(localKeyFolder(env), `${host}_${parts.port}`);
  } catch {
    return undefined; // a user without a home has started none
  }
}
