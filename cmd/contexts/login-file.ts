import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../src/config/environment.js";
import { isCredential } from "../../src/config/key-file.js";
import { writePrivateFile } from "../../src/config/private-file.js";
import { userFolder } from "../../src/config/user-folder.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";

/** A person's session, as `toolgate login` keeps it. */
export interface Login {
  /** Sent as a key is. */
  readonly token: string;
  /** In Unix milliseconds by Redis's clock. */
  readonly expiresAtMs: number;
  /** Who, as `tenant/user`. */
  readonly user: string;
}

/** What a login is for: a context, or the first of some nodes. */
export interface LoginPlace {
  readonly context: string | undefined;
  readonly nodes: readonly string[];
}

/** The version of the file's format: `{"version":1,"token":"tg_session_…","expiresAtMs":1767225600000,"user":"default/ann"}`. */
const VERSION = 1;

/** Where the login for a cluster is: `toolgate/logins/` in XDG_CONFIG_HOME, else in `~/.config`. */
export function loginFile({ context, nodes }: LoginPlace, env: Environment): string {
  const name =
    context === undefined ? `node-${(nodes[0] ?? "").replaceAll(/[^A-Za-z0-9.-]/g, "_")}` : `context-${context}`;
  return join(userFolder(env), "logins", `${name}.json`);
}

/** Reads a login; undefined where there is none. @throws ToolgateError INVALID_CONFIG, without the file's content */
export async function readLogin(file: string): Promise<Login | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // what the file system throws
    if (code === "ENOENT") return undefined;
    throw new ToolgateError("INVALID_CONFIG", `The login cannot be read: ${message}. Correct the file's permissions.`);
  }
  const login = parseLogin(text);
  if (login === undefined) {
    throw new ToolgateError("INVALID_CONFIG", `The login in ${file} is damaged: log in again, or remove it.`);
  }
  return login;
}

function parseLogin(text: string): Login | undefined {
  try {
    const { version, token, expiresAtMs, user } = JSON.parse(text) as Record<string, unknown>; // checked on the next lines
    if (version !== VERSION || typeof token !== "string" || !isCredential(token)) return undefined;
    if (typeof expiresAtMs !== "number" || typeof user !== "string") return undefined;
    return { token, expiresAtMs, user };
  } catch {
    return undefined;
  }
}

/** Keeps a login. @throws ToolgateError INVALID_CONFIG */
export async function writeLogin(file: string, login: Login): Promise<void> {
  try {
    await writePrivateFile(file, `${JSON.stringify({ version: VERSION, ...login }, null, 2)}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ToolgateError("INVALID_CONFIG", `The login cannot be kept: ${why}. Correct the folder's permissions.`);
  }
}

/** Forgets a login; does nothing where there is none. */
export async function removeLogin(file: string): Promise<void> {
  await rm(file, { force: true });
}
