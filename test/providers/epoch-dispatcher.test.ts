import { describe, expect, test } from "vitest";
import { ChurnMap } from "../../src/async/churn-map.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { Epoch } from "../../src/identity/names.js";
import { EpochDispatcher } from "../../src/providers/epoch-dispatcher.js";
import type { ProviderSession } from "../../src/providers/provider-session.js";
import type { RedisClient } from "../../src/redis/redis-client.js";
import type { Reply } from "../../src/redis/script.js";
import type { CallStore } from "../../src/store/calls/call-store.js";
import { callStore, NODE } from "../store/calls/calls-fixture.js";
import { TOOLSET } from "../store/registry/registry-fixture.js";
import { SILENT_FAULTS } from "../support/silent-faults.js";

/** What TAKE answers for one session where no calls wait. */
const NOTHING: Reply = [[Buffer.from("taken"), 0, []]];
/** The same where it claimed one. */
const ONE: Reply = [
  [
    Buffer.from("taken"),
    0,
    [[Buffer.from("c 1 100 - tools sum 1 d once 2000000000000 1000"), Buffer.from("{}"), Buffer.from("")]],
  ],
];
/** The same where more calls wait than were asked for. */
const MORE: Reply = [[Buffer.from("taken"), 1, []]];
const AWAY = new ToolgateError("STORE_UNAVAILABLE", "away");
/** More turns of the microtask queue than there are between an answer of Redis and the next step. */
const TURNS = 40;

/** A dispatcher with one session, and the takes that it has asked for. */
function scene() {
  const takes: { answer(reply: Reply): void; fail(error: Error): void }[] = [];
  const commits: CallStore["commits"] = {
    waits: true,
    confirming: true,
    run: () =>
      new Promise((resolve, reject) => {
        takes.push({ answer: (reply) => resolve({ reply, confirm: async () => {} }), fail: reject });
      }),
    confirm: async () => {},
  };
  const dispatcher = new EpochDispatcher(TOOLSET, 1 as Epoch, {
    store: callStore({} as RedisClient, { commits }), // the commits run everything
    node: NODE,
    missedPings: 3,
    faults: SILENT_FAULTS,
    onTaken: () => {},
    onLost: () => {},
    onAnswered: () => {},
  });
  const room = { calls: 1 };
  const taker = { provider: "p", incarnation: "i", session: "s" };
  const session = {
    ...{ taker, credits: () => room.calls, maxInFlight: 10, running: 0, saturated: false, inHand: new ChurnMap() },
    ...{ deliver: () => void room.calls--, redeliver: () => {} },
  };
  dispatcher.sessions.add(session as unknown as ProviderSession); // all that it uses
  dispatcher.wake();
  const [first] = takes;
  if (first === undefined) throw new Error("it takes at once");
  return { dispatcher, takes, first, room };
}

/** Lets `count` turns of the microtask queue pass. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await undefined;
}

/** Does something at every moment from the answer of a first take until all has come to rest. */
describe("at every moment after a take was answered", () => {
  test("a wake leads to another take", async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      const { dispatcher, takes, first } = scene();
      first.answer(NOTHING);
      await turns(turn);
      dispatcher.wake();
      await turns(TURNS);
      expect(takes, `${turn} turns after`).toHaveLength(2);
    }
  });

  test("room leads to another take, if more calls wait than there was room for", async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      const { dispatcher, takes, first, room } = scene();
      room.calls = 0;
      first.answer(MORE);
      await turns(turn);
      room.calls = 1;
      dispatcher.pump();
      await turns(TURNS);
      expect(takes, `${turn} turns after`).toHaveLength(2);
    }
  });

  test("a wake leads to another take, also if the first one failed", async () => {
    for (let turn = 0; turn < TURNS; turn++) {
      const { dispatcher, takes, first } = scene();
      first.fail(AWAY);
      await turns(turn);
      dispatcher.wake();
      await turns(TURNS);
      expect(takes, `${turn} turns after`).toHaveLength(2);
    }
  });
});

test("at no moment after a take was answered is the room offered that its calls fill", async () => {
  for (let turn = 0; turn < TURNS; turn++) {
    const { dispatcher, first, room } = scene();
    first.answer(ONE);
    await turns(turn);
    expect(dispatcher.offer(1), `${turn} turns after`).toBeUndefined();
    await turns(TURNS);
    expect(room.calls).toBe(0);
  }
});

test("a take that failed is not repeated until somebody wakes the dispatcher", async () => {
  const { takes, first } = scene();
  first.fail(AWAY);
  await turns(TURNS);
  expect(takes).toHaveLength(1);
});

describe("credits", () => {
  test("are not offered while a take may use them, nor taken while an offer may", async () => {
    const { dispatcher, takes, first, room } = scene();
    expect(dispatcher.offer(5)).toBeUndefined();
    first.answer(NOTHING);
    await turns(TURNS);
    room.calls = 3;
    const two = dispatcher.offer(2);
    expect(two?.takers).toMatchObject([{ provider: "p", credits: 2, running: 0 }]);
    const one = dispatcher.offer(2);
    expect(one?.takers).toMatchObject([{ provider: "p", credits: 1, running: 2 }]);
    dispatcher.wake();
    expect(takes).toHaveLength(1);
    one?.taken([{ kind: "taken", calls: [], more: false }]);
    expect(takes).toHaveLength(2);
    two?.failed(new ToolgateError("STORE_UNAVAILABLE", "never sent", { executed: "no" }));
    expect(dispatcher.offer(5)?.takers).toMatchObject([{ credits: 2 }]);
  });

  test("are offered by none whose calls have to be found first; and these not while another offer may claim more", async () => {
    const { dispatcher, takes, first, room } = scene();
    first.answer(NOTHING);
    await turns(TURNS);
    room.calls = 3;
    const [lost, late] = [dispatcher.offer(1), dispatcher.offer(1)];
    lost?.failed(new ToolgateError("STORE_UNAVAILABLE", "no answer", { executed: "unknown" }));
    expect(dispatcher.offer(1)).toBeUndefined();
    expect(takes).toHaveLength(1);
    late?.taken([{ kind: "taken", calls: [], more: false }]);
    expect(takes).toHaveLength(2); // what it holds is asked for
    expect(dispatcher.offer(1)).toBeUndefined();
    takes[1]?.answer([Buffer.from("resumed"), [], [], [], Buffer.from("")]);
    await turns(TURNS);
    takes[2]?.answer(NOTHING); // and what waits
    await turns(TURNS);
    expect(dispatcher.offer(1)?.takers).toHaveLength(1);
  });
});

test("looks at as many sessions for an offer as it has calls, not at all there are, and at another one each time", async () => {
  const { dispatcher, first } = scene();
  first.answer(NOTHING);
  await turns(TURNS);
  const looked: string[] = [];
  for (let index = 0; index < 1_000; index++) {
    const taker = { provider: `q${index}`, incarnation: "i", session: "s" };
    const credits = () => looked.push(taker.provider) && 5;
    const session = { ...{ taker, credits, maxInFlight: 5, running: 0, saturated: false, inHand: new ChurnMap() } };
    dispatcher.sessions.add(session as unknown as ProviderSession); // all that it uses
  }
  const offered: (string | undefined)[] = [];
  for (let call = 0; call < 1_001; call++) offered.push(dispatcher.offer(1)?.takers[0]?.provider);
  expect(looked.length).toBeLessThanOrEqual(1_001);
  expect(new Set(offered).size, "each of them in turn").toBe(1_001);
});
