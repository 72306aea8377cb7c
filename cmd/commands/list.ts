import { Command, Option } from "commander";
import type { ToolsetSummary } from "../../src/index.js";
import { healthCell, STALE_NOTE } from "../output/health-cell.js";
import type { Output } from "../output/output.js";
import type { Column } from "../output/table.js";
import { oneLine } from "../output/text-width.js";
import { words } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface ListFlags {
  readonly tag?: readonly string[];
  readonly health?: "healthy" | "unhealthy";
}

const COLUMNS: readonly Column[] = [
  { header: "TOOLSET", flexible: true },
  { header: "VERSION" },
  { header: "HEALTH" },
  { header: "TOOLS", align: "right" },
  { header: "TAGS", flexible: true },
  { header: "DESCRIPTION", flexible: true },
];

/** `toolgate list`: the toolsets of the registry. */
export function listCommand(): Command {
  return withClientOptions(
    new Command("list")
      .description("Lists the toolsets of the registry, by name.")
      .option("--tag <tag>", "Only toolsets that have this tag; repeat it for several.", words)
      .addOption(new Option("--health <health>", "Only toolsets of this health.").choices(["healthy", "unhealthy"])),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate list
  toolgate list --health unhealthy
  toolgate list --tag files --json | jq -r '.[].name'`,
    )
    .action(async ({ tag, health }: ListFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const [toolsets, damaged] = await output.withProgress("Listing the toolsets", async () => {
          const all: ToolsetSummary[] = [];
          const filter = { ...(tag === undefined ? {} : { tags: tag }), ...(health === undefined ? {} : { health }) };
          for await (const toolset of client.list({ signal, ...filter })) all.push(toolset);
          return [all, await client.damaged({ signal })] as const;
        });
        for (const { name, reason } of damaged) {
          output.note(
            `${oneLine(name)} cannot be called: ${oneLine(reason)}. Start one of its providers again, or unregister it.`,
          );
        }
        if (output.json) return output.jsonData(toolsets);
        if (toolsets.length === 0) return output.note("There are no such toolsets.");
        printToolsets(output, toolsets);
        if (toolsets.some(({ stale }) => stale)) output.note(STALE_NOTE);
      });
    });
}

/** Toolsets as a table. */
export function printToolsets(output: Output, toolsets: readonly ToolsetSummary[]): void {
  output.table(
    COLUMNS,
    toolsets.map(({ name, version, healthy, toolCount, tags, title, description }) => [
      name,
      version,
      healthCell(healthy),
      String(toolCount),
      tags.join(", "),
      description === "" ? title : description,
    ]),
  );
}
