import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import type { ConfiguredDocument, DocumentChange, Toolgate } from "../../../src/index.js";
import { UsageError } from "../../output/failure.js";
import { integer, words } from "../option-values.js";
import { withClient } from "../session.js";
import {
  type ChangeFlags,
  change,
  printFindings,
  printOutcomes,
  tenantOf,
  withChangeOptions,
  withTenantOption,
} from "./document-options.js";

interface TenantFlags {
  readonly tenant?: string;
}

/** They have hashes that are not shown, and that only a registry which has the document already puts back. */
const WITH_SECRETS = ["key", "user", "session"];
/** The most changes of one request. */
const MAX_CHANGES = 100;

/** The commands for documents of every kind. */
export function documentCommands(): Command[] {
  return [
    listCommand(),
    getCommand(),
    applyCommand(),
    diffCommand(),
    historyCommand(),
    rollbackCommand(),
    removeCommand(),
    exportCommand(),
  ];
}

function listCommand(): Command {
  return withTenantOption(
    new Command("list")
      .summary("list documents")
      .description("Lists the documents of a tenant: those of one kind, or all.")
      .argument("[kind]", "role, key, user, share, tenant, limit, issuer, certificate or revocation"),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access list\n  toolgate access list limit --tenant acme")
    .action(async (kind: string | undefined, flags: TenantFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const all = await output.withProgress("Listing documents", () =>
          collect(client, { ...tenantOf(flags), ...(kind === undefined ? {} : { kind }), signal }),
        );
        if (output.json) return output.jsonData(all);
        if (all.length === 0) return output.note("There are none.");
        output.table(
          [
            { header: "KIND" },
            { header: "NAME" },
            { header: "REVISION", align: "right" },
            { header: "WRITTEN" },
            { header: "BY", flexible: true },
            { header: "REASON", flexible: true },
          ],
          all.map((one) => [one.kind, one.name, String(one.revision), minute(one.writtenAt), one.author, one.reason]),
        );
        for (const { kind, name, unreadable } of all)
          if (unreadable !== undefined)
            output.note(
              `${kind} ${name} is not gone by: ${unreadable}. Upgrade the nodes, or apply it again as they know it.`,
            );
      });
    });
}

function getCommand(): Command {
  return withTenantOption(
    new Command("get")
      .summary("show a document")
      .description(
        "Shows a document as YAML that `toolgate access apply` takes. Hashes of secrets are left out, and stay as they are when it is applied.",
      )
      .argument("<kind>", "its kind")
      .argument("<name>", "its name")
      .option("--revision <n>", "As it was at this revision.", integer(1, Number.MAX_SAFE_INTEGER)),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  toolgate access get role reader\n  toolgate access get role reader --revision 12 --json | jq .body",
    )
    .action(
      async (kind: string, name: string, flags: TenantFlags & { readonly revision?: number }, command: Command) => {
        await withClient(command, async (client, { output, signal }) => {
          const { revision } = flags;
          const document = await output.withProgress("Reading the document", () =>
            client.documents.get(
              { ...tenantOf(flags), kind, name },
              { signal, ...(revision === undefined ? {} : { revision }) },
            ),
          );
          if (output.json) return output.jsonData(document);
          const { writeDocuments } = await import("./document-files.js");
          output.text(await writeDocuments([document]));
        });
      },
    );
}

interface ApplyFlags extends ChangeFlags {
  readonly file?: readonly string[];
}

function applyCommand(): Command {
  return withFileOption(
    withChangeOptions(
      new Command("apply")
        .summary("apply documents from files")
        .description(
          "Makes documents what YAML or JSON files say, all or none: shows the plan, and then applies just that. What the files do " +
            "not name stays as it is.",
        ),
    ),
  )
    .addHelpText(
      "after",
      `
A document is { kind, name, tenant?, spec }; a file may have several,
separated by ---. Where somebody changes one of them between the plan and its
application, nothing is applied.

Examples:
  toolgate access apply -f reader.yaml --reason "readers for the night shift"
  toolgate access apply -f policies/ --dry-run
  toolgate access export | toolgate access apply -f - --context staging`,
    )
    .action(async ({ file, ...flags }: ApplyFlags, command: Command) => {
      await plan(command, file, flags, flags.dryRun !== true);
    });
}

