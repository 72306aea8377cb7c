import { expect, test } from "vitest";
import { CallMetrics } from "../../../src/observe/metrics/call-metrics.js";
import { formatFor, writeExposition } from "../../../src/observe/metrics/exposition.js";
import { MetricsRegistry, type Point } from "../../../src/observe/metrics/metrics-registry.js";

function metered(mostTools: number) {
  let nowMs = 0;
  const registry = new MetricsRegistry();
  const calls = new CallMetrics({
    ...{ registry, mostTools, monotonicMs: () => nowMs },
    exists: (toolset) => toolset.startsWith("set-"),
    isReason: (reason) => reason === "CANCELLED",
  });
  const pointsOf = async (name: string): Promise<readonly Point[]> =>
    (await registry.collect()).find((family) => family.name === name)?.points ?? [];
  const sum = async (name: string): Promise<number> =>
    (await pointsOf(name)).reduce((all, point) => all + ("value" in point ? point.value : point.histogram.count), 0);
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  const end = (toolset: string, tool: string, outcome = "result", reason = "-"): void =>
    calls.ended({ toolset, tool, outcome, reason, totalMs: 30, queueMs: [10] });
  return { registry, calls, pointsOf, sum, pass, end };
}

test("20,000 tools have as many series as the budget allows, and the sums are those of all", async () => {
  const { registry, calls, sum, end } = metered(200);
  for (let i = 0; i < 20_000; i++) {
    calls.admitted(`set-${i % 2_000}`, `tool-${i}`);
    end(`set-${i % 2_000}`, `tool-${i}`);
  }
  expect(await sum("toolgate_calls_admitted_total")).toBe(20_000);
  expect(await sum("toolgate_calls_total")).toBe(20_000);
  expect(await sum("toolgate_call_seconds")).toBe(20_000);
  const text = writeExposition(await registry.collect(), formatFor("application/openmetrics-text"));
  expect(new Set(text.match(/tool="[^"]*"/g)).size).toBe(201);
  expect(text.length).toBeLessThan(2_000_000);
});

test("a tool that comes to be used more takes the place of one that is not used, and no sum changes", async () => {
  const { calls, pointsOf, sum, pass, end } = metered(2);
  const named = async () =>
    (await pointsOf("toolgate_calls_admitted_total")).map((point) => [
      point.labels.join("/"),
      "value" in point && point.value,
    ]);
  for (const tool of ["a", "b", "c", "c", "c"]) calls.admitted("set-1", tool);
  end("set-1", "a");
  expect(await named()).toEqual([
    ["set-1/a", 1],
    ["set-1/b", 1],
    ["_other/_other", 3],
  ]);
  pass(60_000);
  const before = await sum("toolgate_calls_admitted_total");
  calls.admitted("set-1", "c");
  expect(await named()).toEqual([
    ["set-1/a", 1],
    ["set-1/c", 1],
    ["_other/_other", 4],
  ]);
  expect(await sum("toolgate_calls_admitted_total")).toBe(before + 1);
});

test("what callers name that does not exist gets no series", async () => {
  const { calls, pointsOf } = metered(200);
  for (let i = 0; i < 1_000; i++) calls.refused("call", "CANCELLED", `made-up-${i}`, `tool-${i}`);
  calls.refused("call", "CANCELLED", "set-1", "real");
  calls.refused("register", "CANCELLED", "set-1", "");
  const rejected = (await pointsOf("toolgate_calls_total")).filter(({ labels }) => labels[2] === "rejected");
  expect(rejected).toEqual([
    { labels: ["set-1", "real", "rejected"], value: 1 },
    { labels: ["_other", "_other", "rejected"], value: 1_000 },
  ]);
  expect(await pointsOf("toolgate_refusals_total")).toEqual([
    { labels: ["call", "CANCELLED"], value: 1_001 },
    { labels: ["register", "CANCELLED"], value: 1 },
  ]);
});

test("times are in seconds, a call that nobody claimed has none of a queue, and a tool's own reasons are one", async () => {
  const { calls, pointsOf, end } = metered(200);
  end("set-1", "a", "tool_error", "WHATEVER_A_TOOL_SAYS");
  calls.ended({
    toolset: "set-1",
    tool: "a",
    outcome: "cancelled",
    reason: "CANCELLED",
    totalMs: 50,
    queueMs: [undefined, 0],
  });
  calls.ended({ toolset: "set-1", tool: "a", outcome: "later_kind", reason: "-", totalMs: 0, queueMs: [undefined] });
  const [total, queue, run] = await Promise.all(
    ["toolgate_call_seconds", "toolgate_call_queue_seconds", "toolgate_call_run_seconds"].map(async (name) => {
      const point = (await pointsOf(name))[0];
      return point !== undefined && "histogram" in point ? [point.histogram.count, point.histogram.sum] : [];
    }),
  );
  expect(total).toEqual([4, expect.closeTo(0.13)]);
  expect(queue).toEqual([2, expect.closeTo(0.01)]);
  expect(run).toEqual([2, expect.closeTo(0.07)]);
  expect((await pointsOf("toolgate_call_ends_total")).map(({ labels }) => labels)).toEqual([
    ["tool_error", "TOOL_ERROR"],
    ["cancelled", "CANCELLED"],
    ["unknown", "-"],
  ]);
});

test("limits that refuse most have series of their own, and each kind has one of the others", async () => {
  const { calls, pointsOf } = metered(200);
  for (let i = 0; i < 1_000; i++) calls.limited("acme", `limit-${i}`, "running");
  calls.limited("acme", "limit-0", "rate");
  const points = await pointsOf("toolgate_limit_refusals_total");
  expect(points.slice(0, 2)).toEqual([
    { labels: ["acme", "limit-0", "rate"], value: 1 },
    { labels: ["acme", "limit-0", "running"], value: 1 },
  ]);
  expect(points.slice(-5)).toEqual([
    { labels: ["_other", "_other", "rate"], value: 0 },
    { labels: ["_other", "_other", "running"], value: 900 },
    ...["daily", "total", "loop"].map((kind) => ({ labels: ["_other", "_other", kind], value: 0 })),
  ]);
  expect(points).toHaveLength(1 + 100 + 5);
});

test("a trace is named where its call was counted, and naming it is no use of the tool", async () => {
  const { calls, pointsOf, pass, end } = metered(1);
  end("set-1", "a");
  end("set-1", "b");
  const exemplar = { traceId: "a".repeat(32), value: 0.03, atMs: 1_000 };
  for (let i = 0; i < 10; i++) calls.exemplify("set-1", "b", exemplar);
  calls.exemplify("made-up", "c", exemplar);
  pass(60_000);
  const histograms = (await pointsOf("toolgate_call_seconds")).map((point) => [
    point.labels[1],
    "histogram" in point && point.histogram.bounds.flatMap((_, place) => point.histogram.exemplarAt(place) ?? []),
  ]);
  expect(histograms).toEqual([
    ["a", []],
    ["_other", [exemplar]],
  ]);
});
