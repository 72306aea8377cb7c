import { open } from "node:fs/promises";
import { loggable } from "../../src/observe/loggable.js";
import type { SecretValues } from "../../src/observe/secret-values.js";

/** How much is read of the end of each file, in bytes. */
const MOST_BYTES = 4 * 1_048_576;

/** What the logger writes itself. */
const LEVEL = /^[a-z]{1,8}$/;
const TIME = /^\d{4}-[\d:TZ.-]{1,30}$/;

/**
 * The last lines of a node's log file, as the node would write them now: bounded, and without what must not be in a log. Of a line that
 * no node has written nothing is shown.
 *
 * @param path as TOOLGATE_LOG_FILE has it; what was put aside last (`<path>.1`) is read too where there are too few lines in it
 * @throws what the file system throws where the file cannot be read
 */
export async function lastLines(path: string, most: number, secrets: SecretValues): Promise<string> {
  let lines = await linesAtEnd(path);
  if (lines.length < most) lines = [...(await linesAtEnd(`${path}.1`).catch(() => [])), ...lines];
  return lines
    .slice(-most)
    .map((line) => `${JSON.stringify(rewritten(line, secrets))}\n`)
    .join("");
}

async function linesAtEnd(path: string): Promise<string[]> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - MOST_BYTES);
    const bytes = Buffer.alloc(size - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    const lines = bytes.subarray(0, bytesRead).toString().split("\n");
    // The first one may have lost its beginning.
    return lines.slice(from === 0 ? 0 : 1).filter((line) => line !== "");
  } finally {
    await file.close();
  }
}

function rewritten(line: string, secrets: SecretValues): object {
  const read = parsed(line);
  if (read === undefined) return { event: "[unreadable line]", characters: line.length };
  const { level, time, ...fields } = read;
  return {
    ...(typeof level === "string" && LEVEL.test(level) ? { level } : {}),
    ...(typeof time === "string" && TIME.test(time) ? { time } : {}),
    ...loggable(fields, secrets),
  };
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) && "event" in value
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
