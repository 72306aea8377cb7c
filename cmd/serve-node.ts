import { parseConfig } from "../src/config/config.js";
import { environment } from "../src/config/environment.js";
import type { Flags } from "../src/config/settings.js";
import type { ToolgateError } from "../src/errors/toolgate-error.js";
import { watchInterruptions } from "../src/local-cluster/interruption.js";
import { createNode } from "../src/node.js";

/** What a node gets beyond its own drain grace to end by itself, in milliseconds. */
const MORE_THAN_DRAIN_MS = 4_000;

const FAILURE = 1;
/** As for what is thrown then: see exit-codes.ts. */
const OUTDATED = 2;

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
    const started = node.start().then(({ address, httpAddress, opsAddress }) => {
      // Whatever the log level: programs wait for this line.
      const where = { address, httpAddress, opsAddress, nodeId: node.nodeId };
      const line = { level: "info", time: new Date().toISOString(), event: "listening", ...where };
      console.log(JSON.stringify(line));
    });
    await Promise.race([started, ending]);
  } catch (error) {
    await node.stop().catch(() => {}); // what could not start need not be able to stop; why it could not is what counts
    throw error;
  }
  const outdated = await ending;
  const stopping = stopInTime(node.stop(), config.drainGraceMs + MORE_THAN_DRAIN_MS, outdated);
  if (outdated === undefined) return await stopping;
  await stopping.catch(() => {}); // why it had to stop is what counts: started again, it would have to stop again
  throw outdated;
}

async function stopInTime(
  stopping: Promise<void>,
  withinMs: number,
  outdated: ToolgateError | undefined,
): Promise<number> {
  const late = setTimeout(() => {
    process.stderr.write(`The node did not stop within ${withinMs} ms; it is ended now.\n`);
    if (outdated !== undefined) process.stderr.write(`${outdated.message}\n`);
    process.exit(outdated === undefined ? FAILURE : OUTDATED);
  }, withinMs);
  try {
    await stopping;
    return 0;
  } finally {
    clearTimeout(late);
  }
}
