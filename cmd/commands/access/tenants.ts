import { Command } from "commander";
import { withClient, withClientOptions } from "../session.js";
import { change } from "./document-options.js";

interface TenantFlags {
  readonly description?: string;
  readonly reason?: string;
}

/** Tenants are documents of the default one. */
const PLACE = { tenant: "default", kind: "tenant" } as const;

/** `toolgate access tenant`: those that share the registry without seeing anything of each other. */
export function tenantCommand(): Command {
  return new Command("tenant")
    .summary("tenants, which see nothing of each other")
    .description(
      "Makes, lists and disables tenants. A tenant has toolsets, keys, people, roles and limits of its own, and sees another one's " +
        "toolsets only where those are shared. Needs the role cluster-admin.",
    )
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(switchCommand("disable", true))
    .addCommand(switchCommand("enable", false))
    .addHelpText(
      "after",
      `
Examples:
  toolgate access tenant create acme
  toolgate access tenant list`,
    );
}

function withReason(command: Command): Command {
  return withClientOptions(command.option("--reason <text>", "Why, for the history."));
}

function createCommand(): Command {
  return withReason(
    new Command("create")
      .summary("make a tenant")
      .description("Makes a tenant. Its first key: toolgate access key create admin --tenant <name> --role admin")
      .argument("<tenant>", "its name: lower-case letters, digits and dashes")
      .option("--description <text>", "What it is."),
  )
    .addHelpText("after", '\nExamples:\n  toolgate access tenant create acme --description "Acme Inc."')
    .action(async (name: string, flags: TenantFlags, command: Command) => {
      const body = flags.description === undefined ? {} : { description: flags.description };
      await withClient(command, (client, { output, signal }) =>
        change(client, [{ ...PLACE, name, body, expectRevision: 0 }], flags, output, { signal }),
      );
    });
}

function listCommand(): Command {
  return withClientOptions(
    new Command("list").summary("list tenants").description("Lists the tenants but the default one."),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access tenant list")
    .action(async (_flags: object, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const rows: { tenant: string; disabled: boolean; description: string }[] = [];
        for await (const { name, body } of client.documents.list({ ...PLACE, signal })) {
          const { disabled = false, description = "" } = body as TenantBody; // the registry has checked it
          rows.push({ tenant: name, disabled, description });
        }
        if (output.json) return output.jsonData(rows);
        if (rows.length === 0) return output.note("There is the default tenant alone.");
        output.table(
          [{ header: "TENANT" }, { header: "STATE" }, { header: "DESCRIPTION", flexible: true }],
          rows.map(({ tenant, disabled, description }) => [tenant, disabled ? "disabled" : "active", description]),
        );
      });
    });
}

function switchCommand(word: "disable" | "enable", disabled: boolean): Command {
  const what = disabled
    ? "Disables a tenant: none of its credentials holds within a second. What it has stays."
    : "Lets a disabled tenant's credentials hold again.";
  return withReason(new Command(word).summary(`${word} a tenant`).description(what).argument("<tenant>", "its name"))
    .addHelpText("after", `\nExamples:\n  toolgate access tenant ${word} acme`)
    .action(async (name: string, flags: TenantFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const { body, revision } = await client.documents.get({ ...PLACE, name }, { signal });
        const { disabled: _, ...rest } = body as TenantBody; // the registry has checked it
        const changed = { ...PLACE, name, body: disabled ? { ...rest, disabled } : rest, expectRevision: revision };
        await change(client, [changed], flags, output, { signal });
      });
    });
}

interface TenantBody {
  readonly description?: string;
  readonly disabled?: boolean;
}
