import { parseConfig } from "../src/config/config.js";
import { environment } from "../src/config/environment.js";
import type { Flags } from "../src/config/settings.js";
import { watchInterruptions } from "../src/local-cluster/interruption.js";
import { createNode } from "../src/node.js";

/** What a node gets beyond its own drain grace to end by itself, in milliseconds. */
const MORE_THAN_DRAIN_MS = 4_000;

const FAILURE = 1;

/**
 * Runs a node until SIGTERM or Ctrl-C.
 *
 * @returns the exit status
 * @throws ToolgateError INVALID_CONFIG, what kept the node from starting, or why it had to stop by itself; it has drained then
 */
export async function serveNode(flags: Flags): Promise<number> {
  const config = parseConfig({ env: environment(), flags });
  const node = createNode(config);
  const interruptions = watchInterruptions(() => process.exit(FAILURE));
  const interrupted = new Promise<undefined>((resolve) => {
    interruptions.signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const ending = Promise.race([interrupted, node.outdated]);
  try {
    const started = node.start().then(({ address }) => {
      // Whatever the log level: programs wait for this line.
      const line = { level: "info", time: new Date().toISOString(), event: "listening", address, nodeId: node.nodeId };
      console.log(JSON.stringify(line));
    });
    await Promise.race([started, ending]);
  } catch (error) {
    await node.stop().catch(() => {}); // what could not start need not be able to stop; why it could not is what counts
    throw error;
  }
  const outdated = await ending;
  const status = await stopInTime(node.stop(), config.drainGraceMs + MORE_THAN_DRAIN_MS);
  if (outdated !== undefined) throw outdated;
  return status;
}

async function stopInTime(stopping: Promise<void>, withinMs: number): Promise<number> {
  const late = setTimeout(() => {
    process.stderr.write(`The node did not stop within ${withinMs} ms; it is ended now.\n`);
    process.exit(FAILURE);
  }, withinMs);
  try {
    await stopping;
    return 0;
  } finally {
    clearTimeout(late);
  }
}
