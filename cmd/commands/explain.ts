import { Command } from "commander";
import type { Explanation } from "../../src/index.js";
import type { Output } from "../output/output.js";
import { wrap } from "../output/text-width.js";
import { words } from "./option-values.js";
import { payloadBytes } from "./payload-bytes.js";
import { withClient, withClientOptions } from "./session.js";

interface ExplainFlags {
  readonly as?: string;
  readonly role?: readonly string[];
  readonly file?: string;
}

/** What is said of the call, as the exit status: for scripts that decide by it. */
const STATUS: Readonly<Record<Explanation["outcome"], number>> = { ready: 0, retry: 10, operator: 11, unknown: 12 };
const MARKS = { passed: "good", failed: "bad", skipped: "dim" } as const;
const INDENT = 8;

/** `toolgate explain`: what would become of a request. */
export function explainCommand(): Command {
  return new Command("explain")
    .description("Says what would become of a request, and what mends it. Nothing is called.")
    .addCommand(callCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate explain call files read_text_file`,
    );
}

function callCommand(): Command {
  return withClientOptions(
    new Command("call")
      .summary("say whether a call would be admitted")
      .description(
        "Says whether a call would be admitted, by the code that admits calls: each thing that it has to pass, the first that it does " +
          "not, and what mends that. Whether others may call needs the verb administer.",
      )
      .argument("<toolset>", "the toolset's name")
      .argument("<tool>", "the tool's name")
      .argument(
        "[payload...]",
        "JSON, pairs, @file, or - for stdin, as toolgate call takes; left out where there is none",
      )
      .option(
        "--as <principal>",
        "For whom: an id of your tenant, or tenant/id; yourself when absent. Toolsets are named as the principal names them.",
      )
      .option("--role <name>", "Roles to ask for instead of the principal's; repeat it for several.", words),
  )
    .addHelpText(
      "after",
      `
Exit status: 0 where the call would be admitted, 10 where it may be later by
itself, 11 where somebody has to change something, 12 where what was asked about
does not exist or may not be seen; others as for every command.

Examples:
  toolgate explain call files read_text_file
  toolgate explain call files read_text_file path=/etc/passwd --as ci
  toolgate explain call default/text slugify --as acme/robot --json`,
    )
    .action(async (toolset: string, tool: string, given: string[], flags: ExplainFlags, command: Command) => {
      const explanation = await withClient(command, async (client, { output, signal }) => {
        const { readPayload } = await import("./payload.js");
        const payload = given.length === 0 ? undefined : await readPayload({ words: given, file: undefined }, output);
        const value =
          payload === undefined ? undefined : await payloadBytes(payload, client, toolset, tool, { output, signal });
        const found = await output.withProgress("Asking", () =>
          client.access.explain(toolset, tool, {
            ...(flags.as === undefined ? {} : { principal: flags.as }),
            ...(flags.role === undefined ? {} : { roles: flags.role }),
            ...(value === undefined ? {} : { payload: value }),
            signal,
          }),
        );
        if (output.json) output.jsonData({ toolset, tool, ...found });
        else print(output, `${toolset}/${tool}`, found);
        return found;
      });
      process.exitCode = STATUS[explanation.outcome] ?? STATUS.operator;
    });
}

function print(output: Output, tool: string, { gates, outcome }: Explanation): void {
  for (const { gate, verdict, detail, remedy, reason } of gates) {
    const word = output.paint[MARKS[verdict] ?? "dim"](verdict.padEnd(INDENT));
    output.text(`${word}${gate}${detail === "" ? "" : `: ${detail}`}${reason === "" ? "" : ` (${reason})`}`);
    if (remedy === "") continue;
    for (const line of wrap(remedy, (output.width ?? 100) - INDENT)) output.text(`${" ".repeat(INDENT)}${line}`);
  }
  output.text(`${tool}: ${OUTCOMES[outcome] ?? outcome}`);
}

const OUTCOMES: Readonly<Record<Explanation["outcome"], string>> = {
  ready: "it would be admitted.",
  retry: "not now; it may be later, by itself.",
  operator: "not until somebody changes something.",
  unknown: "there is no such tool, or it may not be seen.",
};
