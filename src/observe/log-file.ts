import { closeSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { ToolgateError } from "../errors/toolgate-error.js";

/** Who may read a file of logs: its owner and group. */
export const LOG_FILE_MODE = 0o640;

/** A file of logs that is put aside when it is full. */
export interface LogFileOptions {
  readonly path: string;
  /** How large it becomes, about: it is looked at after each write. */
  readonly maxBytes: number;
  /** How many that were put aside are kept, as `<path>.1`, the latest, `<path>.2`, and so on. */
  readonly kept: number;
}

/**
 * Which file lines go to, and when another one begins. Libraries that rotate name files by rising numbers or dates, hold what a full disk
 * leaves without bound, or lose what waits when the process exits; renaming is all that was missing of what writes here, see `LogOutput`.
 */
export class LogFile {
  readonly #options: LogFileOptions;
  #bytes: number;

  /** @throws ToolgateError INVALID_CONFIG when the file cannot be written to */
  constructor(options: LogFileOptions) {
    this.#options = options;
    try {
      closeSync(openSync(options.path, "a", LOG_FILE_MODE));
      this.#bytes = statSync(options.path).size;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException; // what the file system throws
      throw new ToolgateError(
        "INVALID_CONFIG",
        `TOOLGATE_LOG_FILE (--log-file): cannot write to ${options.path} (${code}). Correct the path, or the permissions of its folder.`,
        { cause },
      );
    }
  }

  get path(): string {
    return this.#options.path;
  }

  /**
   * Something was written. Where the file is full then, it is put aside.
   *
   * @returns whether the file has to be opened anew. Where it cannot be put aside, it goes on, and the next try is when as much was written again
   */
  written(bytes: number): boolean {
    this.#bytes += bytes;
    const { path, maxBytes, kept } = this.#options;
    if (this.#bytes < maxBytes) return false;
    this.#bytes = 0;
    try {
      rmSync(`${path}.${kept}`, { force: true });
      for (let number = kept - 1; number >= 1; number--) renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);
      renameSync(path, `${path}.1`);
      return true;
    } catch {
      return false;
    }
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error; // what the file system throws
  }
}
