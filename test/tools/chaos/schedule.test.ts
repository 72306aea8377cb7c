import { describe, expect, test } from "vitest";
import { type CallPlan, planCall, USUAL_MIX } from "../../../tools/chaos/call-plan.js";
import {
  FAULT_SHAPES,
  FAULTS,
  type FaultKind,
  SCENARIOS,
  type ScenarioName,
  suits,
} from "../../../tools/chaos/faults.js";
import { planPhases } from "../../../tools/chaos/run.js";
import { planFaults } from "../../../tools/chaos/schedule.js";
import { SeededRandom } from "../../../tools/chaos/seeded-random.js";

const KINDS = Object.keys(FAULTS) as FaultKind[]; // the table's own keys
const ALL = Object.keys(SCENARIOS) as ScenarioName[]; // likewise

const faults = (seed: string, durationMs = 120_000, kinds: readonly FaultKind[] = KINDS) =>
  planFaults({ kinds, durationMs, random: new SeededRandom(seed) });

describe("chance", () => {
  const draws = (random: SeededRandom) => Array.from({ length: 50 }, () => random.next());

  test("is the same for the same seed, and another for another", () => {
    expect(draws(new SeededRandom("7"))).toEqual(draws(new SeededRandom("7")));
    expect(draws(new SeededRandom("7"))).not.toEqual(draws(new SeededRandom("8")));
  });
  test("of a part does not depend on what others drew", () => {
    const whole = new SeededRandom("7");
    const before = draws(whole.fork("part"));
    draws(whole);
    expect(draws(whole.fork("part"))).toEqual(before);
  });
  test("is spread evenly enough", () => {
    const random = new SeededRandom("7");
    const drawn = Array.from({ length: 10_000 }, () => random.integer(1, 10));
    for (let number = 1; number <= 10; number++) {
      expect(drawn.filter((one) => one === number).length).toBeGreaterThan(800);
    }
  });
});

describe("a schedule", () => {
  test("is the same for the same seed", () => {
    expect(faults("7")).toEqual(faults("7"));
    expect(faults("7")).not.toEqual(faults("8"));
  });
  test("has every kind before it has one twice", () => {
    const first = faults("7").slice(0, KINDS.length);
    expect(new Set(first.map(({ kind }) => kind))).toEqual(new Set(KINDS));
  });
  test("keeps its faults within their bounds, and leaves room before and after", () => {
    for (const { kind, atMs, lastsMs } of faults("7", 600_000)) {
      const [least, most] = FAULT_SHAPES[kind].lastsMs;
      expect(lastsMs).toBeGreaterThanOrEqual(least);
      expect(lastsMs).toBeLessThanOrEqual(most);
      expect(atMs).toBeGreaterThan(1_000);
      expect(atMs + lastsMs).toBeLessThanOrEqual(598_000);
    }
  });
  test("lets some faults overlap, and most not", () => {
    const planned = faults("7", 600_000);
    const overlapping = planned.filter((one, index) => {
      const next = planned[index + 1];
      return next !== undefined && next.atMs <= one.atMs + one.lastsMs;
    });
    expect(overlapping.length).toBeGreaterThan(0);
    expect(overlapping.length).toBeLessThan(planned.length / 2);
  });
  test("without kinds is empty", () => {
    expect(faults("7", 60_000, [])).toEqual([]);
  });
});

describe("phases", () => {
  const phases = (scenarios: readonly ScenarioName[], clocks = true, store: "single" | "group" = "single") =>
    planPhases({ seed: "7", seconds: 60, scenarios }, store, clocks).map(({ name, schedule, durationMs }) => ({
      name,
      durationMs,
      kinds: new Set(schedule.map(({ kind }) => kind)),
    }));

  test("the flush comes last, by itself", () => {
    const [main, flush, ...more] = phases(ALL);
    expect(more).toEqual([]);
    expect(main?.kinds).not.toContain("flush");
    expect(flush?.kinds).toEqual(new Set(["flush"]));
    expect((main?.durationMs ?? 0) + (flush?.durationMs ?? 0)).toBe(60_000);
  });
  test("without it, or with nothing else, there is one", () => {
    expect(phases(["kill"]).map(({ name }) => name)).toEqual(["faults"]);
    expect(phases(["flush"]).map(({ name }) => name)).toEqual(["flush"]);
  });
  test("where clocks cannot be stepped, none is", () => {
    expect(phases(["clock", "kill"], false)[0]?.kinds).not.toContain("step-clock");
    expect(phases(["clock"], false)).toEqual([]);
  });
});

test("masters are lost where another server can take their place, and a single Redis is restarted", () => {
  expect(suits("restart-store", "single")).toBe(true);
  expect(suits("restart-store", "group")).toBe(false);
  expect(suits("kill-master", "single")).toBe(false);
  expect(suits("kill-master", "group")).toBe(true);
  expect(KINDS.filter((kind) => !suits(kind, "single") && !suits(kind, "group"))).toEqual([]);
  const kinds = (store: "single" | "group") =>
    new Set(
      planPhases({ seed: "7", seconds: 60, scenarios: ["store", "failover"] }, store, true).flatMap(({ schedule }) =>
        schedule.map(({ kind }) => kind),
      ),
    );
  expect(kinds("single")).toEqual(new Set(["restart-store", "long-outage"]));
  expect(kinds("group")).toEqual(new Set(["kill-master", "freeze-master"]));
});

test("every fault belongs to one scenario", () => {
  const listed = Object.values(SCENARIOS).flat();
  expect([...listed].sort()).toEqual([...KINDS].sort());
});

test("an agent's calls are of all sorts, and the same for the same seed", () => {
  const plans = (seed: string): CallPlan[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 1_000 }, (_, n) => planCall(n, ["orders", "notes"], random, USUAL_MIX));
  };
  const planned = plans("7");
  expect(planned).toEqual(plans("7"));
  const some = (of: (plan: CallPlan) => boolean): void => {
    const share = planned.filter(of).length / planned.length;
    expect(share).toBeGreaterThan(0.005);
    expect(share).toBeLessThan(0.95);
  };
  some(({ delivery }) => delivery === "once");
  some(({ how }) => how === "follow");
  some(({ wait }) => wait);
  some(({ twice }) => twice);
  some(({ toolset }) => toolset === "notes");
  some(({ cancelAfterMs }) => cancelAfterMs !== undefined);
  some(({ payload }) => payload.pieces > 0);
  some(({ payload }) => payload.stubborn);
  some(({ payload, timeoutMs }) => payload.ms > timeoutMs);
});
