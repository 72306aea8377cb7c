import { Command, InvalidArgumentError } from "commander";
import type { AuditFilter, AuditRecord } from "../../src/index.js";
import { EXIT_CODES } from "../output/exit-codes.js";
import type { Output } from "../output/output.js";
import { oneLine } from "../output/text-width.js";
import { integer } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface FilterFlags extends AuditFilter {
  readonly call?: string;
}

interface QueryFlags extends FilterFlags {
  readonly from?: Date;
  readonly until?: Date;
  readonly limit?: number;
}

/** `toolgate audit`: what was decided and changed, by whom. */
export function auditCommand(): Command {
  return new Command("audit")
    .description(
      "Shows what was decided and changed, by whom: calls and their ends, refusals, changes and logins, without payloads. Needs the verb audit.",
    )
    .addCommand(tailCommand())
    .addCommand(queryCommand())
    .addCommand(verifyCommand())
    .addCommand(exportCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate audit tail
  toolgate audit query --principal ci --outcome refused
  toolgate audit verify`,
    );
}

function withFilter(command: Command): Command {
  return withClientOptions(
    command
      .option("--tenant <name>", "The tenant; your own when absent.")
      .option("--principal <id>", "Only what this one did or wanted.")
      .option("--event <event>", "Only call, end, refusal, change or login.")
      .option("--toolset <name>", "Only about this toolset.")
      .option("--tool <name>", "Only about this tool.")
      .option("--call <id>", "Only about this call.")
      .option("--outcome <outcome>", "Only what was allowed, refused, or ended so."),
  );
}

function withTimes(command: Command): Command {
  return command
    .option(
      "--from <time>",
      "From then on: 2026-01-31T10:00Z, or 2h for two hours ago; the oldest when absent.",
      instant,
    )
    .option("--until <time>", "Until then; now when absent.", instant);
}

function tailCommand(): Command {
  return withFilter(
    new Command("tail")
      .summary("show records as they are written")
      .description("Shows records as they are written, until Ctrl-C. It goes on over lost nodes."),
  )
    .addHelpText("after", "\nExamples:\n  toolgate audit tail\n  toolgate audit tail --event refusal --json")
    .action(async (flags: FilterFlags, command: Command) => {
      await withClient(
        command,
        async (client, { output, signal }) => {
          for await (const record of client.audit.tail({ ...filterOf(flags), signal })) show(record, output);
        },
        { patienceMs: Number.POSITIVE_INFINITY },
      );
    });
}

function queryCommand(): Command {
  return withTimes(
    withFilter(
      new Command("query")
        .summary("show records")
        .description("Shows records, oldest first; the first 1,000 unless --limit says otherwise."),
    ),
  )
    .option("--limit <n>", "The most records.", integer(1, 1_000_000), 1_000)
    .addHelpText(
      "after",
      "\nExamples:\n  toolgate audit query --principal ci --from 2h\n  toolgate audit query --event refusal --json | jq -r .reason",
    )
    .action(async ({ from, until, limit = 1_000, ...flags }: QueryFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        let shown = 0;
        const query = { ...filterOf(flags), ...timesOf({ from, until }), signal };
        for await (const record of client.audit.query(query)) {
          if (shown === limit) return output.note(`There are more than ${limit}: --limit shows more of them.`);
          show(record, output);
          shown += 1;
        }
        if (shown === 0) output.note("There are no such records.");
      });
    });
}

function verifyCommand(): Command {
  return withClientOptions(
    new Command("verify")
      .summary("check that no record was changed")
      .description("Checks that no record was changed, removed or added since it was sealed.")
      .option("--from <time>", "From then on; the oldest when absent.", instant),
  )
    .addHelpText(
      "after",
      `\nExit status: 0 where the audit is whole, ${EXIT_CODES.refused.code} where it is not.\n\nExamples:\n  toolgate audit verify`,
    )
    .action(async ({ from }: Pick<QueryFlags, "from">, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const verdict = await output.withProgress("Checking", () =>
          client.audit.verify({ ...timesOf({ from, until: undefined }), signal }),
        );
        if (output.json) output.jsonData(verdict);
        else {
          for (const { id, message } of verdict.faults)
            output.text(`${output.paint.bad("FAULT")}  ${id}: ${oneLine(message)}`);
          const sealed = verdict.sealedUntil === "" ? "nothing is sealed yet" : `sealed until ${verdict.sealedUntil}`;
          output.text(`${verdict.records} records, ${verdict.faults.length} faults; ${sealed}.`);
        }
        if (verdict.faults.length > 0) process.exitCode = EXIT_CODES.refused.code;
      });
    });
}

function exportCommand(): Command {
  return withTimes(
    withFilter(
      new Command("export")
        .summary("write all records as JSON lines")
        .description("Writes records as JSON, one on a line, oldest first."),
    ),
  )
    .addHelpText("after", "\nExamples:\n  toolgate audit export --from 24h > audit.ndjson")
    .action(async ({ from, until, ...flags }: QueryFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const query = { ...filterOf(flags), ...timesOf({ from, until }), signal };
        for await (const record of client.audit.query(query)) output.jsonData(record);
      });
    });
}

/** One record on a line: when, what, who, on what, and how it came out. */
function show(record: AuditRecord, output: Output): void {
  if (output.json) {
    output.jsonData(record);
    return;
  }
  const { at, event, principal, verb, toolset, tool, outcome, reason, rule, omitted } = record;
  const what = [toolset, tool].filter((part) => part !== "").join("/");
  const style = outcome === "refused" ? output.paint.bad : output.paint.good;
  output.text(
    [
      output.paint.dim(at.toISOString()),
      event.padEnd(7),
      oneLine(principal),
      ...(verb === "" ? [] : [verb]),
      ...(what === "" ? [] : [oneLine(what)]),
      style(outcome),
      ...(reason === "" ? [] : [reason]),
      ...(rule === "" ? [] : [output.paint.dim(oneLine(rule))]),
      ...(omitted === 0 ? [] : [`and ${omitted} like it`]),
    ].join("  "),
  );
}

function filterOf({ tenant, principal, event, toolset, tool, call, outcome }: FilterFlags): AuditFilter {
  const given = { tenant, principal, event, toolset, tool, callId: call, outcome };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as AuditFilter; // the absent ones are left out
}

function timesOf({ from, until }: { readonly from: Date | undefined; readonly until: Date | undefined }) {
  return { ...(from === undefined ? {} : { from }), ...(until === undefined ? {} : { until }) };
}

const AGO = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time: in ISO form, or so long ago. */
function instant(value: string): Date {
  const [, digits, unit] = /^([0-9]{1,6})([mhd])$/.exec(value) ?? [];
  const at =
    digits === undefined ? new Date(value) : new Date(Date.now() - Number(digits) * AGO[unit as keyof typeof AGO]); // the pattern allows only these
  if (Number.isNaN(at.getTime())) {
    throw new InvalidArgumentError("It must be a time such as 2026-01-31T10:00Z, or how long ago: 30m, 2h, 7d.");
  }
  return at;
}
