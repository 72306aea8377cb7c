import { Command } from "commander";
import type { DevFlags } from "../../src/local-cluster/dev-cluster.js";
import { integer } from "./option-values.js";

const DEFAULT_PORT = 7400;
const MOST_NODES = 9;

/** `toolgate dev`: a cluster on this machine with a Redis of its own, for trying things. */
export function devCommand(): Command {
  return new Command("dev")
    .description(
      "Runs nodes on this machine until Ctrl-C, with REDIS_URL's Redis or a private one in .toolgate/, which is removed " +
        "at the end. Settings of `toolgate serve` apply by their variables. Logs are for people, on standard output.",
    )
    .option("-n, --nodes <n>", `how many nodes, at most ${MOST_NODES}`, integer(1, MOST_NODES), 1)
    .option(
      "-p, --port <port>",
      "the first node's port; a taken one is replaced by a free one",
      integer(0, 65_535),
      DEFAULT_PORT,
    )
    .addHelpText(
      "after",
      `
Examples:
  toolgate dev
  toolgate dev --nodes 3
  TOOLGATE_LOG_LEVEL=debug toolgate dev --port 0`,
    )
    .action(async (flags: DevFlags) => {
      const { runDevCluster } = await import("../../src/local-cluster/dev-cluster.js");
      process.exit(await runDevCluster(flags));
    });
}
