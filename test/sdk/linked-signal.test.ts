import { expect, test } from "vitest";
import { linkSignals } from "../../src/sdk/linked-signal.js";
import { warningsDuring } from "../support/warnings.js";

test("a linked signal aborts with the first of its sources, with its reason, until it is released", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const linked = linkSignals(first.signal, undefined, second.signal);
  const released = linkSignals(first.signal);
  released.release();
  second.abort("enough");
  first.abort("late");
  expect(linked.signal.reason).toBe("enough");
  expect(released.signal.aborted).toBe(false);
  expect(linkSignals(first.signal).signal.reason).toBe("late");
});

test("one signal may be followed by many calls at once, without a warning of a leak", async () => {
  const warnings = await warningsDuring(async () => {
    const source = new AbortController();
    for (let call = 0; call < 50; call++) linkSignals(source.signal);
  });
  expect(warnings).toEqual([]);
});
