import { Command } from "commander";
import type { DeadCall } from "../../src/index.js";
import { minute } from "../output/age.js";
import { UsageError } from "../output/failure.js";
import { jsonText } from "../output/json.js";
import type { Column } from "../output/table.js";
import { withClient, withClientOptions } from "./session.js";

const COLUMNS: readonly Column[] = [
  { header: "ID" },
  { header: "TOOL", flexible: true },
  { header: "TRIES", align: "right" },
  { header: "DIED" },
  { header: "CALL" },
];

/** `toolgate dead`: idempotent calls that were given up. */
export function deadCommand(): Command {
  return new Command("dead")
    .description("Idempotent calls that lost their provider on every attempt are kept for operators.")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(redriveCommand())
    .addCommand(purgeCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate dead list files
  toolgate dead show files 1767225600001-0
  toolgate dead redrive files 1767225600001-0
  toolgate dead purge files --all`,
    );
}

function listCommand(): Command {
  return withClientOptions(
    new Command("list").summary("list them, newest first").argument("<toolset>", "the toolset's name"),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate dead list files
  toolgate dead list files --json | jq -r '.[].id'`,
    )
    .action(async (toolset: string, _flags: object, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const calls = await output.withProgress("Listing dead calls", async () => {
          const all: DeadCall[] = [];
          for await (const call of client.deadCalls(toolset, { signal })) all.push(call);
          return all;
        });
        if (output.json) return output.jsonData(calls);
        if (calls.length === 0) return output.note(`${toolset} has no dead calls.`);
        output.table(
          COLUMNS,
          calls.map((call) => [call.id, call.tool, String(call.attempts), minute(call.diedAt), call.callId]),
        );
      });
    });
}

function showCommand(): Command {
  return withClientOptions(
    new Command("show")
      .summary("show one with its payload")
      .argument("<toolset>", "the toolset's name")
      .argument("<id>", "the dead call, as toolgate dead list shows it"),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate dead show files 1767225600001-0
  toolgate dead show files 1767225600001-0 --json | jq .payload`,
    )
    .action(async (toolset: string, id: string, _flags: object, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const call = await output.withProgress("Reading the dead call", () =>
          client.getDeadCall(toolset, id, { signal, raw: true }),
        );
        if (output.json) return output.jsonData(call);
        output.text(
          `${call.toolset}/${call.tool}, given up after ${call.attempts} attempts at ${call.diedAt.toISOString()}: ${call.reason}`,
        );
        output.text(jsonText(call.payload));
      });
    });
}

function redriveCommand(): Command {
  return withClientOptions(
    new Command("redrive")
      .summary("make one again, as a new call")
      .argument("<toolset>", "the toolset's name")
      .argument("<id>", "the dead call, as toolgate dead list shows it"),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate dead redrive files 1767225600001-0`,
    )
    .action(async (toolset: string, id: string, _flags: object, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const handle = await output.withProgress("Making the call again", () =>
          client.redrive(toolset, id, { signal }),
        );
        if (output.json) return output.jsonData(handle);
        output.text(`The call is ${handle.callId}; toolgate calls follow ${handle.callId} shows it.`);
      });
    });
}

function purgeCommand(): Command {
  return withClientOptions(
    new Command("purge")
      .summary("purge them")
      .argument("<toolset>", "the toolset's name")
      .argument("[ids...]", "dead calls, as toolgate dead list shows them")
      .option("--all", "All of the toolset."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate dead purge files 1767225600001-0
  toolgate dead purge files --all`,
    )
    .action(async (toolset: string, ids: string[], { all }: { all?: boolean }, command: Command) => {
      if (ids.length > 0 === (all === true)) {
        throw new UsageError("No dead calls are given.", "Name them, or pass --all.");
      }
      await withClient(command, async (client, { output, signal }) => {
        const purged = await output.withProgress("Purging dead calls", () =>
          client.purgeDeadCalls(toolset, ids, { signal }),
        );
        if (output.json) return output.jsonData({ toolset, purged });
        output.text(`${purged} dead ${purged === 1 ? "call was" : "calls were"} purged.`);
      });
    });
}
