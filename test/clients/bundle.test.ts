import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { type ConsumerProject, consumerProject } from "../support/packages.js";
import { privateRedis, type TestRedis } from "../support/redis.js";

expectNoLeaks();

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const esbuild = join(root, "node_modules", ".bin", "esbuild");
const program = fileURLToPath(new URL("./fixtures/bundled.mjs", import.meta.url));

let redis: TestRedis;
let cluster: Cluster;
let project: ConsumerProject;
let folder = "";

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 2 });
  project = await consumerProject();
  await copyFile(program, join(project.folder, "program.mjs"));
  folder = await mkdtemp(join(tmpdir(), "toolgate-bundle-"));
});
afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
  await project?.remove();
  await rm(folder, { recursive: true, force: true });
});

/** One file of all that the program needs; the names of what it is made of. */
async function bundle(file: string, more: readonly string[]): Promise<string[]> {
  const metafile = join(folder, "meta.json");
  const shared = ["--bundle", "--platform=node", "--target=node20", "--log-level=error"];
  await run(esbuild, ["program.mjs", ...shared, `--outfile=${join(folder, file)}`, `--metafile=${metafile}`, ...more], {
    cwd: project.folder,
  });
  const { inputs } = JSON.parse(await readFile(metafile, "utf8")) as { inputs: object };
  await rm(metafile);
  return Object.keys(inputs);
}

describe("the SDK in a bundle, in a folder without node_modules", () => {
  // grpc-js is CommonJS, and requires modules of Node's: a module has no `require` unless it makes one.
  const require = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

  test.each([
    ["program.mjs", ["--format=esm", `--banner:js=${require}`]],
    ["program.min.mjs", ["--format=esm", `--banner:js=${require}`, "--minify"]],
    ["program.cjs", ["--format=cjs"]],
  ])("%s serves a toolset and calls it", async (file, more) => {
    const inputs = await bundle(file, more);
    expect(await readdir(folder)).toEqual([file]);
    const { stdout, stderr } = await run(process.execPath, [join(folder, file), cluster.nodes], { cwd: folder });
    await rm(join(folder, file));
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      result: 3,
      deltas: [{ a: 1 }, { b: 2 }],
      reason: "INVALID_PAYLOAD",
      tools: ["add"],
    });
    // What only a node needs is not in it.
    expect(
      inputs.filter((input) => /node_modules\/(ajv|ioredis|pino|re2js)\/|src\/(schemas|server|redis)\//.test(input)),
    ).toEqual([]);
  });
});
