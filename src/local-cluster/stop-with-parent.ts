import { isMainThread } from "node:worker_threads";

/**
 * A preload (`node --import`) for programs that another program of ours starts: when the parent dies, however it dies,
 * the channel between the two closes, and this process is told to stop as an operator would tell it, then made to.
 * So nothing is left behind, not even after `kill -9` of the parent.
 */

/** Longer than a node's own drain grace, so that this is a last resort. */
const FORCE_AFTER_MS = 20_000;

if (isMainThread && process.channel) {
  process.once("disconnect", () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.kill(process.pid, "SIGKILL"), FORCE_AFTER_MS).unref();
  });
  // Listening to the channel must not keep a program alive that has nothing else to do.
  process.channel.unref();
}
