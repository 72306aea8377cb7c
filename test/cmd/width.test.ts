import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../cmd/command-line.js";
import { printCalls } from "../../cmd/commands/calls.js";
import { printToolset } from "../../cmd/commands/get.js";
import { printToolsets } from "../../cmd/commands/list.js";
import { Output } from "../../cmd/output/output.js";
import { painter } from "../../cmd/output/paint.js";
import { table } from "../../cmd/output/table.js";
import { textColumns, textWidth } from "../../cmd/output/text-width.js";
import type { CallSummary, Toolset, ToolsetSummary } from "../../src/index.js";

const tooWide = (text: string, columns: number): string[] =>
  text.split("\n").filter((line) => textWidth(line) > columns);

/** The help of every command and of every command's command, by what is typed for it. */
async function helpPages(columns: number): Promise<Map<string, string>> {
  const pages = new Map<string, string>();
  const add = (command: Command, name: string): void => {
    let text = "";
    command.configureOutput({ ...command.configureOutput(), writeOut: (part) => (text += part) });
    command.outputHelp();
    pages.set(name, text);
    for (const inner of command.commands) if (inner.name() !== "help") add(inner, `${name} ${inner.name()}`);
  };
  const program = await buildProgram([], columns);
  const names = program.commands.map((command) => command.name());
  for (const name of names) {
    const built = await buildProgram([name], columns);
    const command = built.commands.find((one) => one.name() === name);
    if (command !== undefined) add(command, `toolgate ${name}`);
  }
  let text = "";
  program.configureOutput({ ...program.configureOutput(), writeOut: (part) => (text += part) });
  program.outputHelp();
  return pages.set("toolgate", text);
}

describe("help", () => {
  test("of every command fits 80 columns, and has an example of that command", async () => {
    const pages = await helpPages(80);
    expect(pages.size).toBeGreaterThan(25);
    for (const [name, text] of pages) {
      expect({ name, tooWide: tooWide(text, 80) }).toEqual({ name, tooWide: [] });
      expect(text.slice(text.indexOf("\nExamples:\n")), name).toMatch(new RegExp(`^  .*${name}\\b`, "m"));
    }
  });

  test("takes the room that a wider terminal has", async () => {
    const narrow = (await helpPages(80)).get("toolgate serve") ?? "";
    const wide = (await helpPages(160)).get("toolgate serve") ?? "";
    expect(wide.split("\n").length).toBeLessThan(narrow.split("\n").length);
    expect(tooWide(wide, 160)).toEqual([]);
  });
});

test("texts are broken to the terminal, else to COLUMNS, else to 80", () => {
  expect(textColumns({ isTTY: true, columns: 132 }, { COLUMNS: "60" })).toBe(132);
  expect(textColumns({}, { COLUMNS: "60" })).toBe(60);
  expect(textColumns({}, {})).toBe(80);
  expect(textColumns({}, { COLUMNS: "x" })).toBe(80);
  expect(textColumns({ isTTY: true, columns: 0 }, {})).toBe(80);
  expect(textColumns({ isTTY: true, columns: 3 }, {})).toBe(40);
});

/** What is shown on a terminal of `columns` columns; in a pipe where none are given. */
function shown(columns: number | undefined, print: (output: Output) => void): string {
  let text = "";
  const stream = {
    ...(columns === undefined ? {} : { isTTY: true, columns }),
    write: (part: string | Uint8Array) => {
      text += String(part);
      return true;
    },
  };
  print(new Output(false, stream, { write: () => true }, { NO_COLOR: "1" }));
  return text;
}

const LONG = "a-name-that-is-as-long-as-names-may-be-".padEnd(128, "x");
const WIDE = "説明が長い".repeat(40);

function toolsetNamed(name: string, description: string): ToolsetSummary {
  return {
    name,
    version: "1.0.0",
    healthy: true,
    toolCount: 12,
    tags: ["one", "two", name],
    title: "",
    description,
    epochs: [],
    stale: false,
  } as unknown as ToolsetSummary; // what a table shows of one
}

function callOf(toolset: string, provider: string): CallSummary {
  const at = new Date(0);
  return {
    callId: `0.${"A".repeat(22)}`,
    toolset,
    tool: toolset,
    epoch: 1,
    digest: "",
    deadline: at,
    expires: at,
    state: "claimed",
    attempt: 1,
    principal: "ada",
    cancelRequested: true,
    warnings: [],
    queuedAt: at,
    readAt: new Date(59_000),
    claim: { provider, node: "n", ends: at },
  };
}

describe("tables", () => {
  test.each([80, 60, 120])("of toolsets and calls fit %i columns, whatever they hold", (columns) => {
    const toolsets = [toolsetNamed("files", "Reads files."), toolsetNamed(LONG, WIDE)];
    const calls = [callOf("files", "p"), callOf(LONG, LONG)];
    expect(
      tooWide(
        shown(columns, (output) => printToolsets(output, toolsets)),
        columns,
      ),
    ).toEqual([]);
    const listed = shown(columns, (output) => printCalls(output, calls));
    expect(tooWide(listed, columns)).toEqual([]);
    // An id of which a part is missing is none.
    expect(listed).toContain(`0.${"A".repeat(22)}`);
  });

  test("of epochs fit 80 columns on a line each", () => {
    const epoch = {
      epoch: 1_767_225_600_000,
      version: "10.0.0",
      state: "candidate",
      health: { healthy: false, room: 10_000, lastPong: new Date() },
      registeredAt: new Date(),
    };
    const toolset = { ...toolsetNamed("files", WIDE), digest: "d".repeat(64), epochs: [epoch], tools: [] };
    const text = shown(80, (output) => printToolset(output, toolset as unknown as Toolset)); // what is shown of one
    expect(tooWide(text, 80).filter((line) => !line.includes("説明"))).toEqual([]);
    expect(text).toMatch(/^1767225600000 +10\.0\.0 +candidate +unhealthy +10000 +0s +\d{4}-\d\d-\d\dT\d\d:\d\dZ$/m);
  });

  test("lose nothing in a pipe", () => {
    const text = shown(undefined, (output) => printCalls(output, [callOf(LONG, LONG)]));
    expect(text).toContain(`${LONG}  ${LONG}`);
    expect(text).not.toContain("…");
  });

  test("that cannot fit are shown as a header and a value on each line, whole", () => {
    const columns = [{ header: "ID" }, { header: "NAME", flexible: true }];
    const rows = [
      ["x".repeat(50), { text: "日本語", style: "good" } as const],
      ["y", "second"],
    ];
    expect(table(columns, rows, 30, painter(false))).toBe(
      `ID    ${"x".repeat(24)}\n      ${"x".repeat(24)}\n      xx\nNAME  日本語\n\nID    y\nNAME  second\n`,
    );
  });
});
