import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { neededCommands, optionalCommands } from "../../src/redis/access.js";

const BASE = neededCommands({ cluster: false, replicated: false });
const PAGE = readFileSync("docs/redis-acl.md", "utf8");

/** What scripts run, by the Lua in the sources: `xgroup|create`. */
function scriptCommands(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const file of readdirSync("src", { recursive: true, encoding: "utf8" })) {
    if (!/\.(?:ts|lua)$/.test(file)) continue;
    const text = readFileSync(`src/${file}`, "utf8");
    for (const [, command = "", second] of text.matchAll(
      /(?:redis\.p?call|on_due|in_group)\((?:line, )?'([A-Z]+)'(?:, '([A-Z]+)')?/g,
    )) {
      const container = ["XGROUP", "XINFO", "MEMORY"].includes(command);
      found.add((container ? `${command}|${second}` : command).toLowerCase());
    }
  }
  return found;
}

describe("what a node must be allowed", () => {
  test("has every command of every script", () => {
    const optional = new Set(optionalCommands());
    expect([...scriptCommands()].filter((command) => !BASE.includes(command) && !optional.has(command))).toEqual([]);
  });

  test("is what the page says, and no more", () => {
    const line = /^ACL SETUSER .*$/m.exec(PAGE)?.[0] ?? "";
    const rules = [...line.matchAll(/\+([a-z|]+)/g)].map(([, command]) => command);
    expect(rules.toSorted()).toEqual([...BASE].sort());
    const rest = neededCommands({ cluster: true, replicated: true }).filter((command) => !BASE.includes(command));
    const plain = PAGE.replaceAll("\\|", "|");
    for (const command of [...rest, ...optionalCommands()]) expect(plain).toContain(`+${command}`);
  });
});

test("scripts notify by `publish` alone, which undoes nothing", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((file) => /\.(?:ts|lua)$/.test(file));
  const publishing = files.filter((file) => /redis\.p?call\('S?PUBLISH'/.test(readFileSync(`src/${file}`, "utf8")));
  expect(publishing).toEqual(["redis/notify.lua"]);
});
