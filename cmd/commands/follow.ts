import { Command } from "commander";
import { followToEnd } from "./call.js";
import { withClient, withClientOptions } from "./session.js";

interface FollowFlags {
  readonly cursor?: string;
}

/** `toolgate follow`: a call's output and its end, again or further. */
export function followCommand(): Command {
  return withClientOptions(
    new Command("follow")
      .description(
        "Shows a call's output so far, then as it comes, then how it ended; on any node, as often as you like, until the\n" +
          "outcome expires. Ctrl-C leaves the call running.",
      )
      .argument("<callId>", "the call, as toolgate call --detach gives it")
      .option("--cursor <cursor>", "Go on after this piece of output (from --json), instead of from the beginning."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate follow CALL_ID
  toolgate follow CALL_ID --json | jq -c .`,
    )
    .action(async (callId: string, { cursor }: FollowFlags, command: Command) => {
      await withClient(command, async (client, session) => {
        await followToEnd(client, session, callId, "The call runs", cursor, "leave");
      });
    });
}
