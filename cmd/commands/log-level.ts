import { Argument, Command } from "commander";
import { UsageError } from "../output/failure.js";
import { duration } from "./option-values.js";
import { inSession, readClientConfig, withClientOptions } from "./session.js";

interface LogLevelFlags {
  readonly ops?: string;
  readonly for?: number;
}

const LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** `toolgate log-level`: what a running node writes to its log. */
export function logLevelCommand(): Command {
  return withClientOptions(
    new Command("log-level")
      .description(
        "Shows the least important lines that a running node writes to its log, or changes that until the node is started again. It asks the " +
          "node's listener for operators, and takes a credential that may operate where the registry asks for credentials.",
      )
      .addArgument(new Argument("[level]", "the new level").choices(LEVELS))
      .option(
        "--ops <host:port>",
        "Where that listener is; https://host:port where it speaks TLS [TOOLGATE_OPS_LISTEN, else 127.0.0.1:7481].",
      )
      .option(
        "--for <time>",
        "For how long the new level holds, such as 10m; then that of the node's settings is back.",
        duration,
      ),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate log-level
  toolgate log-level debug --for 10m
  toolgate log-level warn --ops 127.0.0.1:7483`,
    )
    .action(async (level: string | undefined, { ops, for: ms }: LogLevelFlags, command: Command) => {
      await inSession(command, async ({ output, signal }) => {
        if (ms !== undefined && level === undefined)
          throw new UsageError("--for was given without a level.", "Name the level that is to hold for so long.");
        const { OpsClient, opsAddress } = await import("../ops/ops-client.js");
        const address = opsAddress(ops);
        const client = new OpsClient(await readClientConfig(command), signal);
        const seconds = ms === undefined ? undefined : Math.ceil(ms / 1_000);
        const now = (
          await client.ask(
            address,
            level === undefined
              ? { path: "/loglevel" }
              : { method: "PUT", path: `/loglevel${seconds === undefined ? "" : `?seconds=${seconds}`}`, body: level },
          )
        ).trim();
        if (output.json) output.jsonData({ ops: address, level: now, ...(seconds === undefined ? {} : { seconds }) });
        else output.text(now);
      });
    });
}
