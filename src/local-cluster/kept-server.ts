import { mkdirSync, rmSync } from "node:fs";
import type { KeeperMessage, KeeperOrder } from "./keeper.js";
import { Program } from "./program.js";

export interface KeptServerOrder {
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

/** A server that runs under a keeper. */
export interface KeptServer {
  readonly keeper: Program;
  /** The server's own process id, not the keeper's. */
  readonly pid: number;
}

/** How long a server has from SIGTERM to SIGKILL, in milliseconds. */
export const SERVER_GRACE_MS = 5_000;
const READY_WITHIN_MS = 20_000;

/** Starts a server under a keeper, and resolves when it says that it is ready: it ends when we stop the keeper, and when we die. */
export async function launchKept(order: KeptServerOrder): Promise<KeptServer> {
  const { binary, args, folder, removeFolder, readyText } = order;
  const keeperOrder: KeeperOrder = {
    command: binary,
    args,
    graceMs: SERVER_GRACE_MS,
    removeAfter: removeFolder ? folder : null,
    thenRun: null,
  };
  mkdirSync(folder, { recursive: true }); // at each launch: the keeper of a failed one has removed it
  let hearPid: (pid: number) => void = () => {};
  const started = new Promise<number>((resolve) => {
    hearPid = resolve;
  });
  let pid = 0;
  const keeper = new Program({
    name: "redis-server",
    entry: "src/local-cluster/keeper.js",
    args: [JSON.stringify(keeperOrder)],
    onMessage: (message) => {
      const said = message as KeeperMessage; // our own keeper is at the other end of the channel
      if (said.kind !== "started") return;
      pid = said.pid;
      hearPid(pid);
    },
    onExit: ({ signal }) => {
      // A keeper that was killed has left its server to us.
      if (signal !== null && isAlive(pid)) process.kill(pid, "SIGKILL");
    },
  });
  keeper.start();
  try {
    await keeper.line("it is ready", (line) => (line.includes(readyText) ? true : undefined), READY_WITHIN_MS);
    return { keeper, pid: await started };
  } catch (error) {
    await keeper.stop(SERVER_GRACE_MS);
    if (removeFolder) rmSync(folder, { recursive: true, force: true }); // the keeper itself may not have come up
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
