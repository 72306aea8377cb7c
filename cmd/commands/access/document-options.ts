import type { Command } from "commander";
import type { Applied, DocumentChange, RequestOptions, Toolgate } from "../../../src/index.js";
import type { Output } from "../../output/output.js";
import { withClientOptions } from "../session.js";

/** What every command that changes documents takes. */
export interface ChangeFlags {
  readonly tenant?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** Adds --tenant, and what leads to a cluster. */
export function withTenantOption(command: Command): Command {
  return withClientOptions(command.option("--tenant <name>", "The tenant; your own when absent."));
}

/** Adds what a change can be given. */
export function withChangeOptions(command: Command): Command {
  return withTenantOption(
    command
      .option("--reason <text>", "Why, for the history.")
      .option("--dry-run", "Show what would change, and change nothing.")
      .option("--force", "Apply it also where no administrator would be left."),
  );
}

/** The tenant to spread into what is asked; absent where none was named. */
export function tenantOf({ tenant }: { readonly tenant?: string }): { readonly tenant?: string } {
  return tenant === undefined || tenant === "" ? {} : { tenant };
}

/** Changes documents, shows what became of them, and what looks wrong now. */
export async function change(
  client: Toolgate,
  changes: readonly DocumentChange[],
  { reason, dryRun, force }: ChangeFlags,
  output: Output,
  { signal }: RequestOptions,
): Promise<void> {
  const options = {
    ...(reason === undefined ? {} : { reason }),
    ...(dryRun === undefined ? {} : { dryRun }),
    ...(force === undefined ? {} : { force }),
    ...(signal === undefined ? {} : { signal }),
  };
  const applied = await output.withProgress("Applying", () => client.documents.apply(changes, options));
  if (output.json) return output.jsonData({ ...applied, dryRun: dryRun === true });
  printOutcomes(applied, output);
  if (dryRun === true) output.note("Nothing was changed: this was a dry run.");
  printFindings(applied, output);
}

const MARKS = { created: "good", changed: "warn", removed: "bad", unchanged: "dim" } as const;

/** A line for each document, and one for each place that differs. */
export function printOutcomes({ outcomes }: Pick<Applied, "outcomes">, output: Output): void {
  for (const { tenant, kind, name, outcome, differences } of outcomes) {
    const style = MARKS[outcome] ?? "dim";
    output.text(`${output.paint[style](outcome.padEnd(9))}  ${kind} ${tenant}/${name}`);
    if (outcome === "changed") for (const line of differences) output.text(`             ${line}`);
  }
}

/** What is allowed, and probably not meant. */
export function printFindings({ findings }: Pick<Applied, "findings">, output: Output): void {
  for (const { tenant, kind, name, path, message } of findings) {
    output.diagnostic(`warning: ${kind} ${tenant}/${name}${path === "" ? "" : ` ${path}`}: ${message}`);
  }
}
