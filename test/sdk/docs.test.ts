import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.js";
import { privateRedis, type TestRedis } from "../support/redis.js";

/** The blocks of docs/sdk.md, each a file of a project of its own: compiled together, then run. */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BLOCK = /^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm;
/** Compilers are slow where the machine is busy. */
const TIMEOUT_MS = 300_000;
const run = promisify(execFile);

let redis: TestRedis;
let cluster: Cluster;
let folder: string;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ nodes: 1, redis });
  folder = await mkdtemp(join(tmpdir(), "toolgate-docs-"));
  await mkdir(join(folder, "node_modules", "@types"), { recursive: true });
  await symlink(ROOT, join(folder, "node_modules", "toolgate"));
  for (const name of ["zod", "@types/node"]) {
    await symlink(join(ROOT, "node_modules", name), join(folder, "node_modules", name));
  }
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const page = await readFile(join(ROOT, "docs/sdk.md"), "utf8");
  for (const [, name = "", code = ""] of page.matchAll(BLOCK)) {
    await writeFile(join(folder, name), code.replaceAll("127.0.0.1:7400", cluster.nodes));
  }
});
afterAll(async () => {
  await cluster.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

test("the blocks of docs/sdk.md compile, and do what the page says", { timeout: TIMEOUT_MS }, async () => {
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  const settings = ["--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--module", "nodenext"];
  const files = ["serve.ts", "agent.ts", "math.test.ts"];
  const compiled = await run(process.execPath, [tsc, ...settings, "--types", "node", "--skipLibCheck", ...files], {
    cwd: folder,
  }).catch((error: { stdout: string }) => error);
  expect(compiled.stdout).toBe("");

  const provider = spawn(process.execPath, ["serve.js"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(provider, "exit");
  try {
    const [said] = (await Promise.race([once(provider.stdout, "data"), ended])) as [unknown];
    expect(String(said)).toBe("serving\n");
    const agent = await run(process.execPath, ["agent.js"], { cwd: folder });
    expect(agent.stdout.trim().split("\n")).toEqual([
      "3",
      "taking a root",
      "1.414",
      "1",
      "2",
      "counted to 2",
      "PAYLOAD_REFUSED yes",
    ]);
  } finally {
    provider.kill("SIGTERM");
    await ended;
  }
  const tests = await run(process.execPath, ["--test", "math.test.js"], { cwd: folder });
  expect(tests.stdout).toMatch(/pass 1\b/);
});
