import { Command } from "commander";
import type { Toolgate, ToolsetChange, WatchEvent } from "../../src/index.js";
import type { Output } from "../output/output.js";
import { oneLine } from "../output/text-width.js";
import { printToolsets } from "./list.js";
import { type Session, withClient, withClientOptions } from "./session.js";

interface WatchFlags {
  readonly revision?: string;
}

/** `toolgate watch`: what changes in the registry, as it happens. */
export function watchCommand(): Command {
  return withClientOptions(
    new Command("watch")
      .description(
        "Shows the toolsets, then every change in order: registrations, contracts that take over, health, removals. " +
          "It goes on over lost nodes until Ctrl-C.",
      )
      .argument("[toolsets...]", "only these; all when absent")
      .option("--revision <revision>", "Go on after this revision (from --json), instead of from a snapshot."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate watch
  toolgate watch files demo
  toolgate watch --json | jq -c '.changes[]? | select(.kind == "unhealthy")'`,
    )
    .action(async (toolsets: readonly string[], { revision }: WatchFlags, command: Command) => {
      const work = async (client: Toolgate, { output, signal }: Session): Promise<void> => {
        const which = toolsets.length === 0 ? {} : { toolsets };
        const from = revision === undefined ? {} : { revision };
        for await (const event of client.watch({ signal, ...which, ...from })) {
          if (output.json) output.jsonData(event);
          else printEvent(output, event);
        }
      };
      await withClient(command, work, { patienceMs: Number.POSITIVE_INFINITY });
    });
}

function printEvent(output: Output, event: WatchEvent): void {
  switch (event.kind) {
    case "snapshot":
      if (event.toolsets.length === 0) output.note("There are no such toolsets yet.");
      else printToolsets(output, event.toolsets);
      return;
    case "changes":
      for (const change of event.changes) output.text(describe(output, change));
      return;
    default:
      event satisfies never;
  }
}

function describe({ paint }: Output, { at, kind, toolset, epoch, summary }: ToolsetChange): string {
  const word = kind.padEnd("unregistered".length);
  const style = { healthy: paint.good, unhealthy: paint.bad, unregistered: paint.warn }[kind as string];
  const version = summary?.epochs.find((one) => one.epoch === epoch)?.version;
  return [
    paint.dim(at.toISOString()),
    style === undefined ? word : style(word),
    oneLine(toolset),
    ...(version === undefined ? [] : [oneLine(version)]),
    paint.dim(`epoch ${epoch}`),
  ].join("  ");
}
