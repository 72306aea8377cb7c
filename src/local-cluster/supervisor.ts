import { spawn, spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

/**
 * The supervisor: a small process between us and a program that cannot watch its parent itself, such as redis-server.
 *
 * It starts the program, and ends it when it is told to (SIGTERM) or when its own parent dies (the channel closes):
 * SIGTERM first, SIGKILL after the grace. Then it cleans up after the program, and exits with the program's status. It runs in
 * a session of its own, so that a terminal's Ctrl-C does not reach the program before the programs that still need it have
 * stopped.
 */

/** What to run, as JSON in the first argument. */
export interface SupervisorOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Milliseconds from SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** A folder to remove when the program has ended. */
  readonly removeAfter: string | null;
  /** A command to run when the program has ended, such as one that removes a container; it and its arguments. */
  readonly thenRun: readonly [string, ...string[]] | null;
}

/** What the supervisor reports to its parent. */
export interface SupervisorMessage {
  readonly kind: "started";
  readonly pid: number;
}

// Written by our own side of the channel, never by a stranger.
const options = JSON.parse(process.argv[2] ?? "null") as SupervisorOptions;

if (!process.connected) process.exit(1); // the parent died before us: nothing to supervise

const child = spawn(options.command, [...options.args], { stdio: ["ignore", "inherit", "inherit"] });

let ending = false;
const end = (): void => {
  if (ending) return;
  ending = true;
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), options.graceMs).unref();
};

process.once("disconnect", end);
process.on("SIGTERM", end);
process.on("SIGINT", end);
process.on("SIGHUP", end);

const report = (message: SupervisorMessage): void => {
  if (process.connected) process.send?.(message);
};

child.once("spawn", () => report({ kind: "started", pid: child.pid ?? 0 }));
child.once("error", (error) => {
  console.error(error.message);
  finish(127);
});
child.once("exit", (code, signal) => finish(code ?? (signal === null ? 1 : 0)));

function finish(status: number): void {
  if (options.thenRun !== null) {
    const [command, ...args] = options.thenRun;
    spawnSync(command, args, { stdio: "ignore" });
  }
  if (options.removeAfter !== null) rmSync(options.removeAfter, { recursive: true, force: true });
  process.exit(status);
}
