import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { environment } from "../../src/config/environment.js";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { descendants, expectNoLeaks, hasEnded } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();

const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

interface Start {
  readonly child: ChildProcess;
  /** What it has printed so far, line by line. */
  readonly lines: string[];
  readonly errors: string[];
}

/** Runs the main job of `npm start` from the build. */
function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Start {
  const child = spawn(process.execPath, ["dist/tools/start.js", ...args], {
    cwd: PACKAGE_ROOT,
    env: { ...environment(), REDIS_URL: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  const lines: string[] = [];
  const errors: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  createInterface({ input: child.stderr }).on("line", (line) => errors.push(line));
  return { child, lines, errors };
}

const UP_WITHIN_MS = 90_000;

/** Waits until everything runs, and gives the processes that were started for it. */
async function up({ child, lines }: Start): Promise<readonly number[]> {
  await until("npm start says what to try next", () => lines.some((line) => line.startsWith("Logs: ")), {
    withinMs: UP_WITHIN_MS,
  });
  return descendants(child.pid ?? 0).map((row) => Number.parseInt(row, 10));
}

test("--once makes three calls through three nodes, and ends with 0", { timeout: 120_000 }, async () => {
  const { child, lines, errors } = start(["--once"]);
  expect(await once(child, "close")).toEqual([0, null]);
  const text = lines.join("\n");
  expect(text).toMatch(/redis\s+127\.0\.0\.1:\d+\s+((redis|valkey)-server \d|docker-compose\.yml)/);
  const rows =
    /node \d\s+127\.0\.0\.1:\d+\s+listens after \d+ ms; http:\/\/127\.0\.0\.1:\d+, metrics http:\/\/127\.0\.0\.1:\d+$/gm;
  expect(text.match(rows)).toHaveLength(3);
  expect(text).toMatch(/files\s+\d+ tools, healthy/);
  expect(text).toMatch(/text\s+3 tools, healthy/);
  expect(text).toMatch(/node 1\s+text\/slugify\s+[\d.]+ ms\s+\{"slug":"hello-world"\}/);
  expect(text).toMatch(/node 2\s+files\/list_directory\s+[\d.]+ ms\s+.*package\.json|\[DIR\]/);
  expect(text).toMatch(/node 3\s+text\/countdown\s+[\d.]+ ms\s+3 2 1 \{"counted":3\}/);
  expect(errors).toEqual([]);
});

test("Ctrl-C stops everything quietly, with 0; twice at once counts as one", { timeout: 120_000 }, async () => {
  const started = start();
  const pids = await up(started);
  // Redis and its supervisor, three nodes, two providers, the MCP server and its supervisor.
  expect(pids.length).toBeGreaterThanOrEqual(8);
  const { child, lines, errors } = started;
  expect(lines).toContainEqual(
    expect.stringMatching(/^Clients of MCP find all tools at http:\/\/127\.0\.0\.1:\d+\/mcp/),
  );
  const ended = once(child, "close");
  child.kill("SIGINT");
  child.kill("SIGINT");
  expect(await ended).toEqual([0, null]);
  expect(pids.filter((pid) => !hasEnded(pid))).toEqual([]);
  expect(lines.slice(lines.findIndex((line) => line.startsWith("Logs: ")) + 1)).toEqual(["Stopping …"]);
  expect(errors).toEqual([]);
});

test.for([
  ["its Redis", /^Toolgate: a cluster/],
  ["its nodes", /^ {2}redis /],
  ["its last nodes", /^ {2}node 1 /],
  ["its providers", /^ {2}node 3 /],
] as const)("Ctrl-C while it starts %s stops everything quietly, with 0", { timeout: 120_000 }, async ([, seen]) => {
  const { child, lines, errors } = start();
  await until("it is that far", () => lines.some((line) => seen.test(line)), { withinMs: UP_WITHIN_MS, everyMs: 1 });
  const ended = once(child, "close");
  child.kill("SIGINT");
  const pids = new Set<number>();
  await until(
    "it has ended",
    () => {
      for (const row of descendants(child.pid ?? 0)) pids.add(Number.parseInt(row, 10));
      return child.exitCode !== null || child.signalCode !== null;
    },
    { withinMs: UP_WITHIN_MS, everyMs: 1 },
  );
  expect({ ended: await ended, errors }).toEqual({ ended: [0, null], errors: [] });
  expect(lines.at(-1)).toBe("Stopping …");
  expect([...pids].filter((pid) => !hasEnded(pid))).toEqual([]);
});

test("what it says to try next works as it stands", { timeout: 120_000 }, async () => {
  const started = start();
  await up(started);
  const nodes = started.lines.flatMap((line) => / {2}export TOOLGATE_NODES=(\S+)/.exec(line)?.[1] ?? [])[0];
  const commands = started.lines.flatMap((line) => /^ {2}npx toolgate (.*)$/.exec(line)?.[1] ?? []);
  expect(commands.length).toBeGreaterThanOrEqual(4);
  for (const command of commands.filter((line) => line !== "watch")) {
    const { status, stderr } = await shell(`"$NODE" dist/cmd/toolgate.js ${command}`, {
      NODE: process.execPath,
      ...(nodes === undefined ? {} : { TOOLGATE_NODES: nodes }),
    });
    expect({ command, status, stderr }).toMatchObject({ command, status: 0 });
  }
  started.child.kill("SIGTERM");
  expect(await once(started.child, "close")).toEqual([0, null]);
});

test("nothing remains after kill -9", { timeout: 120_000 }, async () => {
  const started = start();
  const pids = await up(started);
  started.child.kill("SIGKILL");
  await once(started.child, "exit");
  await until("every process has ended", () => pids.every(hasEnded), { withinMs: 30_000 });
});

test("without any Redis it says in two lines what to do, and ends with 1", async () => {
  const { child, lines } = start(["--once"], { PATH: "/nowhere" });
  expect(await once(child, "close")).toEqual([1, null]);
  expect(lines.slice(-2)).toEqual([
    expect.stringMatching(/^No Redis 7\.0 or newer: REDIS_URL is not set, and no redis-server/),
    expect.stringMatching(/^Install one .* or set REDIS_URL=/),
  ]);
});

test.for([
  ["REDIS_URL", "foo", /^ {2}REDIS_URL must begin with redis:/],
  ["TOOLGATE_LEASE_MS", "abc", /^ {2}TOOLGATE_LEASE_MS must be an integer from 100 to/],
] as const)("a wrong %s is told as serve tells it, before anything is started", async ([variable, value, fault]) => {
  const { child, lines, errors } = start(["--once"], { [variable]: value });
  expect(await once(child, "close")).toEqual([2, null]);
  expect(lines).toEqual([]);
  expect(errors).toEqual(["error: A setting is wrong:", expect.stringMatching(fault), "  INVALID_CONFIG"]);
});

test("what only a node can find wrong is told without a stack, with 1", { timeout: 120_000 }, async () => {
  const file = "/nowhere/toolgate.pem";
  const { child, lines, errors } = start(["--once"], { TOOLGATE_TLS_CERT: file, TOOLGATE_TLS_KEY: file });
  expect(await once(child, "close")).toEqual([1, null]);
  expect(errors).toEqual([]);
  const text = lines.join("\n");
  expect(text).toMatch(/node 1 ended with status \d before it listens\n(.*\n)*.*\/nowhere\/toolgate\.pem/);
  expect(text).not.toMatch(/^\s+at .*\.js:\d+/m);
});

test("a flag that it does not know is a fault of use", async () => {
  const { child, errors } = start(["--twice"]);
  expect(await once(child, "close")).toEqual([2, null]);
  expect(errors.join("\n")).toContain("unknown option '--twice'");
});

function shell(command: string, env: NodeJS.ProcessEnv): Promise<{ status: number; stderr: string }> {
  return new Promise((resolve) => {
    const settings = { cwd: PACKAGE_ROOT, env: { ...environment(), ...env } };
    execFile("/bin/sh", ["-c", command], settings, (error, _, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stderr });
    }).stdin?.end();
  });
}
