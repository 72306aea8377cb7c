import { Command } from "commander";
import { followToEnd } from "./follow-to-end.js";
import { rawOption, readRaw } from "./raw-option.js";
import { withClient, withClientOptions } from "./session.js";

interface FollowFlags {
  readonly cursor?: string;
  readonly raw?: boolean;
}

/** `toolgate calls follow`: a call's output and its end, again or further. */
export function followCommand(): Command {
  return withClientOptions(
    new Command("follow")
      .summary("show a call's output and its end")
      .description(
        "Shows a call's output so far, then as it comes, then how it ended; on any node, as often as you like, until the " +
          "outcome expires. Ctrl-C leaves the call running.",
      )
      .argument("<callId>", "the call, as toolgate call --detach gives it")
      .option("--cursor <cursor>", "Go on after this piece of output (from --json), instead of from the beginning.")
      .addOption(rawOption()),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate calls follow CALL_ID
  toolgate calls follow CALL_ID --json | jq -c .`,
    )
    .action(async (callId: string, { cursor, raw }: FollowFlags, command: Command) => {
      await withClient(command, async (client, session) => {
        await followToEnd(client, session, {
          callId,
          label: "The call runs",
          cursor,
          raw: readRaw({ ...(raw === undefined ? {} : { raw }) }, session.output),
          onInterrupt: "leave",
        });
      });
    });
}
