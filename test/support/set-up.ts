import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import "./provided.js";

/** Runs once, before all test files: brings the build up to date, and finds where Redis comes from. */
export default async function setUp(project: TestProject): Promise<void> {
  const bootstrap = fileURLToPath(new URL("../../tools/bootstrap.mjs", import.meta.url));
  // The build only: where tests run, the dependencies are installed.
  execFileSync(process.execPath, [bootstrap, "refresh"], { stdio: ["ignore", "inherit", "inherit"] });
  const { redisForTests } = await import("./redis-for-tests.js");
  project.provide("redisForTests", await redisForTests());
}
