import { Command } from "commander";
import { candidatesFor } from "../completion/candidates.js";
import { splitLine } from "../completion/split-line.js";
import { oneLine, truncate } from "../output/text-width.js";

/** Columns of what a candidate is said to be. */
const DESCRIPTION_COLUMNS = 60;

/**
 * `toolgate complete`, which the shells' scripts call: what may be typed, a candidate and what it is on each line. Where a cluster
 * does not answer in time, or anything else fails, it says nothing: a person is typing, and did not ask.
 *
 * @param build makes the command line for some words
 */
export function completeCommand(build: (args: readonly string[]) => Promise<Command>): Command {
  return new Command("complete")
    .description("Says what may be typed next; for the scripts of toolgate completion.")
    .argument("[words...]", "what follows the program's name, the last of it being typed")
    .option("--line <line>", "The whole line up to the cursor, instead of its words.")
    .addHelpText("after", "\nExamples:\n  toolgate complete -- call fi")
    .action(async (words: readonly string[], { line }: { line?: string }) => {
      try {
        const typed = line === undefined ? words : splitLine(line).slice(1);
        for (const { value, description } of await candidatesFor(typed, build)) {
          process.stdout.write(`${value}\t${truncate(oneLine(description), DESCRIPTION_COLUMNS)}\n`);
        }
      } catch {
        // Nothing is offered then.
      }
    });
}
