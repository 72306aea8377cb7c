import { Command, Option } from "commander";
import { healthCell, STALE_NOTE } from "../output/health-cell.js";
import { integer, words } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface SearchFlags {
  readonly tag?: readonly string[];
  readonly health?: "healthy" | "unhealthy";
  readonly limit: number;
}

/** `toolgate search`: toolsets and tools that fit some words. */
export function searchCommand(): Command {
  return withClientOptions(
    new Command("search")
      .description(
        "Finds toolsets and tools by words in their names, titles, descriptions and tags; best first, slips allowed.",
      )
      .argument("<words...>", "what to look for")
      .option("--tag <tag>", "Only toolsets that have this tag, and their tools; repeat it for several.", words)
      .addOption(
        new Option("--health <health>", "Only toolsets of this health, and their tools.").choices([
          "healthy",
          "unhealthy",
        ]),
      )
      .option("--limit <n>", "At most so many.", integer(1, 200), 20),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate search read file
  toolgate search wether --health healthy
  toolgate search sum --limit 1 --json | jq -r '.[0].tool'`,
    )
    .action(async (wanted: readonly string[], { tag, health, limit }: SearchFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const filter = { ...(tag === undefined ? {} : { tags: tag }), ...(health === undefined ? {} : { health }) };
        const hits = await output.withProgress("Searching", () =>
          client.search(wanted.join(" "), { signal, limit, ...filter }),
        );
        if (output.json) return output.jsonData(hits);
        if (hits.length === 0) return output.note("Nothing fits these words.");
        output.table(
          [
            { header: "TOOLSET", flexible: true },
            { header: "TOOL", flexible: true },
            { header: "HEALTH" },
            { header: "DESCRIPTION", flexible: true },
          ],
          hits.map(({ toolset, tool, healthy, title, description }) => [
            toolset,
            tool ?? "",
            healthCell(healthy),
            description === "" ? title : description,
          ]),
        );
        if (hits.some(({ stale }) => stale)) output.note(STALE_NOTE);
      });
    });
}
