import { Command } from "commander";
import { SETTINGS } from "../../src/config/config.js";
import type { Flags } from "../../src/config/settings.js";
import { withSettings } from "./setting-options.js";

/** `toolgate serve`: one gateway node, until SIGTERM or Ctrl-C. */
export function serveCommand(): Command {
  const command = new Command("serve").description(
    "Runs one gateway node until SIGTERM or Ctrl-C; then it drains and exits with 0. " +
      "A node that meets a registry in a later format drains too, and exits with 2. " +
      'Logs are JSON lines on standard output; the line of the event "listening" says that the node is ready, and where. ' +
      "Every setting is also a variable; a flag wins.",
  );
  return withSettings(command, SETTINGS)
    .addHelpText(
      "after",
      `
Examples:
  toolgate serve
  toolgate serve --listen 0.0.0.0:7400 --auth required
  TOOLGATE_LOG_LEVEL=debug toolgate serve --listen 127.0.0.1:0`,
    )
    .action(async (flags: Flags) => {
      const { serveNode } = await import("../serve-node.js");
      process.exit(await serveNode(flags));
    });
}
