import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "../../observe/logger.js";

/** How long files must be left alone until they are read: a certificate and its key are written one after the other. In milliseconds. */
const SETTLE_MS = 250;
/** How often the files are read without a notification of a change, in milliseconds: not all file systems tell. */
const LOOK_EVERY_MS = 10_000;

export interface WatchFilesOptions {
  readonly files: readonly string[];
  readonly log: Logger;
  /** Called when the content of any has changed, with nothing else under way; what it rejects with is its own to say. */
  readonly onChange: () => Promise<void>;
}

/**
 * Watches a few small files by their content. Their folders are watched and not the files: a mounted secret is changed by swapping a link
 * in its folder, and editors replace files.
 */
export class WatchFiles {
  readonly #options: WatchFilesOptions;
  readonly #watchers: FSWatcher[] = [];
  /** What the files held when they were last looked at. */
  #contents: readonly (Buffer | undefined)[] = [];
  #settling: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #looked: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: WatchFilesOptions) {
    this.#options = options;
  }

  /** Reads the files, and tells of their changes from here on. */
  async start(): Promise<void> {
    this.#contents = await this.#read();
    if (this.#stopped) return;
    for (const folder of new Set(this.#options.files.map((file) => dirname(file)))) {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#noteChange());
        watcher.on("error", (error) => this.#options.log.debug({ event: "folder_not_watched", folder, error }));
        this.#watchers.push(watcher);
      } catch (error) {
        this.#options.log.debug({ event: "folder_not_watched", folder, error }); // it is looked at in any case
      }
    }
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
  }

  /** Resolves when nothing is under way any more. Idempotent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const watcher of this.#watchers.splice(0)) watcher.close();
    clearInterval(this.#looking);
    clearTimeout(this.#settling);
    await this.#looked;
  }

  #noteChange(): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#look(), SETTLE_MS).unref();
  }

  #look(): void {
    this.#looked = this.#looked.then(async () => {
      if (this.#stopped) return;
      const contents = await this.#read();
      const same = contents.every((content, index) => {
        const former = this.#contents[index];
        return content === undefined || former === undefined ? content === former : content.equals(former);
      });
      if (same || this.#stopped) return;
      this.#contents = contents;
      await this.#options.onChange().catch(() => {});
    });
  }

  /** One that cannot be read has no content: it may be in the middle of being replaced. */
  #read(): Promise<(Buffer | undefined)[]> {
    return Promise.all(this.#options.files.map((file) => readFile(file).catch(() => undefined)));
  }
}
