import { Command } from "commander";
import { UsageError } from "../output/failure.js";
import { words } from "./option-values.js";
import { inSession, withJsonOption } from "./session.js";

interface TestFlags {
  readonly file?: readonly string[];
}

/** `toolgate policy`: roles, tried without a registry. */
export function policyCommand(): Command {
  return new Command("policy")
    .description("Tries roles without a registry.")
    .addCommand(testCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate policy test -f policies/`,
    );
}

function testCommand(): Command {
  return withJsonOption(
    new Command("test")
      .summary("run the cases that stand beside roles")
      .description(
        "Runs the cases that roles in YAML or JSON files have as `tests`, each for a principal that has this role alone, by the code " +
          "that decides on calls. Shares in the files count. Nothing is connected.",
      )
      .option(
        "-f, --file <path>",
        "A file, a folder, or - for standard input; this folder when absent. Repeat it.",
        words,
      ),
  )
    .addHelpText(
      "after",
      `
Exit status: 0 where every case decides as it expects, 4 where one does not.

Examples:
  toolgate policy test -f policies/
  toolgate policy test -f reader.yaml --json`,
    )
    .action(async ({ file = ["."] }: TestFlags, command: Command) => {
      await inSession(command, async ({ output }) => {
        const [{ readDocumentFiles }, { testRoles }] = await Promise.all([
          import("./access/document-files.js"),
          import("./access/test-roles.js"),
        ]);
        const results = testRoles(await readDocumentFiles(file));
        const failed = results.filter(({ passed }) => !passed);
        if (output.json) output.jsonData({ cases: results.length, failed: failed.length, results });
        else {
          for (const { tenant, role, path, expected, actual, rule, passed } of results) {
            const word = passed ? output.paint.good("ok  ") : output.paint.bad("FAIL");
            const why = rule === undefined ? "no rule allows it" : `by ${rule}`;
            output.text(
              `${word}  ${tenant}/${role} ${path}: ${passed ? actual : `expected ${expected}, got ${actual}`}, ${why}`,
            );
          }
          output.text(`${results.length} cases, ${failed.length} failed.`);
        }
        if (results.length === 0)
          throw new UsageError("No role in these files has tests.", "Give a role tests; see docs/access.md.");
        if (failed.length > 0) process.exitCode = 4;
      });
    });
}
