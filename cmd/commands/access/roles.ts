import { Command } from "commander";
import { withClient } from "../session.js";
import { tenantOf, withTenantOption } from "./document-options.js";

interface TenantFlags {
  readonly tenant?: string;
}

/** `toolgate access role`: what principals may do. */
export function roleCommand(): Command {
  return new Command("role")
    .summary("look at roles")
    .description(
      "Lists roles, the built-in ones too, and shows their rules. Own ones are made by `toolgate access apply`.",
    )
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate access role list
  toolgate access role get agent`,
    );
}

interface RoleBody {
  readonly description?: string;
  readonly scope?: string;
  readonly rules?: readonly unknown[];
}

function listCommand(): Command {
  return withTenantOption(
    new Command("list").summary("list roles").description("Lists the built-in roles and a tenant's own."),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access role list")
    .action(async (flags: TenantFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const { BUILT_IN_ROLES } = await import("../../../src/access/policy/built-in-roles.js");
        const rows = [...BUILT_IN_ROLES].map(([role, { scope, description, rules }]) => {
          return { role, builtIn: true, scope, rules: rules.length, description };
        });
        for await (const { name, body } of client.documents.list({ ...tenantOf(flags), kind: "role", signal })) {
          const { scope = "tenant", description = "", rules = [] } = body as RoleBody; // the registry has checked it
          rows.push({ role: name, builtIn: false, scope: scope as "tenant", rules: rules.length, description }); // for a table
        }
        if (output.json) return output.jsonData(rows);
        output.table(
          [
            { header: "ROLE" },
            { header: "SCOPE" },
            { header: "RULES", align: "right" },
            { header: "DESCRIPTION", flexible: true },
          ],
          rows.map(({ role, builtIn, scope, rules, description }) => [
            role,
            scope,
            String(rules),
            builtIn ? `built in: ${description}` : description,
          ]),
        );
      });
    });
}

function getCommand(): Command {
  return withTenantOption(
    new Command("get").summary("show a role").description("Shows a role's rules.").argument("<role>", "its name"),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access role get agent")
    .action(async (name: string, flags: TenantFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const { BUILT_IN_ROLES } = await import("../../../src/access/policy/built-in-roles.js");
        const builtIn = BUILT_IN_ROLES.get(name);
        const spec =
          builtIn ?? (await client.documents.get({ ...tenantOf(flags), kind: "role", name }, { signal })).body;
        if (output.json) return output.jsonData({ role: name, builtIn: builtIn !== undefined, spec });
        const { stringify } = await import("yaml");
        output.text(stringify({ kind: "role", name, spec }));
      });
    });
}
