import type { Script } from "../../src/redis/script.js";
import { analyse } from "./analyse.js";

/** What is wrong with the scripts, a line each: `ADMIT, line 7: lenght is not defined: local n = lenght(call)`. */
export function lintScripts(scripts: readonly Pick<Script, "name" | "lua">[]): string[] {
  const found: string[] = [];
  const usedByAny = new Map<string, boolean>();
  for (const { name, lua } of scripts) {
    const lines = lua.split("\n");
    const { findings, topLevel } = analyse(lua);
    for (const { line, text } of findings) found.push(`${name}, line ${line}: ${text}: ${lines[line - 1]?.trim()}`);
    for (const [local, used] of topLevel) usedByAny.set(local, used || (usedByAny.get(local) ?? false));
  }
  for (const [local, used] of usedByAny) if (!used) found.push(`${local} is used by no script`);
  return found;
}
