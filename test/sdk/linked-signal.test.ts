import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { linkSignals } from "../../src/sdk/linked-signal.js";

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
  const warned = vi.fn();
  process.on("warning", warned);
  try {
    const source = new AbortController();
    for (let call = 0; call < 50; call++) linkSignals(source.signal);
    // Warnings are told in order.
    const told = once(process, "warning");
    process.emitWarning("that is all");
    await told;
    expect(warned.mock.calls.map(([warning]) => String(warning))).toEqual(["Warning: that is all"]);
  } finally {
    process.off("warning", warned);
  }
});