function diffCommand(): Command {
  return withFileOption(
    withTenantOption(
      new Command("diff")
        .summary("show what apply would change")
        .description(
          "Shows what `toolgate access apply` would change: places as JSON pointers, never what stands there.",
        ),
    ),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access diff -f policies/")
    .action(async ({ file, ...flags }: ApplyFlags, command: Command) => {
      await plan(command, file, flags, false);
    });
}

function withFileOption(command: Command): Command {
  return command.option("-f, --file <path>", "A file, a folder, or - for standard input. Repeat it.", words);
}

/** Shows what files would change, and changes that. */
async function plan(
  command: Command,
  paths: readonly string[] | undefined,
  flags: ChangeFlags,
  apply: boolean,
): Promise<void> {
  if (paths === undefined) throw new UsageError("No file is given.", "Pass -f with a file, a folder, or -.");
  const { readDocumentFiles } = await import("./document-files.js");
  const filed = await readDocumentFiles(paths);
  if (filed.length === 0)
    throw new UsageError("There is no document in what was given.", "Look at toolgate access apply --help.");
  if (filed.length > MAX_CHANGES) {
    throw new UsageError(`There are ${filed.length} documents.`, `Apply at most ${MAX_CHANGES} at once.`);
  }
  const { reason = "", force = false } = flags;
  const wanted: DocumentChange[] = filed.map(({ place: _, ...document }) => ({ ...tenantOf(flags), ...document }));
  await withClient(command, async (client, { output, signal }) => {
    const planned = await output.withProgress("Comparing", () =>
      client.documents.apply(wanted, { reason, force, dryRun: true, signal }),
    );
    if (!output.json) printOutcomes(planned, output);
    const isChange = planned.outcomes.some(({ outcome }) => outcome !== "unchanged");
    if (!apply || !isChange) {
      if (output.json) return output.jsonData({ ...planned, dryRun: true });
      printFindings(planned, output);
      output.note(isChange ? "Nothing was changed: this was a dry run." : "Everything is so already.");
      return;
    }
    const changes = wanted.map((each, index) => {
      const revision = planned.outcomes[index]?.revision;
      return revision === undefined ? each : { ...each, expectRevision: revision };
    });
    const applied = await output.withProgress("Applying", () =>
      client.documents.apply(changes, { reason, force, signal }),
    );
    if (output.json) return output.jsonData({ ...applied, dryRun: false });
    printFindings(applied, output);
    output.text(`Applied as revision ${applied.revision}.`);
  });
}

function historyCommand(): Command {
  return withTenantOption(
    new Command("history")
      .summary("list a document's revisions")
      .description("Lists a document's revisions, newest first: when, by whom and why.")
      .argument("<kind>", "its kind")
      .argument("<name>", "its name"),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access history role reader")
    .action(async (kind: string, name: string, flags: TenantFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const revisions = await output.withProgress("Reading revisions", () =>
          client.documents.revisions({ ...tenantOf(flags), kind, name }, { signal }),
        );
        if (output.json) return output.jsonData(revisions);
        output.table(
          [
            { header: "REVISION", align: "right" },
            { header: "WRITTEN" },
            { header: "BY", flexible: true },
            { header: "REASON", flexible: true },
          ],
          revisions.map(({ revision, writtenAt, author, reason, removed }) => [
            String(revision),
            minute(writtenAt),
            author,
            removed ? `(removed) ${reason}` : reason,
          ]),
        );
      });
    });
}

function rollbackCommand(): Command {
  return withChangeOptions(
    new Command("rollback")
      .summary("make a document what it was")
      .description(
        "Makes a document what it was at a revision, to the byte, as a new revision. Keys and passwords that have ended since do not come back.",
      )
      .argument("<kind>", "its kind")
      .argument("<name>", "its name")
      .requiredOption("--to <revision>", "The revision, as history shows it.", integer(1, Number.MAX_SAFE_INTEGER)),
  )
    .addHelpText("after", "\nExamples:\n  toolgate access rollback role reader --to 12")
    .action(async (kind: string, name: string, flags: ChangeFlags & { readonly to: number }, command: Command) => {
      await withClient(command, (client, { output, signal }) =>
        change(client, [{ ...tenantOf(flags), kind, name, restore: flags.to }], flags, output, { signal }),
      );
    });
}

function removeCommand(): Command {
  return withChangeOptions(
    new Command("remove")
      .summary("remove a document")
      .description("Removes a document; its history stays, so that it can be brought back by rollback.")
      .argument("<kind>", "its kind")
      .argument("<name>", "its name"),
  )
    .addHelpText("after", '\nExamples:\n  toolgate access remove role reader --reason "no night shift any more"')
    .action(async (kind: string, name: string, flags: ChangeFlags, command: Command) => {
      await withClient(command, (client, { output, signal }) =>
        change(client, [{ ...tenantOf(flags), kind, name, remove: true }], flags, output, { signal }),
      );
    });
}

function exportCommand(): Command {
  return withTenantOption(
    new Command("export")
      .summary("write documents as YAML")
      .description(
        "Writes a tenant's documents as YAML that `toolgate access apply` takes: to standard output, or a file for each into a folder. " +
          "Keys, people and sessions are left out: without their secrets, which nothing shows, no other registry can have them.",
      )
      .argument("[kind]", "only this kind")
      .option("-o, --output <folder>", "The folder; it is made where there is none."),
  )
    .addHelpText(
      "after",
      "\nExamples:\n  toolgate access export > access.yaml\n  toolgate access export role -o policies/",
    )
    .action(async (kind: string | undefined, flags: TenantFlags & { readonly output?: string }, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const found = await output.withProgress("Reading documents", () =>
          collect(client, { ...tenantOf(flags), ...(kind === undefined ? {} : { kind }), signal }),
        );
        const documents = found.filter((one) => !WITH_SECRETS.includes(one.kind));
        if (output.json)
          return output.jsonData(documents.map(({ tenant, kind, name, body }) => ({ kind, tenant, name, spec: body })));
        const { writeDocuments } = await import("./document-files.js");
        const { output: folder } = flags;
        if (folder === undefined) return output.text(await writeDocuments(documents));
        await mkdir(folder, { recursive: true });
        for (const one of documents) {
          // Names are letters, digits, dots, underscores and dashes; anything else that a later version may allow is no path here.
          const file = `${one.kind}-${one.name}`.replaceAll(/[^A-Za-z0-9._-]/g, "_");
          await writeFile(join(folder, `${file}.yaml`), await writeDocuments([one]));
        }
        output.text(`${documents.length} documents are in ${folder}.`);
      });
    });
}

async function collect(
  client: Toolgate,
  options: Parameters<Toolgate["documents"]["list"]>[0],
): Promise<ConfiguredDocument[]> {
  const all: ConfiguredDocument[] = [];
  for await (const document of client.documents.list(options)) all.push(document);
  return all;
}

function minute(at: Date): string {
  return at.toISOString().slice(0, 16).replace("T", " ");
}
