import { Command } from "commander";
import type { JsonSchema, Tool, Toolset } from "../../src/index.js";
import { age, minute } from "../output/age.js";
import { healthCell, STALE_NOTE } from "../output/health-cell.js";
import { jsonText } from "../output/json.js";
import type { Output } from "../output/output.js";
import { summarize } from "../output/schema-summary.js";
import { table } from "../output/table.js";
import { oneLine, wrap } from "../output/text-width.js";
import { findTool } from "./find-tool.js";
import { epoch as epochValue } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface GetFlags {
  readonly tool?: string;
  readonly epoch?: number;
}

/** People do not read lines that are longer, however wide the terminal is. */
const TEXT_COLUMNS = 100;

/** `toolgate get`: one toolset, or one of its tools, whole. */
export function getCommand(): Command {
  return withClientOptions(
    new Command("get")
      .description("Shows one toolset: its epochs and their health, and its tools with what they take and give.")
      .argument("<toolset>", "the toolset's name")
      .option("--tool <name>", "Only this tool, with its schemas in full.")
      .option("--epoch <n>", "The contract of this epoch instead of the active one.", epochValue),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate get files
  toolgate get files --tool read_text_file
  toolgate get files --json | jq -r '.digest'`,
    )
    .action(async (name: string, { tool, epoch }: GetFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const toolset = await output.withProgress(`Getting ${name}`, () =>
          client.get(name, { signal, ...(epoch === undefined ? {} : { epoch }) }),
        );
        if (tool === undefined) {
          if (output.json) return output.jsonData(toolset);
          printToolset(output, toolset);
        } else {
          const found = findTool({ ...toolset, name }, tool); // as it was asked for: of another tenant, with that
          if (output.json) return output.jsonData(found);
          printTool(output, found, "full");
        }
        if (toolset.stale) output.note(STALE_NOTE);
      });
    });
}

/** A toolset whole, for people. */
export function printToolset(output: Output, toolset: Toolset): void {
  const { paint } = output;
  const now = Date.now(); // how long ago a pong was: for people, whose clock is about right
  const { name, version, title, description, tags, digest, assertFormats, epochs, tools } = toolset;
  const lines = [`${paint.bold(oneLine(name))} ${oneLine(version)}${title === "" ? "" : `: ${oneLine(title)}`}`];
  if (description !== "") lines.push(...indent(wrap(description, columns(output) - 2)));
  if (tags.length > 0) lines.push(`  tags: ${tags.map(oneLine).join(", ")}`);
  lines.push(`  digest: ${digest}`);
  if (assertFormats) lines.push("  formats: asserted");
  output.text(lines.join("\n"));
  output.text("");
  output.table(
    [
      { header: "EPOCH" },
      { header: "VERSION" },
      { header: "STATE" },
      { header: "HEALTH" },
      { header: "ROOM", align: "right" },
      { header: "PONG" },
      { header: "REGISTERED" },
    ],
    epochs.map(({ epoch, version: ofEpoch, state, health, registeredAt }) => [
      String(epoch),
      ofEpoch,
      state,
      healthCell(health.healthy),
      String(health.room),
      health.lastPong === undefined ? "never" : age(now - health.lastPong.getTime()),
      minute(registeredAt),
    ]),
  );
  for (const tool of tools) {
    output.text("");
    printTool(output, tool, "brief");
  }
}

function printTool(output: Output, tool: Tool, detail: "brief" | "full"): void {
  const { paint } = output;
  const facts = [
    tool.delivery,
    ...hints(tool),
    ...(tool.timeoutMs === undefined ? [] : [`at most ${tool.timeoutMs} ms`]),
  ];
  const title = tool.title === "" ? "" : `: ${oneLine(tool.title)}`;
  const lines = [`${paint.bold(oneLine(tool.name))}${title} ${paint.dim(`(${facts.join(", ")})`)}`];
  if (tool.description !== "") {
    const text = wrap(tool.description, columns(output) - 2);
    lines.push(...indent(detail === "full" || text.length <= 3 ? text : [...text.slice(0, 3), "…"]));
  }
  if (tool.tags.length > 0) lines.push(`  tags: ${tool.tags.map(oneLine).join(", ")}`);
  output.text(lines.join("\n"));
  printSchema(output, "takes", tool.payload, detail);
  printSchema(output, "gives", tool.result ?? true, detail);
  if (detail === "full" && tool.meta !== undefined) {
    output.text(["  further:", ...indent(jsonText(tool.meta).split("\n"), 4)].join("\n"));
  }
}

function printSchema(output: Output, verb: string, schema: JsonSchema, detail: "brief" | "full"): void {
  const { type, properties } = summarize(schema);
  if (detail === "full") {
    output.text([`  ${verb}:`, ...indent(jsonText(schema).split("\n"), 4)].join("\n"));
    return;
  }
  if (properties.length === 0) {
    output.text(`  ${verb}: ${type === "object" ? "an object" : type}`);
    return;
  }
  const rows = properties.map((property) => [
    `${property.name}${property.required ? "" : "?"}`,
    property.type,
    property.description,
  ]);
  const width = output.width === undefined ? undefined : output.width - 4;
  const text = table(
    [
      { header: `${verb}:`, flexible: true },
      { header: "", flexible: true },
      { header: "", flexible: true },
    ],
    rows,
    width,
    output.paint,
  );
  output.text(indent(text.trimEnd().split("\n")).join("\n"));
}

function hints({ annotations }: Tool): string[] {
  const words = [
    [annotations.readOnlyHint, "read-only"],
    [annotations.destructiveHint, "destructive"],
    [annotations.idempotentHint, "hinted idempotent"],
    [annotations.openWorldHint, "open world"],
  ] as const;
  return words.flatMap(([value, word]) => (value === true ? [word] : []));
}

function columns(output: Output): number {
  return Math.min(output.width ?? TEXT_COLUMNS, TEXT_COLUMNS);
}

function indent(lines: readonly string[], by = 2): string[] {
  return lines.map((line) => (line === "" ? "" : `${" ".repeat(by)}${line}`));
}
