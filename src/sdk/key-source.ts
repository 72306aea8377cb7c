import { isLoopback, splitAddress } from "../config/address.js";
import type { Environment } from "../config/environment.js";
import { isCredential, readKeyFile } from "../config/key-file.js";
import { localKeyFile } from "../config/local-key-file.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ConnectionOptions } from "./connection-options.js";

/** Where a client's credential comes from. */
export interface KeySource {
  /** What it is, for people. */
  readonly origin: string;
  /** Whether it may be another one when it is read again. */
  readonly renewable: boolean;
  /**
   * The credential for a node; undefined where there is none.
   *
   * @throws what keeps it from being read; never with the credential in it
   */
  read(address: string): Promise<string | undefined>;
}

/** No credential is sent. */
export const NO_KEY: KeySource = { origin: "", renewable: false, read: async () => undefined };

/** What decides where the credential comes from. */
export interface KeyQuestion extends Pick<ConnectionOptions, "key" | "insecureKey" | "tls"> {
  readonly addresses: readonly string[];
  readonly env: Environment;
  /** Told of a key file that is there and cannot be used. */
  readonly onUnusable: (message: string) => void;
}

/**
 * Finds a client's credential: the option, else TOOLGATE_KEY, else the file of TOOLGATE_KEY_FILE, else, for nodes on this machine, the
 * file that was made with them.
 *
 * @throws ToolgateError INVALID_CONFIG when what is given holds no credential, or would send it in clear to another machine
 */
export async function findKeySource(question: KeyQuestion): Promise<KeySource> {
  const { addresses, env, onUnusable } = question;
  if (question.key === null) return NO_KEY;
  const given = givenSource(question);
  if (given === undefined) return new LocalKey(env, onUnusable);
  refuseExposure(addresses, question, `The key of ${given.origin}`);
  // A file that cannot be read is known at once, and not when the patience with the nodes is over.
  if (given instanceof FileKey) await given.read();
  return given;
}

/**
 * Keeps a secret from networks that others are on.
 *
 * @throws ToolgateError INVALID_CONFIG when it would be sent in clear to another machine, and nobody said that it may
 */
export function refuseExposure(
  addresses: readonly string[],
  { tls, insecureKey = false }: Pick<ConnectionOptions, "tls" | "insecureKey">,
  what: string,
): void {
  if ((tls !== undefined && tls !== false) || insecureKey) return;
  const exposed = addresses.find((address) => !isLoopback(splitAddress(address)?.host ?? ""));
  if (exposed === undefined) return;
  throw new ToolgateError(
    "INVALID_CONFIG",
    `${what} is not sent to ${exposed}: the connection has no TLS, so that everybody on the way could read it. ` +
      "Pass the option tls (--ca on the command line), or, on a network that you trust, insecureKey: true (--insecure-key).",
  );
}

function givenSource({ key, env }: KeyQuestion): KeySource | undefined {
  if (typeof key === "function") return new CalledKey(key);
  if (typeof key === "string") return fixed("the option key", key);
  const { TOOLGATE_KEY: variable = "", TOOLGATE_KEY_FILE: file = "" } = env;
  if (variable !== "") return fixed("TOOLGATE_KEY", variable);
  return file === "" ? undefined : new FileKey(`TOOLGATE_KEY_FILE (${file})`, file);
}

function fixed(origin: string, text: string): KeySource {
  const key = checked(origin, text);
  return { origin, renewable: false, read: async () => key };
}

/** @throws ToolgateError INVALID_CONFIG */
function checked(origin: string, text: string): string {
  const key = text.trim();
  if (!isCredential(key)) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `${origin} holds no key: it must be printable characters without spaces.`,
    );
  }
  return key;
}

/** A function that gives a credential, and says where that comes from: for a program that has found it by itself. */
export interface NamedKey {
  (): Promise<string>;
  readonly origin: string;
}

export function namedKey(origin: string, read: () => Promise<string>): NamedKey {
  return Object.assign(async () => await read(), { origin });
}

/** What a function gives, each time. */
class CalledKey implements KeySource {
  readonly origin: string;
  readonly renewable = true;
  readonly #key: () => string | Promise<string>;

  constructor(key: () => string | Promise<string>) {
    this.#key = key;
    this.origin = "origin" in key && typeof key.origin === "string" ? key.origin : "the option key";
  }

  async read(): Promise<string> {
    return checked(this.origin, String(await this.#key()));
  }
}

/** What a file holds, each time. */
export class FileKey implements KeySource {
  readonly origin: string;
  readonly renewable = true;
  readonly #path: string;

  constructor(origin: string, path: string) {
    this.origin = origin;
    this.#path = path;
  }

  /** @throws ToolgateError INVALID_CONFIG */
  async read(): Promise<string> {
    const file = await readKeyFile(this.#path, { own: false });
    if (file.kind === "key") return file.key;
    const fault = file.kind === "absent" ? "there is no such file" : file.fault;
    throw new ToolgateError("INVALID_CONFIG", `The key of ${this.origin} cannot be read: ${fault}.`);
  }
}

/** The keys that were made with the nodes of this machine, where there are any. */
class LocalKey implements KeySource {
  readonly origin = "this machine's key file";
  readonly renewable = true;
  readonly #env: Environment;
  readonly #onUnusable: (message: string) => void;

  constructor(env: Environment, onUnusable: (message: string) => void) {
    this.#env = env;
    this.#onUnusable = onUnusable;
  }

  async read(address: string): Promise<string | undefined> {
    const path = localKeyFile(address, this.#env);
    if (path === undefined) return undefined;
    const file = await readKeyFile(path, { own: true });
    if (file.kind === "fault") this.#onUnusable(`The key file ${path} is not used: ${file.fault}.`);
    return file.kind === "key" ? file.key : undefined;
  }
}
