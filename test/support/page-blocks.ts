import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";

/** A fenced block of a page. */
export interface PageBlock {
  /** What stands behind the fence: `sh`, `console`, `ts`, …; empty where it does not say. */
  readonly language: string;
  /** The name in a comment before it, `<!-- run: NAME -->`. */
  readonly name: string | undefined;
  readonly text: string;
}

const BLOCK = /(?:^<!-- run: (.+) -->\n)?^```([a-z]*)\n([\s\S]*?)^```$/gm;

/** The fenced blocks of a page, whose path is below the root of the repository. */
export function blocksOf(page: string): PageBlock[] {
  const text = readFileSync(join(PACKAGE_ROOT, page), "utf8");
  return [...text.matchAll(BLOCK)].map(([, name, language = "", block = ""]) => ({ language, name, text: block }));
}

/** The commands that stand behind `<!-- run: NAME -->`. */
export function namedCommands(page: string, name: string): string {
  const block = blocksOf(page).find((one) => one.name === name);
  if (block === undefined) throw new Error(`${page} has no commands named ${name}`);
  return block.text;
}

/** The commands of a block, one each; those that go on in the next line are whole. Comments are left out. */
export function commandsIn(text: string): string[] {
  const commands: string[] = [];
  let open = "";
  for (const whole of text.split("\n")) {
    const line = whole.replace(/(^|\s+)# .*$/, "");
    open += open === "" ? line : `\n${line}`;
    const quotes = open.match(/(?<!\\)["']/g) ?? [];
    if (line.endsWith("\\") || quotes.length % 2 === 1) continue;
    if (open.trim() !== "") commands.push(open.trim());
    open = "";
  }
  return commands;
}
