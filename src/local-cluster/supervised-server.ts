import { mkdirSync, rmSync } from "node:fs";
import { Program } from "./program.js";
import type { SupervisorMessage, SupervisorOptions } from "./supervisor.js";

export interface SupervisedServerOptions {
  /** The path of a redis-server or valkey-server. */
  readonly binary: string;
  readonly args: readonly string[];
  /** Its own folder, made if need be. */
  readonly folder: string;
  /** Whether to remove the folder when the server has ended. */
  readonly removeFolder: boolean;
  /** What the server prints when it can be used. */
  readonly readyText: string;
}

/** A server that runs under a supervisor. */
export interface SupervisedServer {
  readonly supervisor: Program;
  /** The server's own process id, not the supervisor's. */
  readonly pid: number;
}

/** How long a server has from SIGTERM to SIGKILL, in milliseconds. */
export const SERVER_GRACE_MS = 5_000;
const READY_WITHIN_MS = 20_000;

/** Starts a server under a supervisor, and resolves when it is ready. It ends when the supervisor is stopped, and when this process dies. */
export async function launchSupervised(options: SupervisedServerOptions): Promise<SupervisedServer> {
  const { binary, args, folder, removeFolder, readyText } = options;
  const supervisorOptions: SupervisorOptions = {
    command: binary,
    args,
    graceMs: SERVER_GRACE_MS,
    removeAfter: removeFolder ? folder : null,
    thenRun: null,
  };
  mkdirSync(folder, { recursive: true }); // at each launch: the supervisor of a failed one has removed it
  let resolvePid: (pid: number) => void = () => {};
  const started = new Promise<number>((resolve) => {
    resolvePid = resolve;
  });
  let pid = 0;
  const supervisor = new Program({
    name: "redis-server",
    entry: "src/local-cluster/supervisor.js",
    args: [JSON.stringify(supervisorOptions)],
    onMessage: (message) => {
      const report = message as SupervisorMessage; // our own supervisor is at the other end of the channel
      if (report.kind !== "started") return;
      pid = report.pid;
      resolvePid(pid);
    },
    onExit: ({ signal }) => {
      // A supervisor that was killed has left its server to us.
      if (signal !== null && isAlive(pid)) process.kill(pid, "SIGKILL");
    },
  });
  supervisor.start();
  try {
    await supervisor.line("it is ready", (line) => (line.includes(readyText) ? true : undefined), READY_WITHIN_MS);
    return { supervisor, pid: await started };
  } catch (error) {
    await supervisor.stop(SERVER_GRACE_MS);
    if (removeFolder) rmSync(folder, { recursive: true, force: true }); // the supervisor itself may not have come up
    throw error;
  }
}

/** Whether a process of this id is there. */
function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
