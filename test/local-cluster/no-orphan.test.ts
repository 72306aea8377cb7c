import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, inject, test } from "vitest";
import { builtProgram } from "../../src/local-cluster/package-root.js";
import { descendants, expectNoLeaks, hasEnded } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();

const binary = inject("redisForTests");
const built = (path: string): string => JSON.stringify(pathToFileURL(builtProgram(path)).href);

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-orphan-"));
});
afterEach(async () => {
  for (const child of parents.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

const parents: ChildProcess[] = [];

/** Runs a program's text until it prints its first line; the line is JSON. */
async function parent<T>(text: string): Promise<{ child: ChildProcess; said: T }> {
  const file = join(folder, "parent.mjs");
  await writeFile(file, text);
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  parents.push(child);
  const [line] = await once(child.stdout, "data");
  return { child, said: JSON.parse(String(line)) };
}

async function killAtOnce(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "close");
}

/** What the tests' parents print: their child, and its own child if it has one. */
interface Pids {
  readonly pid: number;
  readonly supervisor: number;
}

describe.runIf(binary.kind === "binary")("a private Redis", () => {
  const start = (): Promise<{ child: ChildProcess; said: Pids }> =>
    parent<Pids>(`
      import { PrivateRedis } from ${built("src/local-cluster/private-redis.js")};
      const redis = new PrivateRedis(${JSON.stringify({
        binary: binary.kind === "binary" ? binary.path : "",
        folder: join(folder, "redis"),
        removeFolder: true,
        appendOnly: true,
      })});
      process.on("SIGUSR2", () => redis.stop().then(() => process.exit(0)));
      await redis.start();
      console.log(JSON.stringify({ pid: redis.pid, supervisor: redis.supervisorPid }));
      setInterval(() => {}, 60_000);
    `);

  test("ends, and its folder goes, after kill -9 of whoever started it", async () => {
    const { child, said } = await start();
    expect(hasEnded(said.pid)).toBe(false);
    expect(await readdir(folder)).toContain("redis");
    await killAtOnce(child);
    await until("redis-server has ended", () => hasEnded(said.pid));
    await until("the supervisor has ended", () => hasEnded(said.supervisor));
    expect(await readdir(folder)).not.toContain("redis");
  });

  test("is ended by its starter when the supervisor was killed", async () => {
    const { child, said } = await start();
    process.kill(said.supervisor, "SIGKILL");
    await until("redis-server has ended", () => hasEnded(said.pid));
    child.kill("SIGUSR2");
    expect(await once(child, "close")).toEqual([0, null]);
  });
});

describe("a program of ours", () => {
  test("is told to stop, as an operator would tell it, when its starter was killed", async () => {
    const witness = join(folder, "stopped");
    const { child, said } = await parent<Pids>(`
      import { Program } from ${built("src/local-cluster/program.js")};
      const program = new Program({ name: "supervisor", entry: "src/local-cluster/supervisor.js", args: [${JSON.stringify(
        JSON.stringify({
          command: process.execPath,
          args: ["-e", "setInterval(() => {}, 60000); console.log(process.pid)"],
          graceMs: 5_000,
          removeAfter: null,
          thenRun: ["touch", witness],
        }),
      )}] });
      program.start();
      const pid = await program.line("its process id", (line) => Number(line) || undefined, 10_000);
      console.log(JSON.stringify({ pid, supervisor: program.pid }));
      setInterval(() => {}, 60_000);
    `);
    await killAtOnce(child);
    await until("the program has ended", () => hasEnded(said.pid));
    await until("the supervisor has ended", () => hasEnded(said.supervisor));
    expect(await readdir(folder)).toContain("stopped");
    expect(descendants(process.pid)).toEqual([]);
  });
});
