import { strToU8, zipSync } from "fflate";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { withoutSecrets } from "../../src/observe/loggable.js";
import type { SecretValues } from "../../src/observe/secret-values.js";

/** A file of the bundle. */
export interface BundledFile {
  readonly name: string;
  readonly bytes: number;
  /** What is in it. */
  readonly about: string;
}

/** A part that could not be had. */
export interface MissingPart {
  readonly name: string;
  readonly why: string;
}

/**
 * Files for one archive. Every text passes through one place that takes secrets out of it, by value and by form, whatever part it is from.
 *
 * A zip file, since every system opens one. It is made by fflate: without dependencies of its own, 12 KB of it are used, and used widely for years.
 */
export class Bundle {
  readonly #secrets: SecretValues;
  readonly #signal: AbortSignal;
  readonly #contents: Record<string, Uint8Array> = {};
  readonly files: BundledFile[] = [];
  readonly missing: MissingPart[] = [];

  constructor(secrets: SecretValues, signal: AbortSignal) {
    this.#secrets = secrets;
    this.#signal = signal;
  }

  /** A text without secrets. */
  redact(text: string): string {
    return text
      .split("\n")
      .map((line) => withoutSecrets(line, this.#secrets))
      .join("\n");
  }

  /**
   * Adds a file. What keeps it from being had is written down instead, and the other files are there all the same.
   *
   * @param about what is in it
   * @param read its content: a text, or what becomes JSON
   * @throws the reason of the signal when it is aborted
   */
  async add(name: string, about: string, read: () => unknown): Promise<void> {
    try {
      const content = await read();
      const text = typeof content === "string" ? content : this.#json(content);
      const bytes = strToU8(this.redact(text));
      this.#contents[name] = bytes;
      this.files.push({ name, bytes: bytes.length, about });
    } catch (error) {
      this.#signal.throwIfAborted();
      const why = error instanceof ToolgateError ? `${error.reason}: ${error.message}` : String(error);
      this.missing.push({ name, why: this.redact(why) });
    }
  }

  /** Texts are looked through before JSON escapes their characters, too. */
  #json(content: unknown): string {
    const plain = (_key: string, value: unknown) => (typeof value === "string" ? this.redact(value) : value);
    return `${JSON.stringify(content, plain, 2)}\n`;
  }

  /** The archive's bytes. */
  zip(): Uint8Array {
    return zipSync(this.#contents);
  }
}
