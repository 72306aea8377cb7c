import { Command } from "commander";
import { documentCommands } from "./access/documents.js";
import { initCommand } from "./access/init.js";
import { keyCommand } from "./access/keys.js";
import { roleCommand } from "./access/roles.js";
import { shareCommand } from "./access/shares.js";
import { tenantCommand } from "./access/tenants.js";
import { userCommand } from "./access/users.js";

/** `toolgate access`: who callers are, and what they may do. */
export function accessCommand(): Command {
  const command = new Command("access")
    .description(
      "Manages who callers are and what they may do: keys, people, tenants, roles and shares, and the documents that all of " +
        "these are. docs/access.md has the whole, from the first key on.",
    )
    .addCommand(initCommand())
    .addCommand(keyCommand())
    .addCommand(userCommand())
    .addCommand(tenantCommand())
    .addCommand(roleCommand())
    .addCommand(shareCommand());
  for (const each of documentCommands()) command.addCommand(each);
  return command.addHelpText(
    "after",
    `
Examples:
  toolgate access init --redis-url redis://10.0.0.9:6379 > admin.key
  toolgate access key create ci --role agent
  toolgate access apply -f policies/ --dry-run
  toolgate access history role reader`,
  );
}
