import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "../../src/observe/logger.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-log-"));
  path = join(folder, "node.log");
});
afterEach(() => rm(folder, { recursive: true }));

const numbersIn = async (file: string): Promise<number[]> =>
  (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).number as number);

test("lines go to the file too, behind what it had, and are all there when the logger has stopped", async () => {
  await writeFile(path, '{"number":0}\n');
  const lines: string[] = [];
  const to = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ level: "info", to, file: { path, maxBytes: 1_000_000, kept: 2 } });
  for (let number = 1; number <= 100; number++) log.info({ event: "line", number });
  await log.stop();
  expect(await numbersIn(path)).toEqual(Array.from({ length: 101 }, (_, number) => number));
  expect(lines).toHaveLength(100);
});

test("a full file is put aside, as many as are to be kept stay, and no line of theirs is lost or torn", async () => {
  const to = { write: () => {} };
  const log = createLogger({ level: "info", to, file: { path, maxBytes: 2_000, kept: 3 } });
  let number = 0;
  await until("files were put aside, and the oldest went", async () => {
    for (let i = 0; i < 10; i++) log.info({ event: "line", number: number++ });
    return number > 400 && (await readdir(folder)).length >= 4;
  });
  await log.stop();
  expect((await readdir(folder)).toSorted()).toEqual(["node.log", "node.log.1", "node.log.2", "node.log.3"]);
  const kept = (await Promise.all([".3", ".2", ".1", ""].map((suffix) => numbersIn(path + suffix)))).flat();
  expect(kept.at(-1)).toBe(number - 1);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, place) => number - kept.length + place));
  expect((await stat(path)).mode & 0o777).toBe(0o640);
});

test("a file that cannot be written to is a wrong setting", () => {
  expect(() => createLogger({ level: "info", file: { path: folder, maxBytes: 1, kept: 1 } })).toThrow(
    /TOOLGATE_LOG_FILE.*cannot write to .* \(EISDIR\)/,
  );
});
