import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { environment } from "../../src/config/environment.js";
import { type Exit, Program } from "../../src/local-cluster/program.js";
import { descendants, expectNoLeaks, hasEnded } from "../support/leaks.js";

expectNoLeaks();

let folder = "";
let dev: Program | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-dev-"));
});
afterEach(async () => {
  await dev?.stop(0);
  await rm(folder, { recursive: true, force: true });
});

test("toolgate dev runs a cluster with a private Redis below the folder, and leaves nothing", async () => {
  dev = new Program({
    name: "toolgate dev",
    entry: "cmd/toolgate.js",
    args: ["dev", "--nodes", "2", "--port", "0"],
    env: { ...environment(), REDIS_URL: "", XDG_CONFIG_HOME: join(folder, "home") },
    cwd: folder,
  });
  dev.start();
  const nodes = await dev.line("where its nodes are", (line) => /export TOOLGATE_NODES=(\S+)/.exec(line)?.[1], 60_000);
  expect(nodes.split(",")).toHaveLength(2);
  expect(dev.output.join("\n")).toMatch(/node 1 {2}info {3}listening {2}address=127\.0\.0\.1:\d+/);
  const where = await dev.line("where it is asked by HTTP", (line) => /^ {2}node 2: (.+)/.exec(line)?.[1], 10_000);
  const [, http = "", metrics = ""] = /^\S+, (http:\S+), metrics (http:\S+)$/.exec(where) ?? [];
  for (const base of [http, metrics]) expect((await fetch(`${base}/livez`)).status).toBe(200);

  // Its user's commands find the key; another user's do not, and are refused.
  const list = async (home: string): Promise<Exit> => {
    const env = { ...environment(), XDG_CONFIG_HOME: join(folder, home) };
    const args = ["list", "--json", "--nodes", nodes];
    const program = new Program({ name: "list", entry: "cmd/toolgate.js", args, env });
    program.start();
    return await program.ended();
  };
  expect(await list("home")).toEqual({ code: 0, signal: null });
  expect(await list("other")).toEqual({ code: 4, signal: null });
  const keys = join(folder, "home", "toolgate", "keys");
  const files = await readdir(keys);
  expect(files).toHaveLength(3); // the cluster's, and one for each node
  for (const file of files) expect((await stat(join(keys, file))).mode & 0o777).toBe(0o600);

  const pids = descendants(dev.pid ?? 0).map((row) => Number.parseInt(row, 10));
  dev.signal("SIGINT");
  expect(await dev.ended()).toEqual({ code: 0, signal: null });
  expect(pids.filter((pid) => !hasEnded(pid))).toEqual([]);
  expect(await readdir(join(folder, ".toolgate")).catch(() => [])).toEqual([]);
  expect(await readdir(keys)).toEqual([]);
});

test("toolgate dev tells a wrong setting as serve does, before anything is started", async () => {
  const env = { ...environment(), REDIS_URL: "foo", TOOLGATE_LEASE_MS: "abc" };
  dev = new Program({ name: "toolgate dev", entry: "cmd/toolgate.js", args: ["dev", "--port", "0"], env, cwd: folder });
  dev.start();
  expect(await dev.ended()).toEqual({ code: 2, signal: null });
  expect(dev.output).toEqual([
    "error: 2 settings are wrong:",
    expect.stringMatching(/^ {2}REDIS_URL must begin with redis:/),
    expect.stringMatching(/^ {2}TOOLGATE_LEASE_MS must be an integer/),
    "  INVALID_CONFIG",
  ]);
  expect(await readdir(folder)).toEqual([]);
});
