import { Command } from "commander";
import { words } from "../option-values.js";
import { withClient } from "../session.js";
import { type ChangeFlags, change, tenantOf, withChangeOptions, withTenantOption } from "./document-options.js";

interface ShareFlags extends ChangeFlags {
  readonly with: readonly string[];
  readonly tools?: readonly string[];
  readonly verbs?: readonly string[];
  readonly name?: string;
}

interface ShareBody {
  readonly toolsets?: readonly string[];
  readonly tools?: readonly string[];
  readonly with?: readonly string[];
  readonly verbs?: readonly string[];
}

/** `toolgate access share`: what a tenant lets others use. */
export function shareCommand(): Command {
  return new Command("share")
    .summary("let other tenants use toolsets")
    .description(
      "Shares toolsets of a tenant with others. Their principals then may do what their own roles allow, of what was shared; they " +
        "name such a toolset tenant/name.",
    )
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate access share add files --with acme --tools "read_*"
  toolgate access share list`,
    );
}

function addCommand(): Command {
  return withChangeOptions(
    new Command("add")
      .summary("share toolsets")
      .description("Shares toolsets with tenants: all of their tools, or some.")
      .argument("<toolsets...>", "names or patterns, such as files or demo-*")
      .requiredOption("--with <tenants>", "The tenants, separated by commas.", words)
      .option("--tools <tools>", "Only these tools, separated by commas.", words)
      .option("--verbs <verbs>", "What they may do: discover, call; both when absent.", words)
      .option("--name <name>", "The share's name; made of the first toolset and tenant when absent."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate access share add text --with acme --tools slugify
  toolgate access share add files --with acme,globex --verbs discover`,
    )
    .action(async (toolsets: readonly string[], flags: ShareFlags, command: Command) => {
      const { tools = ["*"], verbs = ["discover", "call"], with: tenants } = flags;
      const name = flags.name ?? `${toolsets[0] ?? ""}-${tenants[0] ?? ""}`.replaceAll(/[^a-z0-9.-]/g, "-");
      const body = { toolsets, tools, with: tenants, verbs };
      await withClient(command, (client, { output, signal }) =>
        change(client, [{ ...tenantOf(flags), kind: "share", name, body }], flags, output, { signal }),
      );
    });
}

function listCommand(): Command {
  return withTenantOption(
    new Command("list").summary("list shares").description("Lists what a tenant shares with others."),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access share list")
    .action(async (flags: { readonly tenant?: string }, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const rows: (ShareBody & { share: string })[] = [];
        for await (const { name, body } of client.documents.list({ ...tenantOf(flags), kind: "share", signal })) {
          rows.push({ share: name, ...(body as ShareBody) }); // the registry has checked it
        }
        if (output.json) return output.jsonData(rows);
        if (rows.length === 0) return output.note("Nothing is shared.");
        const list = (of: readonly string[] | undefined): string => (of ?? []).join(", ");
        output.table(
          [
            { header: "SHARE" },
            { header: "WITH" },
            { header: "VERBS" },
            { header: "TOOLSETS", flexible: true },
            { header: "TOOLS", flexible: true },
          ],
          rows.map((row) => [row.share, list(row.with), list(row.verbs), list(row.toolsets), list(row.tools)]),
        );
      });
    });
}

function removeCommand(): Command {
  return withChangeOptions(
    new Command("remove").summary("end a share").description("Ends a share.").argument("<share>", "its name"),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access share remove text-acme")
    .action(async (name: string, flags: ChangeFlags, command: Command) => {
      await withClient(command, (client, { output, signal }) =>
        change(client, [{ ...tenantOf(flags), kind: "share", name, remove: true }], flags, output, { signal }),
      );
    });
}
