import { Command } from "commander";
import { checkPrivateFile, writePrivateFile } from "../../../src/config/private-file.js";
import type { CreatedKey } from "../../../src/index.js";
import { UsageError } from "../../output/failure.js";
import type { Output } from "../../output/output.js";
import { longDuration, words } from "../option-values.js";
import { withClient } from "../session.js";
import { tenantOf, withTenantOption } from "./document-options.js";

interface OwnerFlags {
  readonly tenant?: string;
  readonly reason?: string;
}

interface NewKeyFlags extends OwnerFlags {
  readonly ttl?: number;
  readonly output?: string;
}

/** `toolgate access key`: principals that prove themselves by API keys. */
export function keyCommand(): Command {
  return new Command("key")
    .summary("make, rotate, revoke and list API keys")
    .description(
      "Makes, rotates, revokes and lists API keys. A key is shown once, when it is made; the registry keeps a hash of it.",
    )
    .addCommand(createCommand())
    .addCommand(rotateCommand())
    .addCommand(revokeCommand())
    .addCommand(listCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate access key create ci --role agent
  toolgate access key rotate ci --overlap 1d
  toolgate access key list`,
    );
}

function createCommand(): Command {
  return withNewKeyOptions(
    new Command("create")
      .summary("make a key")
      .description(
        "Makes a key for a principal, which is made too where there is none. The key alone goes to standard output.",
      )
      .argument("<principal>", "whose: letters, digits, dots, underscores and dashes")
      .option("--role <name>", "A role of the principal; repeat it for several. Its roles stay when absent.", words),
  )
    .addHelpText(
      "after",
      `
Built-in roles: agent (finds and calls), provider (serves), operator, auditor,
admin, and cluster-admin for all tenants.

Examples:
  toolgate access key create ci --role agent > ci.key
  toolgate access key create files --role provider --ttl 90d -o files.key
  toolgate access key create robot --tenant acme --role agent`,
    )
    .action(async (principal: string, flags: NewKeyFlags & { readonly role?: readonly string[] }, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        if (flags.output !== undefined) await checkPrivateFile(flags.output);
        const created = await output.withProgress("Making the key", () =>
          client.access.createKey({
            ...ownerOf(principal, flags),
            roles: flags.role ?? [],
            ...(flags.ttl === undefined ? {} : { ttlMs: flags.ttl }),
            signal,
          }),
        );
        await show(created, principal, flags, output);
      });
    });
}

function rotateCommand(): Command {
  return withNewKeyOptions(
    new Command("rotate")
      .summary("make another key, and end the former ones")
      .description("Makes another key for a principal. Its former keys end at once, or hold for --overlap yet.")
      .argument("<principal>", "whose")
      .option("--overlap <time>", "How long the former keys still hold, such as 1h or 7d; at most 30d.", longDuration),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access key rotate ci --overlap 1d -o ci.key")
    .action(async (principal: string, flags: NewKeyFlags & { readonly overlap?: number }, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        if (flags.output !== undefined) await checkPrivateFile(flags.output);
        const rotated = await output.withProgress("Making the key", () =>
          client.access.rotateKey({
            ...ownerOf(principal, flags),
            ...(flags.overlap === undefined ? {} : { overlapMs: flags.overlap }),
            ...(flags.ttl === undefined ? {} : { ttlMs: flags.ttl }),
            signal,
          }),
        );
        await show(rotated, principal, flags, output);
        output.note(`The former keys hold until ${rotated.formerUntil.toISOString()}.`);
      });
    });
}

function revokeCommand(): Command {
  return withReason(
    withTenantOption(
      new Command("revoke")
        .summary("end keys")
        .description("Ends a principal's keys, on every node and on open streams, within a second.")
        .argument("[principal]", "whose: all of its keys, unless --key names one")
        .option("--key <id>", "One key, as list shows it."),
    ),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  toolgate access key revoke ci\n  toolgate access key revoke --key k3v9x2m4q8r1",
    )
    .action(async (principal: string | undefined, flags: OwnerFlags & { readonly key?: string }, command: Command) => {
      if (principal === undefined && flags.key === undefined) {
        throw new UsageError("Neither a principal nor a key is given.", "Name the principal, or pass --key.");
      }
      await withClient(command, async (client, { output, signal }) => {
        const revoked = await output.withProgress("Revoking", () =>
          client.access.revokeKey({
            ...tenantOf(flags),
            ...(principal === undefined ? {} : { principal }),
            ...(flags.key === undefined ? {} : { keyId: flags.key }),
            ...(flags.reason === undefined ? {} : { reason: flags.reason }),
            signal,
          }),
        );
        if (output.json) return output.jsonData({ revoked });
        output.text(`${revoked} ${revoked === 1 ? "key was" : "keys were"} revoked.`);
      });
    });
}

function listCommand(): Command {
  return withTenantOption(
    new Command("list")
      .summary("list keys, and when they were used last")
      .description(
        "Lists principals, the ids of their keys, and when each expires and was used last: to the minute, in UTC, a few seconds later.",
      ),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access key list\n  toolgate access key list --tenant acme --json")
    .action(async (flags: OwnerFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const rows: KeyRow[] = [];
        for await (const { principal, roles, disabled, keys } of client.access.listKeys({
          ...tenantOf(flags),
          signal,
        })) {
          const state = disabled ? "disabled" : undefined;
          if (keys.length === 0) rows.push({ principal, roles, id: "(none)", expires: state ?? "", lastUsed: "" });
          for (const { keyId: id, expiresAt, lastUsedAt } of keys) {
            const expires = state ?? minute(expiresAt) ?? "never";
            rows.push({ principal, roles, id, expires, lastUsed: minute(lastUsedAt) ?? "" });
          }
        }
        if (output.json) return output.jsonData(rows);
        if (rows.length === 0) return output.note("There are no keys.");
        output.table(
          [
            { header: "PRINCIPAL" },
            { header: "KEY" },
            { header: "EXPIRES" },
            { header: "LAST USED" },
            { header: "ROLES", flexible: true },
          ],
          rows.map(({ principal, roles, id, expires, lastUsed }) => [
            principal,
            id,
            expires,
            lastUsed || "-",
            roles.join(", "),
          ]),
        );
      });
    });
}

/** A line of the list; times are in UTC, to the minute. */
interface KeyRow {
  readonly principal: string;
  readonly roles: readonly string[];
  readonly id: string;
  /** A time, `never`, or `disabled`. */
  readonly expires: string;
  /** Empty where no use is known. */
  readonly lastUsed: string;
}

function minute(at: Date | undefined): string | undefined {
  return at?.toISOString().slice(0, 16);
}

function withReason(command: Command): Command {
  return command.option("--reason <text>", "Why, for the history.");
}

function withNewKeyOptions(command: Command): Command {
  return withReason(
    withTenantOption(
      command
        .option("--ttl <time>", "How long the key holds, such as 12h or 90d; for ever when absent.", longDuration)
        .option("-o, --output <file>", "Write the key to this file, which its owner alone can read."),
    ),
  );
}

function ownerOf(principal: string, { reason, ...flags }: OwnerFlags) {
  return { principal, ...tenantOf(flags), ...(reason === undefined ? {} : { reason }) };
}

/** Shows a key, this once. */
async function show(
  { key, keyId, expiresAt }: CreatedKey,
  principal: string,
  { output: file }: NewKeyFlags,
  output: Output,
): Promise<void> {
  if (file !== undefined) await writePrivateFile(file, `${key}\n`);
  if (output.json) {
    return output.jsonData({ principal, keyId, expiresAt, ...(file === undefined ? { key } : { file }) });
  }
  if (file === undefined) output.text(key);
  const until = expiresAt === undefined ? "for ever" : `until ${expiresAt.toISOString()}`;
  const where = file === undefined ? "it is shown this once" : `it is in ${file}`;
  output.note(`Key ${keyId} of ${principal} holds ${until}; ${where}.`);
}
