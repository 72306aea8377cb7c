import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { deferred } from "../async/deferred.js";
import { environment } from "../config/environment.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { parseGuardianReport } from "./guardian-report.js";

/** How to start an MCP server. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  /**
   * Variables for the server. It gets these and the harmless ones that MCP clients pass on (HOME, LOGNAME, PATH, SHELL, TERM,
   * USER); not the rest of the mount's own, which may hold secrets of the gateway.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** How a server's process ended. */
export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long a server may take to leave after the end of its input, and again after SIGTERM. */
export const DEFAULT_STOP_GRACE_MS = 2_000;

/** What the guardian itself may take beyond the two graces before its whole group is killed from here. */
const GUARDIAN_MARGIN_MS = 5_000;

/** How long output that was written before the end may take to arrive. */
const LAST_OUTPUT_MS = 500;

// Tests run from the source; a process of its own needs the built file.
const guardianPath = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../../dist/src/hosting/guardian.js" : "./guardian.js", import.meta.url),
);

/** What a started server speaks on. */
export interface ServerStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

type State =
  | { readonly kind: "new" }
  | { readonly kind: "running"; readonly guardian: ChildProcess; readonly streams: ServerStreams }
  | { readonly kind: "ended" };

/**
 * One run of an MCP server's command, with everything that it starts, under a guardian (see guardian.ts) that ends all of it
 * when this process stops it, or ends in whatever way.
 */
export class ServerProcess {
  readonly #command: ServerCommand;
  readonly #graceMs: number;
  readonly #ended = deferred<ServerExit>();
  #state: State = { kind: "new" };
  #stopping: Promise<void> | undefined;

  constructor(command: ServerCommand, graceMs: number = DEFAULT_STOP_GRACE_MS) {
    this.#command = command;
    this.#graceMs = graceMs;
  }

  /** Resolves when the command, and what it started, has ended. Never rejects. */
  get ended(): Promise<ServerExit> {
    return this.#ended.promise;
  }

  /** The process group of the server, its guardian included; undefined when it does not run. */
  get group(): number | undefined {
    return this.#state.kind === "running" ? this.#state.guardian.pid : undefined;
  }

  /**
   * Starts the command; once.
   * @throws ToolgateError INVALID_CONFIG when it cannot be started
   */
  async start(): Promise<ServerStreams> {
    if (this.#state.kind !== "new") throw new ToolgateError("INTERNAL", "an MCP server's process can be started once");
    const { command, args, env, cwd } = this.#command;
    const guardian = spawn(process.execPath, [guardianPath, String(this.#graceMs), command, ...args], {
      env: { ...harmlessVariables(), ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["pipe", "pipe", "pipe", "ipc"],
      detached: true,
    });
    const { stdin, stdout, stderr } = guardian;
    if (stdin === null || stdout === null || stderr === null) {
      throw new ToolgateError("INTERNAL", "the MCP server's streams were not piped");
    }
    const streams = { stdin, stdout, stderr };
    // A server that closed its input is noticed by its exit; the write error says nothing more.
    stdin.on("error", () => {});
    this.#state = { kind: "running", guardian, streams };

    const started = deferred<void>();
    const fail = (cause: string): void => started.reject(cannotStart(command, cwd, cause));
    let exit: ServerExit | undefined;
    guardian.on("message", (message) => {
      const report = parseGuardianReport(message);
      switch (report?.kind) {
        case undefined:
          return;
        case "started":
          return started.resolve();
        case "failed":
          return fail(report.code === "ENOENT" ? "there is no such command on the PATH" : report.message);
        case "exited":
          exit = { code: report.code, signal: report.signal };
          return;
        default:
          report satisfies never;
      }
    });
    guardian.once("error", (error) => {
      // The guardian is this very Node, so what is not there can only be the folder.
      fail("code" in error && error.code === "ENOENT" && cwd !== undefined ? "there is no such folder" : error.message);
      if (guardian.pid === undefined) this.#onGone({ code: null, signal: null });
    });
    guardian.once("exit", (code, signal) => {
      fail("its guardian ended before it started");
      // A guardian that was killed could not sweep up. Its group still has its number while it has members.
      if (signal !== null) killGroup(guardian);
      this.#onGone(exit ?? { code, signal });
    });
    await started.promise;
    return streams;
  }

  /** Ends the server and all that it started; resolves when it is gone. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.#state.kind !== "running") return;
    const { guardian, streams } = this.#state;
    streams.stdin.end();
    if (guardian.connected) guardian.disconnect();
    const lastResort = setTimeout(() => killGroup(guardian), 2 * this.#graceMs + GUARDIAN_MARGIN_MS);
    await this.ended;
    clearTimeout(lastResort);
  }

  #onGone(exit: ServerExit): void {
    if (this.#state.kind !== "running") return;
    const { streams } = this.#state;
    this.#state = { kind: "ended" };
    void lastOutputRead(streams).then(() => this.#ended.resolve(exit));
  }
}

/** Lets the last output be read; but what a process out of reach still holds open must not keep this one waiting. */
async function lastOutputRead({ stdin, stdout, stderr }: ServerStreams): Promise<void> {
  const closed = [stdout, stderr].map((stream) => {
    const { promise, resolve } = deferred<void>();
    if (stream.closed) resolve();
    else stream.once("close", () => resolve());
    return promise;
  });
  const cut = setTimeout(() => {
    for (const stream of [stdout, stderr]) stream.destroy();
  }, LAST_OUTPUT_MS);
  await Promise.all(closed);
  clearTimeout(cut);
  stdin.destroy();
}

/** Variables that a program needs to find its way, and that hold no secrets. */
const HARMLESS = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

function harmlessVariables(): Record<string, string> {
  const own = environment();
  // A value that begins with () is a shell's function, which older shells run.
  const passed = HARMLESS.flatMap((name) => {
    const value = own[name];
    return value === undefined || value.startsWith("()") ? [] : [[name, value]];
  });
  return Object.fromEntries(passed);
}

/** How an exit reads in a message. */
export function describeExit({ code, signal }: ServerExit): string {
  if (signal !== null) return `was ended by ${signal}`;
  return code === null ? "ended" : `exited with code ${code}`;
}

function killGroup(guardian: ChildProcess): void {
  if (guardian.pid === undefined) return;
  try {
    process.kill(-guardian.pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}

function cannotStart(command: string, cwd: string | undefined, cause: string): ToolgateError {
  const where = cwd === undefined ? "" : ` in ${cwd}`;
  return new ToolgateError(
    "INVALID_CONFIG",
    `The MCP server "${command}" could not be started${where}: ${cause}. Check the command after "--".`,
  );
}
