import { Command } from "commander";
import { withClient, withClientOptions } from "./session.js";

/** `toolgate calls cancel`: ends a call, also for all that wait for it. */
export function cancelCommand(): Command {
  return withClientOptions(
    new Command("cancel")
      .summary("cancel a call")
      .description("Cancels a call, also for all that wait for it. One that has ended stays as it ended.")
      .argument("<callId>", "the call, as toolgate call --detach gives it"),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate calls cancel CALL_ID
  toolgate calls cancel CALL_ID --json | jq -r .state`,
    )
    .action(async (callId: string, _flags: object, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const cancellation = await output.withProgress("Cancelling", () =>
          client.cancel(callId, { signal, raw: true }),
        );
        if (output.json) return output.jsonData(cancellation);
        const { state, terminal } = cancellation;
        if (terminal !== undefined) output.text(`The call has ended: ${terminal.kind}.`);
        else if (state === "claimed") output.text("The call's provider was asked to stop.");
        else output.text("The call will not be run.");
      });
    });
}
