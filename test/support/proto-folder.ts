import { readdirSync } from "node:fs";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The proto files that other people make their clients from. */
export const protoFolder = fileURLToPath(new URL("../../proto", import.meta.url));

/** The files of the folder that begin with a path, as they are imported. */
export function protoFiles(beginning: string): string[] {
  return readdirSync(protoFolder, { recursive: true, encoding: "utf8" })
    .map((name) => name.split(sep).join("/"))
    .filter((name) => name.startsWith(beginning) && name.endsWith(".proto"))
    .sort();
}
