import { describe, expect, test } from "vitest";
import type { LedgerLine } from "../../../tools/chaos/ledger.js";
import { lostOnceTimes, recoveryTimes, redeliveryTimes, summarise } from "../../../tools/chaos/recovery.js";
import { asked, evidence, fault, get, record, terminal } from "./evidence.js";

test("times are told by their median and their worst", () => {
  expect(summarise("x", [])).toEqual([]);
  expect(summarise("x", [30, 10.4, 20])).toEqual([{ what: "x", count: 3, medianMs: 20, worstMs: 30 }]);
  expect(summarise("x", [4, 1, 3, 2])).toEqual([{ what: "x", count: 4, medianMs: 2, worstMs: 4 }]);
});

describe("recovery", () => {
  const one = fault({ atMs: 100, healedAtMs: 200 });
  const took = (faults = [one], wellMs: number | undefined = 350) =>
    recoveryTimes(faults, () => wellMs).map(({ tookMs }) => tookMs);

  test("counts from the healing", () => {
    expect(took()).toEqual([150]);
  });
  test("is not told where all was never well again, or another fault came in between", () => {
    expect(recoveryTimes([one], () => undefined)).toEqual([]);
    expect(took([one, fault({ number: 2, atMs: 300, healedAtMs: 340 })])).toEqual([10]);
    expect(took([one, fault({ number: 2, atMs: 150, healedAtMs: 900 })], 950)).toEqual([50]);
  });
  test("is told where the other fault was over, or had not begun", () => {
    expect(took([fault({ number: 2, atMs: 10, healedAtMs: 90 }), one], 350)).toEqual([150]);
  });
});

describe("after kill -9 of a provider", () => {
  const start = (more: Partial<LedgerLine> = {}): LedgerLine => ({
    phase: "start",
    call: "c",
    attempt: 1,
    incarnation: "orders-1#7.1",
    run: "orders-1#7.1:1",
    atMs: 1_000,
    ...more,
  });
  const kill = fault({ kind: "kill-provider", target: "orders-1", atMs: 1_100, healedAtMs: 3_000 });
  const again = start({ attempt: 2, incarnation: "orders-2#8.1", run: "orders-2#8.1:1", atMs: 2_300 });

  test("an idempotent call that it ran begins anew", () => {
    expect(redeliveryTimes(evidence({ faults: [kill], ledger: [start(), again] }))).toEqual([1_200]);
  });
  test("one that had ended, or whose provider was alone or not killed, does not count", () => {
    const ended = { ...start(), phase: "end", how: "returned" } as const;
    expect(redeliveryTimes(evidence({ faults: [kill], ledger: [start(), ended, again] }))).toEqual([]);
    expect(redeliveryTimes(evidence({ faults: [{ ...kill, target: "orders-3" }], ledger: [start(), again] }))).toEqual(
      [],
    );
    const alone = start({ incarnation: "notes-1#7.1", run: "notes-1#7.1:1" });
    expect(redeliveryTimes(evidence({ faults: [{ ...kill, target: "notes-1" }], ledger: [alone, again] }))).toEqual([]);
  });
  test("a once call that it ran ends as unknown", () => {
    const lost = terminal({ kind: "outcome_unknown", reason: "PROVIDER_LOST", body: "", endedAtMs: 4_000 });
    const late = terminal({ kind: "outcome_unknown", reason: "DEADLINE_EXCEEDED", body: "", endedAtMs: 4_000 });
    const of = (end: typeof lost) =>
      lostOnceTimes(
        evidence({ history: [asked()], faults: [kill], ledger: [start()], records: [record([get("gateway 1", end)])] }),
      );
    expect(of(lost)).toEqual([2_900]);
    expect(of(late)).toEqual([]);
  });
});
