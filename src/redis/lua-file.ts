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
  let lua = readFileSync(new URL(file, module), "utf8");
  for (const [name, value] of Object.entries(constants)) {
    const place = new RegExp(`\\b${name}\\b`, "g");
    if (!place.test(lua)) throw new TypeError(`${file} has no ${name}`);
    lua = lua.replace(place, () => luaLiteral(value));
  }
  return lua;
}

/** A value as Lua writes it. */
export function luaLiteral(value: string | number): string {
  if (typeof value === "number") return String(value);
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'").replaceAll("\n", "\\n")}'`;
}
