import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../src/local-cluster/free-port.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { saidOutput, startExample } from "../support/examples.js";
import { expectNoLeaks } from "../support/leaks.js";
import { namedCommands } from "../support/page-blocks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type Ended, type Running, startProgram, stopInside } from "../support/start-program.js";

expectNoLeaks();

/** Compilers are slow where the machine is busy. */
const TIMEOUT_MS = 300_000;

let redis: TestRedis;
let cluster: Cluster;
const providers = new Set<Running>();

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 2 });
});
afterEach(async () => {
  await Promise.all([...providers].map(stop));
});
afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
});

async function provide(example: string): Promise<Running> {
  const provider = startExample(example, "provider", { nodes: cluster.nodes });
  providers.add(provider);
  await provider.says(/^serving words, epoch \d+$/m);
  return provider;
}

async function stop(provider: Running): Promise<Ended> {
  providers.delete(provider);
  return await stopInside(provider, "provider");
}

test("every example is named in the list", () => {
  const folders = readdirSync(join(PACKAGE_ROOT, "examples"), { withFileTypes: true }).filter((one) =>
    one.isDirectory(),
  );
  expect(folders.map(({ name }) => name)).toEqual(["compose", "go", "http", "javascript", "python", "typescript"]);
});

describe.each(["javascript", "typescript"])("in %s", (example) => {
  test("the agent prints what the page says, and the provider stops when it is told", async () => {
    const provider = await provide(example);
    const agent = await startExample(example, "agent", { nodes: cluster.nodes }).ended;
    expect(agent).toMatchObject({ code: 0, stdout: saidOutput(example), stderr: "" });
    expect(await stop(provider)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/no longer serving: stopped\n$/),
    });
  });
});

test("an HTTP API is mounted and called as its page says", async () => {
  const port = await freePort();
  const start = (name: string): Running =>
    startProgram("sh", ["-ec", namedCommands("examples/http/README.md", name).replace("8090", String(port))], {
      cwd: join(PACKAGE_ROOT, "examples", "http"),
      env: { TOOLGATE_NODES: cluster.nodes, PORT: String(port) },
    });
  const api = start("api");
  providers.add(api);
  await api.says(/^books at /m);
  const mount = start("provider");
  providers.add(mount);
  await mount.says(/^books 1\.0\.0 is mounted at epoch \d+: 3 tools \(without 1 tool, see above\), at /m);
  expect(mount.stderr()).toContain("The tool setCover is left out: its body is application/xml");
  expect(await start("agent").ended).toMatchObject({ code: 0, stdout: saidOutput("http") });
  providers.delete(mount);
  expect(await stopInside(mount, "mount-http")).toMatchObject({
    stderr: expect.stringMatching(/books is unmounted\.\n$/),
  });
  providers.delete(api);
  await stopInside(api, "api.js");
});

test("providers in both languages are replicas of one toolset", async () => {
  const [first, second] = [await provide("typescript"), await provide("javascript")];
  expect(second.stdout()).toBe(first.stdout());
});

test("the TypeScript is sound by its own settings", { timeout: TIMEOUT_MS }, async () => {
  const [npx, ...args] = namedCommands("examples/typescript/README.md", "types").trim().split(" ");
  const { stdout } = await promisify(execFile)(npx ?? "", args, { cwd: join(PACKAGE_ROOT, "examples", "typescript") });
  expect(stdout).toBe("");
});
