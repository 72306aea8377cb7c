import { createWriteStream, mkdirSync, type WriteStream } from "node:fs";
import { join } from "node:path";

/** Files for what our programs print, one each, new at each start. */
export class LogFolder {
  readonly path: string;
  readonly #files = new Map<string, WriteStream>();

  constructor(path: string) {
    this.path = path;
  }

  /** Adds a line to a program's file. */
  write(program: string, line: string): void {
    let file = this.#files.get(program);
    if (!file) {
      mkdirSync(this.path, { recursive: true });
      file = createWriteStream(join(this.path, `${program.replaceAll(" ", "-")}.log`));
      // A full disk must not end what is being logged.
      file.on("error", () => {});
      this.#files.set(program, file);
    }
    file.write(`${line}\n`);
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => new Promise<void>((resolve) => file.end(resolve))));
    this.#files.clear();
  }
}
