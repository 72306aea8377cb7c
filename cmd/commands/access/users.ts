import { Command } from "commander";
import { askSecret } from "../ask-secret.js";
import { words } from "../option-values.js";
import { withClient } from "../session.js";
import { tenantOf, withTenantOption } from "./document-options.js";

interface UserFlags {
  readonly tenant?: string;
  readonly role?: readonly string[];
  readonly reason?: string;
}

/** `toolgate access user`: people, who log in by name and password. */
export function userCommand(): Command {
  return new Command("user")
    .summary("people and their passwords")
    .description("Sets passwords, and lists people. They log in by `toolgate login`.")
    .addCommand(setPasswordCommand())
    .addCommand(listCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate access user set-password ann --role operator
  toolgate access user list`,
    );
}

function setPasswordCommand(): Command {
  return withTenantOption(
    new Command("set-password")
      .summary("set a person's password")
      .description(
        "Sets a person's password, and makes the person where there is none. It is typed without being shown, or is the first line " +
          "of what is piped in: 12 to 256 characters.",
      )
      .argument("<user>", "the person")
      .option("--role <name>", "A role of the person; repeat it for several. They stay when absent.", words)
      .option("--reason <text>", "Why, for the history."),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  toolgate access user set-password ann --role admin\n  toolgate access user set-password ann < password.txt",
    )
    .action(async (user: string, flags: UserFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const password = await askSecret("Password", signal);
        await output.withProgress("Setting the password", () =>
          client.access.setPassword({
            ...tenantOf(flags),
            user,
            password,
            ...(flags.role === undefined ? {} : { roles: flags.role }),
            ...(flags.reason === undefined ? {} : { reason: flags.reason }),
            signal,
          }),
        );
        if (output.json) return output.jsonData({ user, changed: true });
        output.text(`The password of ${user} is set.`);
      });
    });
}

function listCommand(): Command {
  return withTenantOption(new Command("list").summary("list people").description("Lists people and their roles."))
    .addHelpText("after", "\nExamples:\n  toolgate access user list")
    .action(async (flags: UserFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const rows: { user: string; roles: readonly string[]; disabled: boolean }[] = [];
        for await (const { name, body } of client.documents.list({ ...tenantOf(flags), kind: "user", signal })) {
          // The registry has checked it.
          const { roles = [], disabled = false } = body as { roles?: readonly string[]; disabled?: boolean };
          rows.push({ user: name, roles, disabled });
        }
        if (output.json) return output.jsonData(rows);
        if (rows.length === 0) return output.note("There are none.");
        output.table(
          [{ header: "USER" }, { header: "STATE" }, { header: "ROLES", flexible: true }],
          rows.map(({ user, roles, disabled }) => [user, disabled ? "disabled" : "active", roles.join(", ")]),
        );
      });
    });
}
