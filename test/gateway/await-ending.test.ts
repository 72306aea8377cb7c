import { expect, test } from "vitest";
import { EndingWatch } from "../../src/gateway/await-ending.js";
import { randomCallId } from "../../src/identity/call-id.js";
import type { CallHead, Ending, SaidEnding } from "../../src/store/calls/call-record.js";
import type { Doorbell, Ring } from "../../src/store/calls/doorbell.js";

const ENDING: Ending = {
  unchecked: false,
  kind: "result",
  reason: "",
  attempt: 1,
  endedAtMs: 1,
  body: Buffer.from("3"),
};
const LOST: Ending = { ...ENDING, kind: "outcome_unknown", reason: "STATE_LOST" };
const HEAD = { deadlineMs: 1_000 } as CallHead; // all that waiting needs of it

function watching(lost: () => Promise<Ending | undefined> = async () => LOST) {
  const bell: Pick<Doorbell, "watch" | "unwatch"> = { watch: () => {}, unwatch: () => {} };
  const settings = {
    doorbell: bell as Doorbell, // only these are used
    lost: { end: lost },
    clock: { nowMs: () => 0 },
    monotonicMs: () => 0,
  };
  const ended: SaidEnding[] = [];
  const id = randomCallId(0, (size) => Buffer.alloc(size));
  const watch = new EndingWatch(settings, id, { ended: (ending) => ended.push(ending), lost: () => {} });
  return { watch, ended, ring: (ring: Ring) => watch.onRing(ring) };
}

test("an end that is rung before the call is admitted counts once it is", () => {
  const { watch, ended, ring } = watching();
  ring({ kind: "ended", ending: ENDING });
  expect(ended, "it may be another request's under the same ids").toEqual([]);
  watch.admitted(HEAD, undefined);
  expect(ended).toEqual([ENDING]);
});

test("an end is told once, however often it is rung", () => {
  const { watch, ended, ring } = watching();
  watch.admitted(HEAD, undefined);
  for (let i = 0; i < 2; i++) ring({ kind: "ended", ending: ENDING });
  expect(ended).toEqual([ENDING]);
});

test("a refused call's watch tells nothing", () => {
  const { watch, ended, ring } = watching();
  ring({ kind: "ended", ending: ENDING });
  watch.stop();
  ring({ kind: "gone" });
  expect(ended).toEqual([]);
});

test("a call that Redis has lost ends as its record then says", async () => {
  const { watch, ended, ring } = watching();
  ring({ kind: "gone" });
  await nextTurn();
  expect(ended, "it was not admitted yet").toEqual([]);
  watch.admitted(HEAD, undefined);
  ring({ kind: "gone" });
  await nextTurn();
  expect(ended).toEqual([LOST]);
});

test("a call that was missed while it was admitted anew, or that Redis cannot end now, is waited for", async () => {
  const answers = [Promise.resolve(undefined), Promise.reject(new Error("away"))];
  const { watch, ended, ring } = watching(() => answers.shift() ?? Promise.resolve(LOST));
  watch.admitted(HEAD, undefined);
  for (let i = 0; i < 2; i++) ring({ kind: "gone" });
  await nextTurn();
  expect(ended).toEqual([]);
  ring({ kind: "ended", ending: ENDING });
  expect(ended).toEqual([ENDING]);
});

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
