import { Command } from "commander";
import { epoch as epochValue } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface UnregisterFlags {
  readonly epoch: number;
}

/** `toolgate unregister`: takes a toolset out of the registry. */
export function unregisterCommand(): Command {
  return withClientOptions(
    new Command("unregister")
      .description(
        "Removes a toolset from the registry. Its active epoch must be named, so that nothing newer is removed by mistake; " +
          "its providers are notified, finish the calls that they run, and end; started again, they register it anew. " +
          "Where its record in Redis is damaged, any epoch will do.",
      )
      .argument("<toolset>", "the toolset's name")
      .requiredOption("--epoch <n>", "Its active epoch, as toolgate get shows it.", epochValue),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate unregister files --epoch 1767225600000
  toolgate unregister files --epoch "$(toolgate get files --json | jq .epoch)"`,
    )
    .action(async (name: string, { epoch }: UnregisterFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        await output.withProgress(`Removing ${name}`, () => client.unregister(name, epoch, { signal }));
        if (output.json) output.jsonData({ toolset: name, epoch, unregistered: true });
        else output.text(`${name} is removed.`);
      });
    });
}
