import { Command } from "commander";
import { type Config, parseConfig, SETTINGS } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";
import type { Flags } from "../../src/config/settings.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { createNode } from "../../src/node.js";
import { hearInterruptions } from "../local/interruption.js";
import { startFailure } from "../local/start-failure.js";

/** What a node gets beyond its own drain grace to end by itself, in milliseconds. */
const MORE_THAN_DRAIN_MS = 4_000;

const USAGE = 2;
const FAILURE = 1;

/** `toolgate serve`: one gateway node, until it is told to stop. */
export function serveCommand(): Command {
  const command = new Command("serve")
    .summary("run one gateway node")
    .description(
      "Runs one gateway node until it is told to stop (SIGTERM or Ctrl-C); then it drains and exits with 0.\n" +
        'Logs are JSON lines on standard output; the line of the event "listening" says that the node is ready, and where.\n' +
        "Every setting is also a variable; a flag wins.",
    );
  for (const { flag, placeholder, description, variable, default: fallback } of SETTINGS) {
    const otherwise = fallback === "" ? variable : `${variable}, else ${fallback}`;
    command.option(`${flag} <${placeholder}>`, `${description} [${otherwise}]`);
  }
  return command
    .addHelpText(
      "after",
      `
Examples:
  toolgate serve
  toolgate serve --listen 0.0.0.0:7400 --redis-url redis://redis:6379
  TOOLGATE_LOG_LEVEL=debug toolgate serve --listen 127.0.0.1:0

Exit status: 0 stopped as told, 1 could not start or did not stop in time, 2 bad settings.`,
    )
    .action(async (flags: Flags) => {
      process.exit(await serve(flags));
    });
}

/** Runs a node, and gives the exit status. */
async function serve(flags: Flags): Promise<number> {
  let config: Config;
  try {
    config = parseConfig({ env: environment(), flags });
  } catch (error) {
    if (!(error instanceof ToolgateError)) throw error;
    complain(error.message);
    return USAGE;
  }
  const node = createNode(config);
  const interruptions = hearInterruptions(() => process.exit(FAILURE));
  const interrupted = new Promise<void>((resolve) => {
    interruptions.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  try {
    const start = node.start().then(({ address }) => {
      // Whatever the log level: programs wait for this line.
      console.log(JSON.stringify({ level: "info", time: new Date().toISOString(), event: "listening", address }));
    });
    await Promise.race([start, interrupted]);
  } catch (error) {
    complain(startFailure(error, config));
    await node.stop().catch(() => {}); // what it could not start, it need not be able to stop
    return error instanceof ToolgateError && error.reason === "INVALID_CONFIG" ? USAGE : FAILURE;
  }
  await interrupted;
  return await stopInTime(node.stop(), config.drainGraceMs + MORE_THAN_DRAIN_MS);
}

async function stopInTime(stopping: Promise<void>, withinMs: number): Promise<number> {
  const late = setTimeout(() => {
    complain(`The node did not stop within ${withinMs} ms; it is ended now.`);
    process.exit(FAILURE);
  }, withinMs);
  try {
    await stopping;
    return 0;
  } catch (error) {
    complain(`The node did not stop cleanly: ${error instanceof Error ? error.message : String(error)}`);
    return FAILURE;
  } finally {
    clearTimeout(late);
  }
}

function complain(message: string): void {
  process.stderr.write(`toolgate: ${message}\n`);
}
