import { Command } from "commander";
import { LISTENER_SETTINGS, parseListenerConfig } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";
import type { Flags } from "../../src/config/settings.js";
import { UsageError } from "../output/failure.js";
import { safeLines } from "../output/text-width.js";
import { inSession, withJsonOption } from "./session.js";
import { withSettings } from "./setting-options.js";

interface HealthFlags {
  readonly service?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** Docker takes 1 for unhealthy, and has reserved the others. */
const NOT_SERVING = 1;

/** `toolgate health`: whether the node that runs here serves. */
export function healthCommand(): Command {
  const command = new Command("health").description(
    "Asks the node that runs on this machine or in this container whether it serves, as its own settings say where it listens and whether it " +
      "speaks TLS. Needs no credential and leaves no trace in the audit, so it suits what asks every few seconds: a container's health " +
      "check, a probe. toolgate doctor says more.",
  );
  return withJsonOption(withSettings(command, LISTENER_SETTINGS))
    .option("--service <name>", "One service, such as toolgate.v1.Gateway; the node as a whole when absent.")
    .option(
      "--client-cert <file>",
      "The certificate (PEM) to show to the node; its own when absent, where it demands one.",
    )
    .option("--client-key <file>", "That certificate's key (PEM).")
    .addHelpText(
      "after",
      `
Exit status: 0 where it serves, 1 where it does not or cannot be asked.

Examples:
  toolgate health
  toolgate health --listen 0.0.0.0:7400 --service toolgate.v1.Gateway
  toolgate health --json`,
    )
    .action(async (options: Flags & HealthFlags, command: Command) => {
      const { service = "", clientCert, clientKey, json: _json, ...flags } = options;
      if ((clientCert === undefined) !== (clientKey === undefined)) {
        throw new UsageError("A certificate and its key go together.", "Pass both --client-cert and --client-key.");
      }
      const shown =
        clientCert === undefined || clientKey === undefined ? undefined : { cert: clientCert, key: clientKey };
      await inSession(command, async ({ output }) => {
        const listener = parseListenerConfig({ env: environment(), flags });
        const { askOwnNode } = await import("../doctor/own-node.js");
        const { address, status, why } = await askOwnNode(listener, service, shown);
        if (output.json) output.jsonData({ address, service, status, ...(why === "" ? {} : { why }) });
        else output.text(safeLines(`${address} ${status}${why === "" ? "" : `: ${why}`}`));
        if (status !== "SERVING") process.exitCode = NOT_SERVING;
      });
    });
}
