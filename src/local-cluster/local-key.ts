import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeSecretToken } from "../access/credentials/secret-token.js";
import type { Environment } from "../config/environment.js";
import { localKeyFile, localKeyFolder } from "../config/local-key-file.js";
import { writePrivateFile } from "../config/private-file.js";

/**
 * The administrator's key of a cluster on this machine: made with the cluster, kept in a file that this user alone can read, found by
 * this user's clients by the nodes' addresses, and removed with the cluster. So a registry whose ports every user of the machine can
 * reach is closed to all others, and its own user has nothing to do for that.
 */
export class LocalKey {
  /** The file with the key, for the nodes to make its administrator. */
  readonly path: string;
  readonly #content: string;
  readonly #env: Environment;
  readonly #files: string[];

  private constructor(path: string, content: string, env: Environment) {
    this.path = path;
    this.#content = content;
    this.#env = env;
    this.#files = [path];
  }

  /**
   * Makes one for a cluster; none where its settings say how callers prove who they are, or where nothing can be kept: then
   * `onFault` is told that all users of the machine can reach it.
   */
  static async make(env: Environment, onFault: (message: string) => void): Promise<LocalKey | undefined> {
    const { TOOLGATE_AUTH: auth = "", TOOLGATE_BOOTSTRAP_KEY_FILE: file = "" } = env;
    if (auth !== "" || file !== "") return undefined;
    try {
      return await LocalKey.#make(env);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      onFault(`No key could be kept (${why}), so every user of this machine may use these nodes.`);
      return undefined;
    }
  }

  static async #make(env: Environment): Promise<LocalKey> {
    const { id, text } = makeSecretToken("key", randomBytes);
    const path = join(localKeyFolder(env), `cluster-${id}`);
    const content = `${text}\n`;
    await writePrivateFile(path, content);
    return new LocalKey(path, content, env);
  }

  /** What nodes are started with, so that they ask for the key. */
  get nodeSettings(): Environment {
    return { TOOLGATE_AUTH: "required", TOOLGATE_BOOTSTRAP_KEY_FILE: this.path };
  }

  /** What clients and providers of the cluster are started with: another cluster's key that this user has set is not for this one. */
  get clientSettings(): Environment {
    return { TOOLGATE_KEY: "", TOOLGATE_KEY_FILE: this.path };
  }

  /** The key itself, for a client in this process. */
  get text(): string {
    return this.#content.trim();
  }

  /** Lets this user's clients find the key by a node's address. @throws what the file system throws */
  async publish(address: string): Promise<void> {
    const file = localKeyFile(address, this.#env);
    if (file === undefined) return;
    await writePrivateFile(file, this.#content);
    this.#files.push(file);
  }

  /** Removes the files, before the process can end; one that another cluster has written meanwhile stays. */
  remove(): void {
    for (const file of this.#files) {
      try {
        if (readFileSync(file, "utf8") === this.#content) rmSync(file, { force: true });
      } catch {
        // it is gone already, or cannot be removed: without its registry the key opens nothing
      }
    }
  }
}
