import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";

const UNIT = readFileSync(join(PACKAGE_ROOT, "deploy/systemd/toolgate.service"), "utf8");
const valuesOf = (key: string): string[] =>
  UNIT.split("\n").flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
const run = (args: readonly string[]) => spawnSync("systemd-analyze", args, { encoding: "utf8" });
const hasSystemd = run(["--version"]).status === 0;

/** The unit, with a program that is here. */
function unitFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "toolgate-unit-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "toolgate.service");
  writeFileSync(file, UNIT.replace("/usr/local/bin/toolgate", process.execPath));
  return file;
}

test("a node starts with what the unit tells it, and drains before it is killed", () => {
  const env = Object.fromEntries(valuesOf("Environment").map((line) => line.split(/=(.*)/, 2) as [string, string]));
  const secrets = valuesOf("LoadCredential").map((line) => line.split(":")[0]);
  expect(env.REDIS_URL).toBe(`file:%d/${secrets[0]}`);
  expect(env.TOOLGATE_BOOTSTRAP_KEY_FILE).toBe(`%d/${secrets[1]}`);
  const { MALLOC_MMAP_THRESHOLD_: _, ...settings } = env;
  const { drainGraceMs } = parseConfig({ env: { ...settings, REDIS_URL: "redis://127.0.0.1" } });
  expect(Number(valuesOf("TimeoutStopSec")[0]) * 1_000).toBeGreaterThan(drainGraceMs);
});

test.skipIf(!hasSystemd)("systemd understands all of the unit (needs systemd-analyze)", () => {
  const { status, stdout, stderr } = run(["verify", "--man=no", unitFile()]);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
});

test.skipIf(!hasSystemd)("the unit leaves a node little of the machine (needs systemd-analyze)", () => {
  // Of 100, in tenths of what `systemd-analyze security` shows: 20 is "OK", an unconfined service has 96.
  const { status, stdout } = run(["security", "--offline=yes", "--no-pager", "--threshold=15", unitFile()]);
  expect({ status, last: stdout.trim().split("\n").at(-1) }).toEqual({
    status: 0,
    last: expect.stringContaining("OK"),
  });
});
