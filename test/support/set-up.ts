import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import "./provided.js";

/** Runs once, before all test files: brings the build up to date, and finds where Redis comes from. What it returns runs after them. */
export default async function setUp(project: TestProject): Promise<() => void> {
  const bootstrap = fileURLToPath(new URL("../../tools/bootstrap.mjs", import.meta.url));
  // The build only: where tests run, the dependencies are installed.
  execFileSync(process.execPath, [bootstrap, "refresh"], { stdio: ["ignore", "inherit", "inherit"] });
  const { redisForTests } = await import("./redis-for-tests.js");
  project.provide("redisForTests", await redisForTests());
  const folder = mkdtempSync(join(tmpdir(), "toolgate-test-run-"));
  project.provide("runFolder", folder);
  const { bundledBuild } = await import("./bundled-build.js");
  project.provide("bundledRoot", await bundledBuild(fileURLToPath(new URL("../..", import.meta.url))));
  return () => rmSync(folder, { recursive: true, force: true });
}
