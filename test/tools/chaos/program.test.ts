import { execFileSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, inject, test } from "vitest";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { SCENARIOS } from "../../../tools/chaos/faults.js";
import { descendants, expectNoLeaks, hasEnded } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { type Running, runChaosProgram } from "./running.js";

expectNoLeaks();

let running: Running | undefined;
afterEach(async () => {
  running?.child.kill("SIGKILL");
  await running?.ended;
  running = undefined;
});
const run = (...args: string[]): Running => {
  running = runChaosProgram(args);
  return running;
};

describe("the program", () => {
  test("explains itself, with every scenario and with examples", async () => {
    const { ended, told } = run("--help");
    expect(await ended).toBe(0);
    for (const name of Object.keys(SCENARIOS)) expect(told()).toContain(name);
    expect(told()).toContain("npm run chaos -- --seed 7");
    expect(told().split("\n").at(-2)).not.toBe("");
  });

  test("refuses what it does not know, and names what there is", async () => {
    const { ended, output } = run("--scenario", "kil");
    expect(await ended).toBe(2);
    expect(output()).toContain('There is no scenario "kil"');
    expect(output()).toContain("lose-replies");
  });

  test("refuses a mutant that there is not, and names those that there are", async () => {
    const { ended, output } = run("--mutants", "no-dedup,none");
    expect(await ended).toBe(2);
    expect(output()).toContain('There is no mutant "none"');
    expect(output()).toContain("settles-twice");
  });
});

test.runIf(inject("redisForTests").kind === "binary")(
  "the program does not call a run clean in which no fault could be done",
  async () => {
    const { child, ended, output } = run("--scenario", "failover", "--seed", "nothing");
    expect(await ended).toBe(3);
    expect(output()).toContain("None of the faults of failover can be done to a standalone store.");
    await rm(join(PACKAGE_ROOT, ".toolgate", "chaos", `nothing-${child.pid}`), { recursive: true, force: true });
  },
);

describe.runIf(inject("redisForTests").kind === "binary")("what the program started", () => {
  const pids = (child: Running["child"]): number[] =>
    descendants(child.pid ?? 0).map((line) => Number.parseInt(line, 10));
  const stands = (pid: number): boolean => {
    try {
      return /^\s*T/.test(execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }));
    } catch {
      return false; // it has ended
    }
  };

  test("ends with it after kill -9, also what stood still at that moment", async () => {
    const { child, ended, output } = run("--seed", "orphans", "--seconds", "30", "--scenario", "freeze", "--rate", "5");
    let frozen = 0;
    await until(
      "a process stands still",
      () => {
        if (child.exitCode !== null) throw new Error(output());
        frozen = pids(child).find(stands) ?? 0;
        return frozen > 0;
      },
      { withinMs: 60_000 },
    );
    const started = pids(child);
    expect(started.length).toBeGreaterThan(9); // Redis and its supervisor, gateways, providers, agents, a freezer
    child.kill("SIGKILL");
    await ended;
    await until("all have ended", () => started.every(hasEnded), { withinMs: 30_000, everyMs: 200 });
    await rm(join(PACKAGE_ROOT, ".toolgate", "chaos", `orphans-${child.pid}`), { recursive: true });
  }, 120_000);

  test("ends with it after SIGTERM, in good order", async () => {
    const { child, ended, output } = run("--seconds", "30", "--scenario", "kill", "--rate", "5");
    await until(
      "the load has begun",
      () => {
        if (child.exitCode !== null) throw new Error(output());
        return output().includes("phase faults");
      },
      { withinMs: 60_000 },
    );
    const started = pids(child);
    child.kill("SIGTERM");
    expect(await ended, output()).toBe(130);
    await until("all have ended", () => started.every(hasEnded));
  }, 120_000);
});
