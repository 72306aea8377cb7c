import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../src/config/environment.js";
import { writePrivateFile } from "../../src/config/private-file.js";
import { userFolder } from "../../src/config/user-folder.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";

/** A named way to a cluster. */
export interface Context {
  /** `host:port` of its nodes, separated by commas. */
  readonly nodes: string;
  /** The absolute path of the certificates (PEM) for TLS; empty for plain connections. */
  readonly ca: string;
  /** The absolute path of the file with the credential; absent for none. */
  readonly keyFile?: string;
}

/** What the file of contexts says. */
export interface Contexts {
  /** The one that is used where no other is given. */
  readonly current: string | undefined;
  readonly contexts: ReadonlyMap<string, Context>;
}

/**
 * The format of the file: `{"version":1,"current":"prod","contexts":{"prod":{"nodes":"h:7400","ca":"/ca.pem"}}}`. A member that this
 * version does not know is refused, since what it says, such as credentials, would be left out without a word.
 */
const VERSION = 1;
const CONTEXT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Where the contexts are: `toolgate/contexts.json` in XDG_CONFIG_HOME, else in `~/.config`. */
export function contextFile(env: Environment): string {
  return join(userFolder(env), "contexts.json");
}

/** The largest file of contexts, in bytes: thousands of them. */
const MAX_FILE_BYTES = 1_048_576;

/** Whether a text may name a context: letters, digits, dots, dashes and underscores, at most 64. */
export function isContextName(text: string): boolean {
  return CONTEXT_NAME.test(text);
}

/** Reads the contexts; none where there is no file. @throws ToolgateError INVALID_CONFIG, naming the file and its fault */
export async function readContexts(file: string): Promise<Contexts> {
  let text: string;
  try {
    text = await contentOf(file);
  } catch (error) {
    if (error instanceof ToolgateError) throw error;
    const { code, message } = error as NodeJS.ErrnoException; // what the file system throws
    if (code === "ENOENT") return { current: undefined, contexts: new Map() };
    throw new ToolgateError(
      "INVALID_CONFIG",
      `The contexts cannot be read: ${message}. Correct the file's permissions.`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badFile(file, "it is not JSON");
  }
  return parseContexts(file, value);
}

/** A pipe in the place of the file would never end, and could not be interrupted: it is opened without waiting for a writer. */
async function contentOf(file: string): Promise<string> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw badFile(file, "it is no file");
    if (stat.size > MAX_FILE_BYTES) throw badFile(file, `it has more than ${MAX_FILE_BYTES} bytes`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

function parseContexts(file: string, value: unknown): Contexts {
  if (!isObject(value)) throw badFile(file, "it is no object");
  if (value.version !== VERSION) {
    throw badFile(
      file,
      `its version is ${JSON.stringify(value.version) ?? "missing"}, and this command knows ${VERSION}`,
    );
  }
  refuseOthers(file, value, ["version", "current", "contexts"], "it");
  if (!isObject(value.contexts)) throw badFile(file, "its contexts are no object");
  const contexts = new Map<string, Context>();
  for (const [name, context] of Object.entries(value.contexts)) {
    if (!isContextName(name)) throw badFile(file, `${JSON.stringify(name)} cannot name a context`);
    if (!isObject(context)) throw badFile(file, `the context ${name} is no object`);
    refuseOthers(file, context, ["nodes", "ca", "keyFile"], `the context ${name}`);
    const { nodes, ca = "", keyFile = "" } = context;
    if (typeof nodes !== "string" || typeof ca !== "string" || typeof keyFile !== "string")
      throw badFile(file, `nodes, ca and keyFile of the context ${name} must be texts`);
    contexts.set(name, { nodes, ca, ...(keyFile === "" ? {} : { keyFile }) });
  }
  const { current } = value;
  if (current !== undefined && (typeof current !== "string" || !contexts.has(current)))
    throw badFile(file, "its current context is none of its contexts");
  return { current, contexts };
}

/** Writes the contexts, as a file that its owner alone can read. @throws ToolgateError INVALID_CONFIG */
export async function writeContexts(file: string, { current, contexts }: Contexts): Promise<void> {
  const content = {
    version: VERSION,
    ...(current === undefined ? {} : { current }),
    contexts: Object.fromEntries(contexts),
  };
  try {
    await writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ToolgateError(
      "INVALID_CONFIG",
      `The contexts cannot be written: ${why}. Correct the folder's permissions.`,
    );
  }
}

function refuseOthers(file: string, value: object, known: readonly string[], what: string): void {
  const other = Object.keys(value).find((name) => !known.includes(name));
  if (other !== undefined)
    throw badFile(file, `${what} has a member ${JSON.stringify(other)} that this version does not know`);
}

function badFile(file: string, fault: string): ToolgateError {
  return new ToolgateError(
    "INVALID_CONFIG",
    `The contexts in ${file} cannot be used: ${fault}. Correct the file, or remove it and set the contexts again.`,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
