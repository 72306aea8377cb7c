import { readFileSync } from "node:fs";

/**
 * Reads Lua that scripts share, from a file beside the module that it belongs to; the build copies it there.
 *
 * @param module the module's `import.meta.url`
 * @param constants values of the module that the file has too, as names in capitals. Each becomes a literal in its places: a local would
 *   cost every execution of every script that has it.
 * @throws TypeError when the file has no such name.
 */
export function readLua(
  module: string,
  file: string,
  constants: Readonly<Record<string, string | number>> = {},
): string {
  const lua = readFileSync(new URL(file, module), "utf8");
  const names = Object.keys(constants);
  if (names.length === 0) return lua;
  const missing = new Set(names);
  // In one pass: what a literal says is not looked at again.
  const made = lua.replace(new RegExp(`\\b(?:${names.join("|")})\\b`, "g"), (name) => {
    missing.delete(name);
    return luaLiteral(constants[name] ?? name);
  });
  if (missing.size > 0) throw new TypeError(`${file} has no ${[...missing].join(", ")}`);
  return made;
}

/** A value as Lua writes it. @throws RangeError for a number that Lua has no word for. */
export function luaLiteral(value: string | number): string {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new RangeError(`Lua has no literal for ${value}`);
    return String(value);
  }
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
}
