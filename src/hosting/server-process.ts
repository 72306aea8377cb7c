import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { deferred } from "../async/deferred.js";
import { environment } from "../config/environment.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { parseSupervisorReport } from "./process-supervisor-report.js";

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

/** What the supervisor itself may take beyond the two graces before its whole group is killed from here. */
const SUPERVISOR_MARGIN_MS = 5_000;

/** How long output that was written before the end may take to arrive. */
const LAST_OUTPUT_MS = 500;

// Tests run from the source; a process of its own needs the built file.
const supervisorPath = fileURLToPath(
  new URL(
    import.meta.url.endsWith(".ts") ? "../../dist/src/hosting/process-supervisor.js" : "./process-supervisor.js",
    import.meta.url,
  ),
);

/** What a started server speaks on. */
export interface ServerStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

type State =
  | { readonly kind: "new" }
  | { readonly kind: "running"; readonly supervisor: ChildProcess; readonly streams: ServerStreams }
  | { readonly kind: "ended" };

/**
 * One run of an MCP server's command, with everything that it starts, under a supervisor (see process-supervisor.ts) that ends all of it
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

  /** The process group of the server, its supervisor included; undefined when it does not run. */
  get group(): number | undefined {
    return this.#state.kind === "running" ? this.#state.supervisor.pid : undefined;
  }

  /**
   * Starts the command; once.
   * @throws ToolgateError INVALID_CONFIG when it cannot be started
   */
  async start(): Promise<ServerStreams> {
    if (this.#state.kind !== "new") throw new ToolgateError("INTERNAL", "an MCP server's process can be started once");
    const { command, args, env, cwd } = this.#command;
    const supervisor = spawn(process.execPath, [supervisorPath, String(this.#graceMs), command, ...args], {
      env: { ...harmlessVariables(), ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ["pipe", "pipe", "pipe", "ipc"],
      detached: true,
    });
    const { stdin, stdout, stderr } = supervisor;
    if (stdin === null || stdout === null || stderr === null) {
      throw new ToolgateError("INTERNAL", "the MCP server's streams were not piped");
    }
    const streams = { stdin, stdout, stderr };
    // A server that closed its input is noticed by its exit; the write error says nothing more.
    stdin.on("error", () => {});
    this.#state = { kind: "running", supervisor, streams };

    const started = deferred<void>();
    const fail = (cause: string): void => started.reject(cannotStart(command, cwd, cause));
    let exit: ServerExit | undefined;
    supervisor.on("message", (message) => {
      const report = parseSupervisorReport(message);
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
    supervisor.once("error", (error) => {
      // The supervisor is this very Node, so what is not there can only be the folder.
      fail("code" in error && error.code === "ENOENT" && cwd !== undefined ? "there is no such folder" : error.message);
      if (supervisor.pid === undefined) this.#onGone({ code: null, signal: null });
    });
    supervisor.once("exit", (code, signal) => {
      fail("its supervisor ended before it started");
      // A supervisor that was killed could not sweep up. Its group still has its number while it has members.
      if (signal !== null) killGroup(supervisor);
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
    const { supervisor, streams } = this.#state;
    streams.stdin.end();
    if (supervisor.connected) supervisor.disconnect();
    const lastResort = setTimeout(() => killGroup(supervisor), 2 * this.#graceMs + SUPERVISOR_MARGIN_MS);
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

function killGroup(supervisor: ChildProcess): void {
  if (supervisor.pid === undefined) return;
  try {
    process.kill(-supervisor.pid, "SIGKILL");
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
