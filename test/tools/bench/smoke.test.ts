import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { painter } from "../../../cmd/output/paint.js";
import { environment } from "../../../src/config/environment.js";
import { thisMachine } from "../../../src/local-cluster/machine.js";
import { builtProgram } from "../../../src/local-cluster/package-root.js";
import { type Figure, isSure, summarise, verdict } from "../../../tools/bench/figures.js";
import { exceededFor } from "../../../tools/bench/loop-turns.js";
import { markdownSection } from "../../../tools/bench/markdown.js";
import { figureTable, type RunReport } from "../../../tools/bench/report.js";
import { expectNoLeaks } from "../../support/leaks.js";
import "../../support/provided.js";

expectNoLeaks();

/** That the benchmark works. What it measures depends on the machine, and is nothing to assert on. */

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-bench-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function bench(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const program = [builtProgram("tools/bench/main.js", inject("bundledRoot")), ...args];
    execFile(process.execPath, program, { cwd: folder, env: environment() }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** The benchmark measures a Redis of its own, and takes no container's. */
const hasRedisServer = (): boolean => inject("redisForTests").kind === "binary";

test("a quick run measures calls beside all baselines, and writes down what an earlier run is compared by", async ({
  skip,
}) => {
  if (!hasRedisServer()) skip();
  const args = ["--quick", "--repetitions", "1", "--only", "calls", "--in-flight", "64", "--json", "first.json"];
  const first = await bench(...args);
  expect(first.stderr).toContain("calls: done");
  expect(first.status).toBe(0);
  expect(first.stdout).toMatch(/FIGURE +AT LEAST +AIM +MEASURED +SPREAD +MET/);
  const report = JSON.parse(await readFile(join(folder, "first.json"), "utf8")) as RunReport;
  const ids = report.figures.map((figure) => figure.id);
  expect(ids).toContain("calls/session-vs-echo@64");
  expect(ids).toContain("calls/invoke-vs-bullmq@64");
  expect(ids).toContain("calls/invoke-vs-proxy@64");
  expect(ids).toContain("calls/invoke-vs-stream-proxy@64");
  expect(ids).toContain("calls/session-vs-relay@64");
  for (const figure of report.figures) expect(figure.median, figure.id).toEqual(expect.any(Number));
  const contenders = new Set(report.details.map((detail) => detail.contender));
  const nats = thisMachine(environment().PATH ?? "").find("nats-server") === undefined ? [] : ["nats"];
  const all = ["bullmq", "echo", "invoke", ...nats, "proxy", "relay", "sdk", "session", "stream proxy"];
  expect([...contenders].sort()).toEqual(all);

  const again = figureTable(report.figures, report, undefined, painter(false));
  expect(again).toMatch(/BEFORE +CHANGE/);
  expect(again).toContain("+0 %");
}, 150_000); // long enough for the benchmark to say which calls did not end

test("a quick run measures what a node holds, and how soon a change is known", async ({ skip }) => {
  if (!hasRedisServer()) skip();
  const args = ["--quick", "--repetitions", "1", "--only", "changes,memory", "--json", "more.json", "--markdown"];
  const { status, stdout, stderr } = await bench(...args);
  expect(stderr).toContain("memory: done");
  expect(status).toBe(0);
  const report = JSON.parse(await readFile(join(folder, "more.json"), "utf8")) as RunReport;
  expect(report.figures.map((figure) => figure.id)).toEqual([
    "changes/median",
    "changes/worst",
    "memory/toolset",
    "memory/schema",
    "memory/session",
  ]);
  expect(stdout).toMatch(
    /<!-- bench:begin -->\n\n`npm run bench` on \d+ × .*\| node memory per idle agent session \| .*<!-- bench:end -->\n$/s,
  );
  for (const figure of report.figures) expect(figure.median, figure.id).toEqual(expect.any(Number));
});

test("a quick run lets many providers register at once, beside calls of another toolset", async ({ skip }) => {
  if (!hasRedisServer()) skip();
  const { status, stdout, stderr } = await bench("--quick", "--only", "storm", "--json", "storm.json");
  expect(stderr).toContain("storm: done");
  expect(status).toBe(0);
  const report = JSON.parse(await readFile(join(folder, "storm.json"), "utf8")) as RunReport;
  expect(report.figures.map((figure) => figure.id)).toEqual([
    "storm/deployment-30/loop-p99",
    "storm/deployment-30/loop-longest",
    "storm/deployment-30/time",
    "storm/deployment-30/others-p99",
    "storm/deployment-30/p99-here",
    "storm/deployment-30/p99-beside",
    "storm/deployment-30/others-failed",
  ]);
  expect(stdout).toMatch(/; 0 of \d+ failed/);
});

test("unknown work is refused with the names that there are", async () => {
  const { status, stderr } = await bench("--only", "calls,nothing");
  expect(status).toBe(2);
  expect(stderr).toContain("There is no nothing: use calls, calls-file, durability");
});

test("the wait for a loop is judged by what is left of its turns at any moment", () => {
  const turns = [...Array<number>(900).fill(1), 100]; // in a second of work
  expect(exceededFor(turns, 10)).toBeCloseTo(90, 1);
  expect(exceededFor(turns, 90)).toBeCloseTo(10, 1);
  expect(exceededFor([], 10)).toBe(0);
});

test("the section of docs/benchmarks.md says of each target whether it was met, and how surely", () => {
  const machine = { cpu: "Abacus", cores: 2, memoryGiB: 8, system: "Linux", node: "20", redis: "redis-server 7.0.15" };
  const target = { better: "higher", least: 2, aim: 4 } as const;
  const figures: Figure[] = [
    { id: "a", what: "a", unit: "×", values: [5, 6, 7], target },
    { id: "b", what: "b", unit: "×", values: [1, 2.5, 3], target },
    { id: "c", what: "c", unit: "×", values: [1], target },
    { id: "d", what: "d", unit: "ms", values: [0.25] },
  ];
  const section = markdownSection(figures, machine, 3);
  expect(section).toContain("2 × Abacus, 8 GiB");
  expect(section).toContain("| a | ≥ 2 × | 4 | 6 × | 5 to 7 | yes, the aim too |");
  expect(section).toContain("| b | ≥ 2 × | 4 | 2.5 × | 1 to 3 | yes (?) |");
  expect(section).toContain("| c | ≥ 2 × | 4 | 1 × |  | **no** |");
  expect(section).toContain("| d | 0.25 ms |  |");
});

test("a figure is judged by its median", () => {
  expect(summarise([3, 1, 2, 10])).toEqual({ median: 2.5, min: 1, max: 10 });
  const figure = { id: "x", what: "x", unit: "×", values: [1, 2, 9] } as const;
  expect(verdict(figure)).toBeUndefined();
  expect(verdict({ ...figure, target: { better: "higher", least: 2 } })).toBe("met");
  expect(verdict({ ...figure, target: { better: "higher", least: 1.5, aim: 2 } })).toBe("aim");
  expect(verdict({ ...figure, target: { better: "lower", least: 1.9, aim: 1 } })).toBe("missed");
  expect(isSure({ ...figure, target: { better: "lower", least: 1.9 } })).toBe(false);
  expect(isSure({ ...figure, target: { better: "lower", least: 0.5 } })).toBe(true);
});
