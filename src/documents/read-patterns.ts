import type { BodyReader } from "./body-reader.js";

const MAX_PATTERNS = 100;
const TOOLSET_PATTERN = /^(?:[a-z0-9*][a-z0-9*-]{0,62}\/)?[a-z0-9*][a-z0-9*._-]{0,127}$/;
const TOOL_PATTERN = /^[A-Za-z0-9_*][A-Za-z0-9_*./-]{0,127}$/;

/** Reads patterns of toolsets; what is faulty is noted at its place. */
export function readToolsetPatterns(reader: BodyReader, value: unknown, place: string): string[] {
  return readPatterns(reader, value, place, TOOLSET_PATTERN, "a toolset's name with stars, or tenant/name");
}

/** Reads patterns of tools; what is faulty is noted at its place. */
export function readToolPatterns(reader: BodyReader, value: unknown, place: string): string[] {
  return readPatterns(reader, value, place, TOOL_PATTERN, "a tool's name with stars");
}

function readPatterns(reader: BodyReader, value: unknown, place: string, form: RegExp, what: string): string[] {
  return reader.list(value, place, { least: 1, most: MAX_PATTERNS }).map(([pattern, at]) => {
    if (typeof pattern === "string" && form.test(pattern)) return pattern;
    reader.add(at, `must be ${what}: it must match ${form.source}`);
    return "";
  });
}
