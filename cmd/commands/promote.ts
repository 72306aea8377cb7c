import { Command } from "commander";
import { epoch as epochValue } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface PromoteFlags {
  readonly epoch: number;
}

/** `toolgate promote`: makes a candidate epoch the active one. */
export function promoteCommand(): Command {
  return withClientOptions(
    new Command("promote")
      .description(
        "Makes a candidate epoch of a toolset the active one at once, without waiting for the room of its providers.",
      )
      .argument("<toolset>", "the toolset's name")
      .requiredOption("--epoch <n>", "The candidate epoch, as toolgate get shows it.", epochValue),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate promote files --epoch 1767225600001`,
    )
    .action(async (name: string, { epoch }: PromoteFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        await output.withProgress(`Promoting ${name}`, () => client.promote(name, epoch, { signal }));
        if (output.json) output.jsonData({ toolset: name, epoch, promoted: true });
        else output.text(`Epoch ${epoch} of ${name} is active.`);
      });
    });
}
