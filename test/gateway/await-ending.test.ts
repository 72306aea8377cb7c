import { expect, test } from "vitest";
import { EndingWatch } from "../../src/gateway/await-ending.js";
import { randomCallId } from "../../src/identity/call-id.js";
import type { CallNotification, CallNotifications } from "../../src/store/calls/call-notifications.js";
import type { CallHead, Ending, SaidEnding } from "../../src/store/calls/call-record.js";

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
  const notification: Pick<CallNotifications, "watch" | "unwatch"> = { watch: () => {}, unwatch: () => {} };
  const settings = {
    notifications: notification as CallNotifications, // only these are used
    lost: { end: lost },
    clock: { nowMs: () => 0 },
    monotonicMs: () => 0,
  };
  const ended: SaidEnding[] = [];
  const id = randomCallId(0, (size) => Buffer.alloc(size));
  const watch = new EndingWatch(settings, id, { ended: (ending) => ended.push(ending), lost: () => {} });
  return { watch, ended, notify: (notification: CallNotification) => watch.onNotification(notification) };
}

test("an end that is notified before the call is admitted counts once it is", () => {
  const { watch, ended, notify } = watching();
  notify({ kind: "ended", ending: ENDING });
  expect(ended, "it may be another request's under the same ids").toEqual([]);
  watch.admitted(HEAD, undefined);
  expect(ended).toEqual([ENDING]);
});

test("an end is told once, however often it is notified", () => {
  const { watch, ended, notify } = watching();
  watch.admitted(HEAD, undefined);
  for (let i = 0; i < 2; i++) notify({ kind: "ended", ending: ENDING });
  expect(ended).toEqual([ENDING]);
});

test("a refused call's watch tells nothing", () => {
  const { watch, ended, notify } = watching();
  notify({ kind: "ended", ending: ENDING });
  watch.stop();
  notify({ kind: "gone" });
  expect(ended).toEqual([]);
});

test("a call that Redis has lost ends as its record then says", async () => {
  const { watch, ended, notify } = watching();
  notify({ kind: "gone" });
  await nextTurn();
  expect(ended, "it was not admitted yet").toEqual([]);
  watch.admitted(HEAD, undefined);
  notify({ kind: "gone" });
  await nextTurn();
  expect(ended).toEqual([LOST]);
});

test("a call that was missed while it was admitted anew, or that Redis cannot end now, is waited for", async () => {
  const answers = [Promise.resolve(undefined), Promise.reject(new Error("away"))];
  const { watch, ended, notify } = watching(() => answers.shift() ?? Promise.resolve(LOST));
  watch.admitted(HEAD, undefined);
  for (let i = 0; i < 2; i++) notify({ kind: "gone" });
  await nextTurn();
  expect(ended).toEqual([]);
  notify({ kind: "ended", ending: ENDING });
  expect(ended).toEqual([ENDING]);
});

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
