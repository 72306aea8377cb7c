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
    for (const { name: local, line, used } of topLevel) {
      // What scripts share has the same text in each; another script's local of the same name is another one.
      const definition = `${local} is used by no script: ${lines[line - 1]?.trim()}`;
      usedByAny.set(definition, used || (usedByAny.get(definition) ?? false));
    }
  }
  for (const [definition, used] of usedByAny) if (!used) found.push(definition);
  return found;
}
