import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, inject, test } from "vitest";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { EXPERIMENT_NAMES } from "../../../tools/chaos/figures/experiments.js";
import { countFigure, type Figure, timeFigure } from "../../../tools/chaos/figures/figure.js";
import {
  allMet,
  type FiguresFacts,
  figuresMarkdown,
  figuresText,
} from "../../../tools/chaos/figures/figures-report.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { type Running, runChaosProgram } from "./running.js";

expectNoLeaks();

describe("a figure of times", () => {
  const figure = (timesMs: readonly number[], more: { atLeast?: number; against?: string[] } = {}) =>
    timeFigure({ what: "w", boundMs: 100, because: "a reason", timesMs, atLeast: 2, counted: "c", ...more });

  test("is met when every time is within the bound", () => {
    expect(figure([100, 20, 30])).toMatchObject({
      met: true,
      target: "at most 100 ms (a reason)",
      measured: "median 30 ms, worst 100 ms",
      against: [],
    });
  });
  test("is missed when one is not, when too few were measured, or when something else is wrong", () => {
    expect(figure([20, 101])).toMatchObject({ met: false, against: ["101 ms are more than 100 ms"] });
    expect(figure([20])).toMatchObject({ met: false, against: ["only 1 times were measured, and not 2"] });
    expect(figure([], { atLeast: 0 })).toMatchObject({ met: true, measured: "nothing" });
    expect(figure([20, 30], { against: ["it ran twice"] })).toMatchObject({ met: false, against: ["it ran twice"] });
  });
});

describe("the report", () => {
  const row = { target: "0", measured: "0", counted: "3 | 4" };
  const good = countFigure({ what: "good", ...row, against: [] });
  const bad = countFigure({ what: "bad", ...row, measured: "1", against: ["call 7 is lost"] });
  const contrast: Figure = { ...good, what: "contrast", measured: "9", met: undefined };
  const facts: FiguresFacts = {
    machine: { cpu: "a CPU", cores: 2, memoryGiB: 4, system: "Linux", node: "20.20.2", redis: "redis-server 7.0.15" },
    seed: "7",
    quick: false,
    tookSeconds: 12,
  };

  test("tells a missed target with what speaks against it", () => {
    expect(allMet([good, contrast])).toBe(true);
    expect(allMet([good, bad])).toBe(false);
    expect(figuresText([good, bad], facts, undefined)).toContain(
      "Missed: bad\n  call 7 is lost\n1 targets were missed.",
    );
    expect(figuresText([good, contrast], facts, undefined)).toContain("Every target was met.");
  });
  test("as Markdown is a table with the machine and the command", () => {
    const lines = figuresMarkdown([good, bad, contrast], facts).split("\n");
    expect(lines[0]).toBe(
      "Measured with `npm run chaos -- --figures` on 2 × a CPU, 4 GiB, Linux, Node 20.20.2, redis-server 7.0.15, in 12 s.",
    );
    expect(lines.slice(4, 7)).toEqual([
      "| good | 0 | 0 | yes | 3 \\| 4 |",
      "| bad | 0 | 1 | NO | 3 \\| 4 |",
      "| contrast | 0 | 9 | – | 3 \\| 4 |",
    ]);
  });
});

describe("the program", () => {
  let running: Running | undefined;
  afterEach(async () => {
    if (running === undefined) return;
    const { child, ended } = running;
    running = undefined;
    child.kill("SIGKILL");
    await ended;
    await rm(join(PACKAGE_ROOT, ".toolgate", "chaos", `figures-${child.pid}`), { recursive: true, force: true });
  });

  test("refuses an experiment that it does not know, and names what there is", async () => {
    running = runChaosProgram(["--figures", "same"]);
    expect(await running.ended).toBe(2);
    expect(running.output()).toContain('There is no experiment "same"');
    expect(running.output()).toContain("same-id");
  });

  // The kills have a run of their own, with the same load and the same check.
  test.runIf(inject("redisForTests").kind === "binary")(
    "measures every other figure, and nothing is lost, doubled or failed",
    async () => {
      const names = EXPERIMENT_NAMES.filter((name) => name !== "kills");
      running = runChaosProgram(["--figures", names.join(","), "--quick", "--json", "--seed", "figures"]);
      expect([0, 1], running.output()).toContain(await running.ended); // 1: a time or a growth that a busy machine missed
      const { figures } = JSON.parse(running.told()) as { figures: Figure[] }; // its own report
      expect(figures.length).toBeGreaterThanOrEqual(names.length);
      for (const { what, times, against } of figures) {
        expect(times?.count, what).not.toBe(0);
        expect(
          against.filter((reason) => !/^(\d+ ms are more than|it grew by)/.test(reason)),
          what,
        ).toEqual([]);
      }
    },
    900_000,
  );
});
