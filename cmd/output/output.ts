import { jsonLine } from "./json.js";
import { type Painter, painter, showsColours } from "./paint.js";
import { type Progress, type ProgressStream, startProgress } from "./progress.js";
import { type Cell, type Column, table } from "./table.js";

/** A stream that is written to. */
export interface OutputStream extends ProgressStream {
  write(data: string | Uint8Array): boolean;
}

/**
 * What a command says. Data goes to stdout: tables and texts for people or, with --json, JSON and nothing else. Everything
 * beside the data goes to stderr.
 */
export class Output {
  readonly json: boolean;
  /** Styles for what goes to stdout. */
  readonly paint: Painter;
  /** Styles for what goes to stderr. */
  readonly paintNotes: Painter;
  readonly #stdout: OutputStream;
  readonly #stderr: OutputStream;
  #progress: Progress | undefined;

  constructor(
    json: boolean,
    stdout: OutputStream,
    stderr: OutputStream,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.json = json;
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.paint = painter(showsColours(stdout, env));
    this.paintNotes = painter(showsColours(stderr, env));
  }

  /** The terminal's width in columns; undefined where stdout is no terminal, so that nothing is cut. */
  get width(): number | undefined {
    // A terminal that does not know its size says 0.
    return this.#stdout.isTTY === true ? this.#stdout.columns || 80 : undefined;
  }

  /** Data for people. */
  text(text: string): void {
    this.#progress?.clear();
    this.#stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** Data as it is: nothing is added, not even a line's end. */
  bytes(bytes: Uint8Array): void {
    this.#progress?.clear();
    this.#stdout.write(bytes);
  }

  /** Data for programs: a document, or one line of a stream. */
  jsonData(value: unknown): void {
    this.#progress?.clear();
    this.#stdout.write(`${jsonLine(value)}\n`);
  }

  /** Data for people, in columns. */
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void {
    this.text(table(columns, rows, this.width, this.paint));
  }

  /** A remark beside the data, for people; not printed with --json. */
  note(text: string): void {
    if (this.json) return;
    this.#progress?.clear();
    this.#stderr.write(`${text}\n`);
  }

  /** A line that is printed in every mode, to stderr. */
  diagnostic(text: string): void {
    this.#progress?.clear();
    this.#stderr.write(`${text}\n`);
  }

  /** Waits for something, with a progress line when it takes over a second. */
  async withProgress<T>(label: string, work: (progress: Progress) => Promise<T>): Promise<T> {
    const progress = startProgress(this.#stderr, label);
    this.#progress = progress;
    try {
      return await work(progress);
    } finally {
      progress.done();
      this.#progress = undefined;
    }
  }
}
