import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.js";
import { type ConsumerProject, consumerProject } from "../support/packages.js";
import { privateRedis, type TestRedis } from "../support/redis.js";

/**
 * The blocks of the pages about the SDK, each a file of a project that has installed the packages: compiled together, then run.
 */

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const BLOCK = /^```ts\n\/\/ (\S+)\n([\s\S]*?)^```$/gm;
/** Compilers are slow where the machine is busy. */
const TIMEOUT_MS = 300_000;
const run = promisify(execFile);

let redis: TestRedis;
let cluster: Cluster;
let project: ConsumerProject;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ nodes: 1, redis });
  project = await consumerProject(["zod", "@types/node"]);
}, TIMEOUT_MS);
afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
  await project?.remove();
});

/** Compiles the blocks of a page that are files, in a folder of their own in the project. */
async function compilePage(page: string): Promise<string> {
  const folder = join(project.folder, page.replace(/\W/g, "-"));
  await mkdir(folder);
  const files: string[] = [];
  for (const [, name = "", code = ""] of (await readFile(join(ROOT, page), "utf8")).matchAll(BLOCK)) {
    await writeFile(join(folder, name), code.replaceAll("127.0.0.1:7400", cluster.nodes));
    files.push(name);
  }
  const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  const settings = ["--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--module", "nodenext"];
  const compiled = await run(process.execPath, [tsc, ...settings, "--types", "node", "--skipLibCheck", ...files], {
    cwd: folder,
  }).catch((error: { stdout: string }) => error);
  expect(compiled.stdout).toBe("");
  return folder;
}

/** What the agent prints while the provider serves; the provider stops when it is told. */
async function runAgent(folder: string, providerFile: string): Promise<string[]> {
  const provider = spawn(process.execPath, [providerFile], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(provider, "exit");
  try {
    const [said] = (await Promise.race([once(provider.stdout, "data"), ended])) as [unknown];
    expect(String(said)).toBe("serving\n");
    const agent = await run(process.execPath, ["agent.js"], { cwd: folder });
    return agent.stdout.trim().split("\n");
  } finally {
    provider.kill("SIGTERM");
    await ended;
  }
}

test("the blocks of docs/sdk.md compile, and do what the page says", { timeout: TIMEOUT_MS }, async () => {
  const folder = await compilePage("docs/sdk.md");
  expect(await runAgent(folder, "serve.js")).toEqual([
    "3",
    "taking a root",
    "1.414",
    "1",
    "2",
    "counted to 2",
    "PAYLOAD_REFUSED yes",
  ]);
  const tests = await run(process.execPath, ["--test", "math.test.js"], { cwd: folder });
  expect(tests.stdout).toMatch(/pass 1\b/);
});

test("the provider and the agent of the SDK's README compile and run", { timeout: TIMEOUT_MS }, async () => {
  expect(await runAgent(await compilePage("packages/sdk/README.md"), "provider.js")).toEqual(["3"]);
});
