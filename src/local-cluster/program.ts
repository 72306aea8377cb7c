import { type ChildProcess, spawn } from "node:child_process";
import { pathToFileURL } from "node:url";
import { LineSplitter } from "../hosting/line-splitter.js";
import { builtProgram } from "./package-root.js";

/** How a program ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  /** What people call it, for messages: `node 127.0.0.1:7400`. */
  readonly name: string;
  /** The built program, below `dist`: `cmd/toolgate.js`. */
  readonly entry: string;
  /** The folder that holds another `dist` than this package's own. */
  readonly root?: string | undefined;
  readonly args?: readonly string[];
  /** The child's whole environment; this process's own unless given. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Hears each line of the program's output as it comes; empty ones are left out. */
  readonly onLine?: (line: string, from: "stdout" | "stderr") => void;
  /** Hears what the program sends over its channel. */
  readonly onMessage?: (message: unknown) => void;
  /** Hears that the process has ended, perhaps before the last of its output was read. */
  readonly onExit?: (exit: Exit) => void;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly child: ChildProcess; readonly exited: Promise<Exit> }
  | { readonly kind: "ended"; readonly exit: Exit };

/** The lines of output that are kept for a failure's message, and for callers that ask for a line after it came. */
const KEPT_LINES = 400;

/** The longest line of output that is passed on whole, in bytes. */
const MAX_LINE_BYTES = 1_048_576;

/** How long the output of a program that has ended is read on, in milliseconds: its own children may hold it open. */
const LAST_WORDS_MS = 1_000;

/** Thrown when a program ended, or was silent too long, before it said what was awaited. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

/**
 * One Node program of ours, run as a child in a session of its own: a terminal's Ctrl-C reaches only the parent, which
 * then stops its programs in the right order. The child watches the channel to its parent and never outlives it.
 */
export class Program {
  readonly name: string;
  readonly #options: ProgramOptions;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();
  #state: State = { kind: "idle" };

  constructor(options: ProgramOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** The process id while it runs. */
  get pid(): number | undefined {
    return this.#state.kind === "running" ? this.#state.child.pid : undefined;
  }

  /** Whether it has been started and has not ended. */
  get running(): boolean {
    return this.#state.kind === "running";
  }

  /** The last lines of its output, both streams. */
  get output(): readonly string[] {
    return this.#lines;
  }

  /** Starts the program, once. */
  start(): void {
    if (this.#state.kind !== "idle") throw new ProgramError(`${this.name} was started before`);
    const { entry, root, args = [], env, cwd, onMessage, onExit } = this.#options;
    const preload = pathToFileURL(builtProgram("src/local-cluster/stop-with-parent.js")).href;
    const child = spawn(process.execPath, ["--import", preload, builtProgram(entry, root), ...args], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (onMessage) child.on("message", onMessage);
    child.once("exit", (code, signal) => {
      onExit?.({ code, signal });
      const cut = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
      }, LAST_WORDS_MS);
      child.once("close", () => clearTimeout(cut));
    });
    const exited = new Promise<Exit>((resolve) => {
      // `close` comes after the last line of output, `error` alone when there was no process to begin with.
      child.once("close", (code, signal) => resolve(this.#ended({ code, signal })));
      child.once("error", (error) => {
        this.#onLine(error.message, "stderr");
        if (child.pid === undefined) resolve(this.#ended({ code: 127, signal: null }));
      });
    });
    this.#state = { kind: "running", child, exited };
    for (const from of ["stdout", "stderr"] as const) {
      // At line feeds only: readline takes U+2028 for the end of a line too, since Node 24, and a line of JSON may hold it.
      const lines = new LineSplitter(MAX_LINE_BYTES, {
        line: (bytes) => this.#onLine(bytes.toString("utf8"), from),
        oversized: (head, _tail, bytes) => this.#onLine(`${head.toString("utf8")}… (${bytes} bytes)`, from),
      });
      child[from]?.on("data", (chunk: Buffer) => lines.push(chunk)).once("end", () => lines.end());
    }
  }

  /**
   * The first line of output, past or to come, that `read` makes something of.
   *
   * @throws ProgramError when the program ends first, or `withinMs` have passed.
   */
  async line<T>(awaited: string, read: (line: string) => T | undefined, withinMs: number): Promise<T> {
    for (const line of this.#lines) {
      const found = read(line);
      if (found !== undefined) return found;
    }
    const state = this.#state;
    if (state.kind !== "running") throw this.#failure(`is not running, so it never reported that ${awaited}`);
    let listener: ((line: string) => void) | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        listener = (line) => {
          const found = read(line);
          if (found !== undefined) resolve(found);
        };
        this.#listeners.add(listener);
        timer = setTimeout(
          () => reject(this.#failure(`did not report within ${withinMs} ms that ${awaited}`)),
          withinMs,
        );
        void state.exited.then((exit) => {
          reject(this.#failure(`ended with ${describeExit(exit)} before ${awaited}`));
        });
      });
    } finally {
      clearTimeout(timer);
      if (listener) this.#listeners.delete(listener);
    }
  }

  /** Resolves when the program has ended, by itself or not; at once if it was never started. */
  async ended(): Promise<Exit> {
    switch (this.#state.kind) {
      case "idle":
        return { code: null, signal: null };
      case "running":
        return await this.#state.exited;
      case "ended":
        return this.#state.exit;
      default:
        return this.#state satisfies never;
    }
  }

  /** Sends a signal, if it runs. */
  signal(signal: NodeJS.Signals): void {
    if (this.#state.kind === "running") this.#state.child.kill(signal);
  }

  /** Stops it: SIGTERM, SIGKILL when `graceMs` are over. Resolves when it has ended; idempotent. */
  async stop(graceMs: number): Promise<Exit> {
    const force = setTimeout(() => this.signal("SIGKILL"), graceMs);
    try {
      this.signal("SIGTERM");
      return await this.ended();
    } finally {
      clearTimeout(force);
    }
  }

  #onLine(line: string, from: "stdout" | "stderr"): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const listener of [...this.#listeners]) listener(line);
    this.#options.onLine?.(line, from);
  }

  #ended(exit: Exit): Exit {
    this.#state = { kind: "ended", exit };
    return exit;
  }

  #failure(what: string): ProgramError {
    const lastLines = this.#lines.slice(-12).map((line) => `  ${line}`);
    return new ProgramError([`${this.name} ${what}`, ...lastLines].join("\n"));
  }
}

/** `status 1`, `SIGKILL`. */
export function describeExit(exit: Exit): string {
  return exit.signal ?? `status ${exit.code ?? "unknown"}`;
}
