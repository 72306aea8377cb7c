import { once } from "node:events";
import { default as sonicBoom } from "sonic-boom";
import { LOG_FILE_MODE, type LogFile } from "./log-file.js";

/** The most text that waits for a slow reader, in bytes; what comes on top is dropped. */
const MAX_BUFFERED_BYTES = 1_048_576;
/** How long `end` waits for the reader, in milliseconds. */
const END_WAIT_MS = 1_000;
/** When writing is tried again that failed, of a full disk for instance, in milliseconds. */
const RETRY_MS = 1_000;
/** How often in a row a reader that does not read is tried when the process exits; sonic-boom waits 100 ms each time. */
const TRIES_AT_EXIT = 10;

/** Called once there is room again, with the number of lines that were dropped since the last time. */
export type Dropped = (count: number) => void;

/**
 * Writes lines to standard output, standard error or a file, without ever blocking: what a slow reader leaves waits in a bounded buffer.
 *
 * Whatever becomes of the reader, the process goes on and can end: one that has gone is written to no more, and what cannot be written
 * for another reason, as on a full disk, is tried again each second. What waits when the process exits is written then, for a second.
 */
export class LogOutput {
  readonly #output: sonicBoom.SonicBoom;
  readonly #flushAtExit = (): void => this.#flush();
  #state: "open" | "exiting" | "closed" = "open";
  #dropped = 0;
  #retry: NodeJS.Timeout | undefined;
  /** At exit: how much was left at the last try, in bytes, and how many tries ago that was less than before. */
  #left = 0;
  #tries = 0;

  /** @param to 1 for standard output, 2 for standard error; or a file */
  constructor(to: 1 | 2 | LogFile, onDropped: Dropped) {
    // Made by Node for the first that asks, which makes a pipe non-blocking. Else a write to a full one would block a thread, which
    // the process waits for when it exits.
    if (typeof to === "number") void (to === 1 ? process.stdout : process.stderr);
    this.#output = new sonicBoom.default({
      ...(typeof to === "number" ? { fd: to } : { dest: to.path, append: true, mode: LOG_FILE_MODE }),
      sync: false,
      minLength: 0, // a line does not wait for others
      maxLength: MAX_BUFFERED_BYTES,
      retryEAGAIN: (_error, writing, waiting) => this.#state === "open" || this.#readSince(writing + waiting),
    });
    this.#output.on("drop", () => this.#dropped++);
    this.#output.on("drain", () => {
      const count = this.#dropped;
      this.#dropped = 0;
      if (count > 0) onDropped(count);
    });
    if (typeof to !== "number")
      this.#output.on("write", (bytes: number) => {
        if (to.written(bytes) && this.#state === "open") this.#output.reopen();
      });
    this.#output.on("error", (error: NodeJS.ErrnoException) => this.#failed(error));
    process.once("exit", this.#flushAtExit);
  }

  /** Writes a line, with its line feed. Dropped after `end`, and when the reader has gone. */
  write(line: string): void {
    if (this.#state !== "closed") this.#output.write(line);
  }

  /** Resolves when all lines have been handed to the system, or cannot be within a second. Called once. */
  async end(): Promise<void> {
    if (this.#state === "closed") return;
    const closed = once(this.#output, "close", { signal: AbortSignal.timeout(END_WAIT_MS) });
    this.#output.end();
    await closed.catch(() => {}); // the rest of the lines has no reader
    this.#close();
  }

  #failed({ code }: NodeJS.ErrnoException): void {
    if (code === "EPIPE") this.#close();
    else if (this.#state === "open") this.#retry ??= setTimeout(() => this.#again(), RETRY_MS).unref();
  }

  #again(): void {
    this.#retry = undefined;
    if (this.#state === "open") this.#output.flush();
  }

  #close(): void {
    this.#state = "closed";
    clearTimeout(this.#retry);
    process.off("exit", this.#flushAtExit);
    this.#output.destroy();
  }

  #readSince(left: number): boolean {
    this.#tries = left === this.#left ? this.#tries + 1 : 1;
    this.#left = left;
    return this.#tries <= TRIES_AT_EXIT;
  }

  #flush(): void {
    this.#state = "exiting";
    try {
      this.#output.flushSync();
    } catch {
      // nowhere to say it
    }
  }
}
