/**
 * The process between a mount and its MCP server. It sees to it that nothing of the server outlives the mount.
 *
 * A command such as `npx` starts the real server as a grandchild, which a signal to `npx` does not reach; and a mount
 * that is killed with SIGKILL cannot clean up at all. So the mount starts this supervisor as the leader of a process group
 * of its own, and the supervisor starts the command, which inherits stdin, stdout and stderr untouched. The supervisor holds
 * the other end of a channel to the mount. The kernel closes that channel however the mount ends.
 *
 *     running ──channel closed──▶ waiting (the server sees the end of its stdin and may leave by itself)
 *        │                           │ grace over
 *        └──command exited────────▶ terminating (SIGTERM to the group and its descendants)
 *                                    │ grace over
 *                                    ▼
 *                                  killing (SIGKILL to whatever of them is left) ──▶ gone
 *
 * Descendants that moved to a group of their own (browsers do) are followed from parent to child. One that escapes its
 * group *and* loses its parent before the end begins cannot be found; POSIX offers no way to.
 *
 * Usage: node process-supervisor.js <graceMs> <command> [args...], with an IPC channel. Linux and macOS.
 */
import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { SupervisorReport } from "./process-supervisor-report.js";
import { familyOf, listProcesses, type RunningProcess } from "./process-tree.js";

/** How often the tree is looked at while it ends. */
const LOOK_EVERY_MS = 50;
/** How long a killed process may take to vanish before the supervisor gives up on it (it hangs in the kernel). */
const VANISH_MS = 2_000;

const [graceText = "2000", command = "", ...args] = process.argv.slice(2);
const graceMs = Number(graceText);
process.title = "toolgate-mount-supervisor";

// The group's signals are meant for the server; the supervisor leaves when its work is done.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});

let reported: Promise<unknown> = Promise.resolve();
let ending: Promise<unknown> | undefined;
const endOnce = (patienceMs: number): void => {
  if (ending !== undefined) return;
  ending = Promise.all([end(patienceMs), reported]).then(
    () => process.exit(0),
    // The tree cannot be read: the group, at least, can be ended, and the supervisor with it.
    () => process.kill(-process.pid, "SIGKILL"),
  );
};

process.once("disconnect", () => endOnce(graceMs));

const child = spawn(command, args, { stdio: "inherit" });
child.once("spawn", () => report({ kind: "started" }));
child.once("error", (error: NodeJS.ErrnoException) => {
  report({ kind: "failed", code: error.code ?? "", message: error.message });
  endOnce(0);
});
child.once("exit", (code, signal) => {
  report({ kind: "exited", code, signal });
  endOnce(0);
});

function report(message: SupervisorReport): void {
  // Without a channel nothing can be reported.
  if (!process.connected) return;
  reported = new Promise<void>((resolve) => process.send?.(message, undefined, {}, () => resolve()));
}

async function end(patienceMs: number): Promise<void> {
  const doomed = new Map<string, RunningProcess>();
  if (await goneWithin(patienceMs, doomed)) return;
  signalAll("SIGTERM", doomed);
  if (await goneWithin(graceMs, doomed)) return;
  // Again and again, for what forks faster than it can be looked at.
  for (const deadline = performance.now() + VANISH_MS; performance.now() < deadline; ) {
    signalAll("SIGKILL", doomed);
    if (await goneWithin(LOOK_EVERY_MS, doomed)) return;
  }
}

/** Watches the tree, and remembers all that was ever seen of it: a parent that leaves hides its children. */
async function goneWithin(patienceMs: number, doomed: Map<string, RunningProcess>): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const processes = await listProcesses();
    for (const member of familyOf(process.pid, processes)) doomed.set(identity(member), member);
    const living = new Set(processes.map(identity));
    for (const key of doomed.keys()) if (!living.has(key)) doomed.delete(key);
    if (doomed.size === 0) return true;
    if (performance.now() >= deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
}

function signalAll(signal: NodeJS.Signals, doomed: ReadonlyMap<string, RunningProcess>): void {
  for (const { pid } of doomed.values()) {
    try {
      process.kill(pid, signal);
    } catch {
      // It left in the meantime.
    }
  }
}

function identity({ pid, started }: RunningProcess): string {
  return `${pid} ${started}`;
}
