import { Command } from "commander";
import { withClient, withClientOptions } from "./session.js";

/** `toolgate whoami`: who the registry takes the caller for. */
export function whoamiCommand(): Command {
  return withClientOptions(
    new Command("whoami").description("Shows who the registry takes you for, by the credential that commands send."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate whoami
  toolgate whoami --json | jq -r '.roles[]'
  toolgate whoami --key-file ci.key`,
    )
    .action(async (_flags: object, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const caller = await output.withProgress("Asking", () => client.access.whoAmI({ signal }));
        if (output.json) return output.jsonData(caller);
        const { tenant, id, kind, roles, expiresAt } = caller;
        output.text(`principal  ${tenant}/${id}`);
        output.text(`by         ${kind === "anonymous" ? "nothing: this registry asks nobody" : kind}`);
        output.text(`roles      ${roles.length === 0 ? "none" : roles.join(", ")}`);
        if (expiresAt !== undefined) output.text(`until      ${expiresAt.toISOString()}`);
      });
    });
}
