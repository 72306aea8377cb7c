import { describe, expect, test } from "vitest";
import { check } from "../../../tools/chaos/check/check.js";
import type { Evidence, InjectedFault, LeaderNote, LeaseProbe, Ping } from "../../../tools/chaos/check/evidence.js";
import type { HistoryEvent } from "../../../tools/chaos/history.js";
import {
  admitted,
  asked,
  DEADLINE_MS,
  ended,
  evidence,
  FLUSH,
  fault,
  follow,
  get,
  NODES,
  RESULT,
  record,
  refused,
  run,
  terminal,
  unknown,
} from "./evidence.js";

/** The rules that some evidence breaks. */
const broken = (more: Partial<Evidence> = {}): string[] => check(evidence(more)).map(({ rule }) => rule);

const LOST = "no acknowledged call is lost";
const HANGS = "no call hangs";
const TERMINAL = "exactly one terminal, the same for every reader";
const DEADLINE = "every call ends within its deadline and a second";
const EXECUTIONS = "no call runs more often than it may";
const NOT_EXECUTED = "what is said not to have run did not run";
const FENCE = "no result comes from a fenced attempt";
const READERS = "output is the same for every reader, from every cursor, on every node";
const WATCH = "revisions seen by one watch never go back";
const PINGS = "at most one ping per toolset epoch and slot";
const TAKEOVER = "the next ping comes within the lock's time to live and one interval";
const GRACEFUL = "graceful restarts fail no call";
const GIVEN_UP = "a call is given up only when its provider was lost";
const AGAIN = "an idempotent call of a killed provider runs again within its claim's lease and half a second";
const ENDS_SOON = "a once call of a killed provider ends within its claim's lease and a second";
const HELD_OVER = "an outage of Redis makes no call run again";
const OUTPUT = "output is what a run said, in order and once";
const RESULTS = "a result is that of its own call";
const STORE = "nobody is told that Redis is away while it is there";
const EPOCH = "an epoch is never given twice";
const RESULT_2 = '{"n":1,"by":"orders-1#1","attempt":2,"run":"orders-1#1:2"}';

test("what went well breaks no rule", () => {
  expect(broken()).toEqual([]);
  expect(broken({ history: [asked(), admitted(), ended()] })).toEqual([]);
});

describe("acknowledged calls", () => {
  const gone = [record(NODES.map((node) => get(node, "unknown")))];

  test("one that ended and has no record is lost", () => {
    expect(broken({ records: gone })).toEqual([LOST]);
  });
  test("one that has a handle and no record is lost, whatever became of the request", () => {
    expect(broken({ history: [asked(), admitted(), unknown()], records: gone })).toEqual([LOST]);
  });
  test("one that a single node does not know is lost", () => {
    expect(broken({ records: [record([get("gateway 1"), get("gateway 2", "unknown")])] })).toEqual([LOST]);
  });
  test("one that was unknown to whoever followed it with its handle is lost, though its record is there now", () => {
    expect(broken({ history: [asked(), admitted(), unknown("UNKNOWN_CALL")] })).toEqual([LOST]);
  });
  test("one that nobody acknowledged may be unknown", () => {
    expect(broken({ history: [asked(), unknown()], records: gone, ledger: [] })).toEqual([]);
    expect(broken({ history: [asked(), refused()], records: gone, ledger: [] })).toEqual([]);
  });
  test("a flush excuses those that were asked for before it, and no later ones", () => {
    expect(broken({ records: gone, faults: [FLUSH] })).toEqual([]);
    const before = { ...FLUSH, atMs: 9_000, healedAtMs: 9_001 };
    expect(broken({ records: gone, faults: [before] })).toEqual([LOST]);
  });
});

describe("results", () => {
  test("one of another call's payload is wrong, wherever it is told", () => {
    const own = { kind: "result", body: '{"n":2,"by":"orders-1#1","attempt":1,"run":"orders-1#1:1"}' };
    expect(broken({ history: [asked({ n: 2 }), ended()] })).toEqual([RESULTS]);
    expect(broken({ history: [asked({ n: 2 }), ended({ terminal: own })] })).toEqual([TERMINAL, RESULTS]);
  });
});

describe("hanging calls", () => {
  test("one that has not ended when it is read hangs, also after a flush", () => {
    const unfinished = [record([get("gateway 1", "unfinished")])];
    expect(broken({ records: unfinished })).toEqual([HANGS]);
    expect(broken({ records: unfinished, faults: [FLUSH] })).toEqual([HANGS]);
  });
  test("one that cannot be read hangs", () => {
    const failed = { ...get("gateway 1"), answer: { kind: "failed", why: "no answer" } as const };
    expect(broken({ records: [record([failed])] })).toEqual([HANGS]);
  });
  test("a request without an outcome hangs, though the call ended for another request", () => {
    expect(broken({ history: [asked(), asked({ request: "a/1.2" }), ended()] })).toEqual([HANGS]);
  });
  test("a time-out is an outcome, and no failure", () => {
    expect(broken({ history: [asked(), unknown("DEADLINE_EXCEEDED")] })).toEqual([]);
  });
});

describe("terminals", () => {
  const lost = terminal({ kind: "outcome_unknown", reason: "PROVIDER_LOST", body: "", endedAtMs: 10_300 });

  test("two different ones on two nodes are two terminals, also after a flush", () => {
    const records = [record([get("gateway 1"), get("gateway 2", lost)])];
    expect(broken({ records })).toEqual([TERMINAL]);
    expect(broken({ records, faults: [FLUSH] })).toEqual([TERMINAL]);
  });
  test("the same one on all nodes is one", () => {
    expect(broken({ records: [record(NODES.map((node) => get(node, lost)))], history: [asked(), unknown()] })).toEqual(
      [],
    );
  });
  test("an agent that was told another end than the record's saw a second terminal", () => {
    expect(broken({ records: [record([get("gateway 1", lost)])] })).toEqual([TERMINAL]);
  });
  test("an agent that was told another result saw a second terminal", () => {
    const body = '{"n":1,"by":"orders-1#1","attempt":1,"run":"orders-1#1:2"}';
    expect(broken({ history: [asked(), ended({ terminal: { kind: "result", body } })] })).toEqual([TERMINAL]);
  });
  test("an agent that was told another time or attempt saw a second terminal", () => {
    const { kind, reason, attempt, endedAtMs } = lost;
    const told = (more: object): HistoryEvent =>
      ended({ terminal: { kind, reason, attempt, endedAtMs, body: "", ...more } });
    const records = [record([get("gateway 1", lost)])];
    expect(broken({ records, history: [asked(), told({})] })).toEqual([]);
    expect(broken({ records, history: [asked(), told({ endedAtMs: 10_301 })] })).toEqual([TERMINAL]);
    expect(broken({ records, history: [asked(), told({ attempt: 2 })] })).toEqual([TERMINAL]);
    expect(broken({ records, history: [asked(), told({ reason: "DEADLINE_EXCEEDED" })] })).toEqual([TERMINAL]);
  });
  test("a flush excuses an agent that was told before it", () => {
    expect(broken({ records: [record([get("gateway 1", lost)])], faults: [FLUSH] })).toEqual([]);
  });
});

describe("deadlines", () => {
  const endedAt = (endedAtMs: number) => ({
    records: [
      record([get("gateway 1", terminal({ kind: "outcome_unknown", reason: "PROVIDER_LOST", body: "", endedAtMs }))]),
    ],
    history: [asked(), unknown()],
  });
  const late = (afterMs: number, more: Partial<Evidence> = {}) =>
    broken({ ...endedAt(DEADLINE_MS + afterMs), ...more });

  test("a terminal may come a second after the deadline, with the tolerance; no later", () => {
    expect(late(1_500)).toEqual([]);
    expect(late(1_501)).toEqual([DEADLINE]);
  });
  test("while the store is away nobody can end a call: the second counts from when they can", () => {
    const outages = [{ who: "store", fromMs: DEADLINE_MS - 1_000, toMs: DEADLINE_MS + 3_000 }];
    expect(late(6_500, { outages })).toEqual([]);
    expect(late(6_501, { outages })).toEqual([DEADLINE]);
  });
  test("an outage that was over before the deadline, or began after the bound, excuses nothing", () => {
    const early = [{ who: "store", fromMs: DEADLINE_MS - 5_000, toMs: DEADLINE_MS - 2_001 }];
    const later = [{ who: "store", fromMs: DEADLINE_MS + 1_001, toMs: DEADLINE_MS + 9_000 }];
    expect(late(1_501, { outages: early })).toEqual([DEADLINE]);
    expect(late(5_000, { outages: later })).toEqual([DEADLINE]);
  });
  test("one gateway that is left is enough to end a call", () => {
    const out = (who: string, fromMs: number, toMs: number) => ({
      who,
      fromMs: DEADLINE_MS + fromMs,
      toMs: DEADLINE_MS + toMs,
    });
    const two = [out("gateway 1", -1_000, 3_000), out("gateway 2", -1_000, 3_000)];
    expect(late(4_000, { outages: two })).toEqual([DEADLINE]);
    expect(late(4_000, { outages: [...two, out("gateway 3", 0, 2_000)] })).toEqual([]);
    expect(late(4_000, { outages: [...two, out("gateway 2", -9_000, -5_000)] })).toEqual([DEADLINE]);
  });
});

describe("executions", () => {
  test("a once call runs once", () => {
    expect(broken({ ledger: [...run(1), ...run(2, { cut: true })] })).toEqual(expect.arrayContaining([EXECUTIONS]));
  });
  test("an idempotent call runs as often as it may be attempted", () => {
    const history = [asked({ delivery: "idempotent" }), unknown()];
    const exhausted = terminal({ kind: "attempts_exhausted", reason: "ATTEMPTS_EXHAUSTED", attempt: 3, body: "" });
    const records = [record([get("gateway 1", exhausted)])];
    const three = [1, 2, 3].flatMap((attempt) => run(attempt, { cut: true }));
    expect(broken({ history, records, ledger: three })).toEqual([]);
    expect(broken({ history, records, ledger: [...three, ...run(4, { cut: true })] })).toEqual([EXECUTIONS]);
  });
  test("no attempt runs twice", () => {
    const history = [asked({ delivery: "idempotent" }), unknown()];
    expect(broken({ history, ledger: [...run(1), ...run(1, { run: "p#2:1" })] })).toEqual([EXECUTIONS]);
  });
  test("nothing runs that nobody asked for", () => {
    expect(broken({ ledger: [...run(), ...run(1, { call: "stranger" })] })).toEqual([EXECUTIONS]);
  });
  test("a flush during the call allows for one more life, and not for two", () => {
    const second = run(1, { run: "p#2:1" });
    expect(broken({ ledger: [...run(), ...second], faults: [FLUSH] })).toEqual([]);
    expect(broken({ ledger: [...run(), ...second, ...run(1, { run: "p#3:1" })], faults: [FLUSH] })).toEqual([
      EXECUTIONS,
    ]);
  });
});

describe("what did not run", () => {
  const notExecuted = terminal({ kind: "not_executed", reason: "CANCELLED", attempt: 0, body: "" });

  test("a call that ended as not_executed is in no ledger", () => {
    const records = [record([get("gateway 1", notExecuted)])];
    expect(broken({ records, history: [asked(), unknown()], ledger: [] })).toEqual([]);
    expect(broken({ records, history: [asked(), unknown()], ledger: run(1, { cut: true }) })).toEqual([NOT_EXECUTED]);
  });
  test("a call whose every request was refused is in no ledger", () => {
    const history = [asked(), refused(), asked({ request: "a/1.2" }), refused("a/1.2")];
    expect(broken({ history, records: [], ledger: [] })).toEqual([]);
    expect(broken({ history, records: [], ledger: run() })).toEqual([NOT_EXECUTED]);
  });
  test("a call of which one request was not refused may have run", () => {
    const history = [asked(), refused(), asked({ request: "a/1.2" }), unknown("NODE_UNREACHABLE", "a/1.2")];
    expect(broken({ history, records: [], ledger: run() })).toEqual([]);
  });
});

describe("the fence", () => {
  const idempotent = [asked({ delivery: "idempotent" }), unknown()];
  const result = (attempt: number, ranAs: number) =>
    terminal({ attempt, body: `{"n":1,"by":"orders-1#1","attempt":${ranAs},"run":"orders-1#1:${ranAs}"}` });
  const records = (attempt: number, ranAs = attempt) => [record([get("gateway 1", result(attempt, ranAs))])];

  test("the last attempt's result is a result", () => {
    const ledger = [...run(1, { cut: true }), ...run(2)];
    expect(broken({ history: idempotent, ledger, records: records(2) })).toEqual([]);
  });
  test("the result of an attempt after which another began is fenced", () => {
    const ledger = [...run(1), ...run(2, { cut: true })];
    expect(broken({ history: idempotent, ledger, records: records(1) })).toEqual([FENCE]);
  });
  test("a result under another attempt's number is fenced", () => {
    const ledger = [...run(1), ...run(2, { cut: true })];
    expect(broken({ history: idempotent, ledger, records: records(2, 1) })).toEqual([FENCE]);
  });
  test("a result that no ledger of the call has comes from nowhere", () => {
    expect(broken({ ledger: [] })).toEqual([FENCE]);
  });
});

describe("readers", () => {
  const whole = NODES.map((node) => follow(node, "", ["1-0", "2-0", "3-0"]));

  test("the same output everywhere, and from a cursor what comes after it, is right", () => {
    const parts = NODES.map((node) => follow(node, "2-0", ["3-0"]));
    expect(broken({ records: [record([...NODES.map((node) => get(node)), ...whole, ...parts])] })).toEqual([]);
  });
  test("other bytes on one node are wrong", () => {
    expect(broken({ records: [record([...whole, follow("gateway 2", "", ["1-0", "2-0", "3-0"], "2")])] })).toEqual([
      READERS,
    ]);
  });
  test("a piece that is missing, or told again, from a cursor is wrong", () => {
    expect(broken({ records: [record([...whole, follow("gateway 2", "1-0", ["3-0"])])] })).toEqual([READERS]);
    expect(broken({ records: [record([...whole, follow("gateway 2", "1-0", ["1-0", "2-0", "3-0"])])] })).toEqual([
      READERS,
    ]);
  });
  test("an agent that followed saw all of it", () => {
    const saw = (cursors: readonly string[]) =>
      ended({ deltas: cursors.map((cursor) => ({ cursor, attempt: 1, data: "1" })) });
    expect(broken({ records: [record(whole)], history: [asked(), saw(["1-0", "2-0", "3-0"])] })).toEqual([]);
    expect(broken({ records: [record(whole)], history: [asked(), saw(["1-0", "3-0"])] })).toEqual([READERS]);
    expect(broken({ records: [record(whole)], history: [asked(), saw([])], faults: [FLUSH] })).toEqual([]);
  });
});

describe("watches", () => {
  const watched = (revision: string, watch = "w", what = "changes"): HistoryEvent => ({
    kind: "watched",
    watch,
    revision,
    what,
    atMs: 1,
  });
  const seen = (...events: HistoryEvent[]) => broken({ history: [asked(), ended(), ...events] });

  test("revisions go on, or stay", () => {
    expect(seen(watched("9-1"), watched("10-0"), watched("10-0"), watched("10-2"))).toEqual([]);
    expect(seen(watched("10-1"), watched("9-5"))).toEqual([WATCH]);
    expect(seen(watched("10-10"), watched("10-9"))).toEqual([WATCH]);
  });
  test("each watch counts by itself, and each shard", () => {
    expect(seen(watched("10-1"), watched("9-5", "other"))).toEqual([]);
    expect(seen(watched("5-0,9-0"), watched("6-0,8-0"))).toEqual([WATCH]);
  });
  test("a watch that failed is told", () => {
    expect(seen(watched("", "w", "failed: no node"))).toEqual(["a watch outlives faults"]);
  });
});

describe("tenants", () => {
  test("a call runs with its own toolset's providers, and with no other tenant's", () => {
    expect(broken({})).toEqual([]);
    expect(broken({ history: [asked({ toolset: "acme/orders" }), ended()] })).toEqual([
      "a call runs with its own toolset's providers",
    ]);
  });
});

describe("pings", () => {
  const ping = (slot: number, more: Partial<Ping> = {}): Ping => ({
    atMs: slot * 500 + 10,
    slot: String(slot),
    toolset: "orders",
    epoch: 7,
    ...more,
  });

  test("one per slot, toolset and epoch", () => {
    expect(broken({ pings: [ping(1), ping(2), ping(1, { epoch: 8 }), ping(1, { toolset: "notes" })] })).toEqual([]);
    expect(broken({ pings: [ping(1), ping(1, { atMs: 900 })] })).toEqual([PINGS]);
  });
  test("a flush excuses a slot that it falls into, and no other", () => {
    const faults = [fault({ kind: "flush", target: "store", atMs: 20_200, healedAtMs: 20_201 })];
    expect(broken({ pings: [ping(40), ping(40)], faults })).toEqual([]);
    expect(broken({ pings: [ping(45), ping(45)], faults })).toEqual([PINGS]);
  });

  describe("after the pinger was hit", () => {
    const hit = fault({ kind: "freeze-pinger", atMs: 10_005, healedAtMs: 13_000, hitPinger: true });
    const at = (...times: number[]) => times.map((atMs, index) => ping(index, { atMs }));

    test("the next one comes within the lock's time to live, one interval and the tolerance", () => {
      expect(broken({ faults: [hit], pings: at(10_000, 12_004, 12_500) })).toEqual([]);
      expect(broken({ faults: [hit], pings: at(10_000, 12_006, 12_500) })).toEqual([TAKEOVER]);
    });
    test("none at all is judged too, where it was listened for long enough", () => {
      expect(broken({ faults: [hit], pings: at(10_000, 19_000) })).toEqual([TAKEOVER]);
      expect(broken({ faults: [hit], pings: at(10_000) })).toEqual([TAKEOVER]);
      expect(broken({ faults: [hit], pings: at(10_000), observedUntilMs: 11_000 })).toEqual([]);
    });
    test("it is not judged while the store is away, or no gateway was there all along", () => {
      const store = [{ who: "store", fromMs: 11_000, toMs: 11_100 }];
      const all = NODES.map((who) => ({ who, fromMs: 11_000, toMs: 11_100 }));
      expect(broken({ faults: [hit], pings: at(10_000, 19_000), outages: store })).toEqual([]);
      expect(broken({ faults: [hit], pings: at(10_000, 19_000), outages: all })).toEqual([]);
      expect(broken({ faults: [hit], pings: at(10_000, 19_000), outages: all.slice(1) })).toEqual([TAKEOVER]);
    });
    test("a node that did not ping has nothing to hand over", () => {
      expect(broken({ faults: [{ ...hit, hitPinger: false }], pings: at(10_000, 19_000) })).toEqual([]);
    });
  });
});

describe("graceful restarts", () => {
  const gateway = [fault({ kind: "restart-gateway" })];
  const provider = [fault({ kind: "restart-provider", atMs: 10_050 })];
  const failed = { history: [asked(), refused()], records: [], ledger: [] };

  test("of gateways fail no request", () => {
    expect(broken({ ...failed, faults: gateway })).toEqual([GRACEFUL]);
    expect(broken({ history: [asked(), unknown()], faults: gateway })).toEqual([GRACEFUL]);
    expect(broken({ history: [asked(), unknown("ABORTED_BY_AGENT")], faults: gateway })).toEqual([]);
  });
  test("of providers lose none of their calls, though there may be nobody to ask for a while", () => {
    const lost = { kind: "outcome_unknown", reason: "PROVIDER_LOST", attempt: 1, endedAtMs: 10_160, body: "" };
    const records = [record([get("gateway 1", terminal(lost))])];
    expect(broken({ ...failed, faults: provider })).toEqual([]);
    expect(broken({ history: [asked(), ended({ terminal: lost })], records, faults: provider })).toEqual([GRACEFUL]);
  });
  test("of gateways let no call wait in vain", () => {
    const waited = { kind: "not_executed", reason: "DEADLINE_EXCEEDED", body: "" };
    const records = [record([get("gateway 1", terminal(waited))])];
    expect(broken({ history: [asked()], records, ledger: [], faults: gateway })).toContain(GRACEFUL);
  });
  test("may be noticed by who asks one gateway alone", () => {
    expect(broken({ history: [asked({ how: "gateway 1" }), unknown()], faults: gateway })).toEqual([]);
  });
  test("are not alone where something was killed", () => {
    expect(broken({ ...failed, faults: [...gateway, fault()] })).toEqual([]);
  });
  test("of all gateways at once leave nobody to ask", () => {
    const outages = NODES.map((who) => ({ who, fromMs: 10_000, toMs: 11_000 }));
    expect(broken({ ...failed, faults: gateway, outages })).toEqual([]);
  });
});

test("a process that ended by itself is told", () => {
  const incidents = [{ atMs: 1, message: "gateway 1 ended by itself", evidence: ["its last line"] }];
  expect(broken({ incidents })).toEqual(["processes end when and as they are told to"]);
});

test("a cluster that is not healthy in time is told", () => {
  const healing = { healthy: false, tookMs: 20_100, boundMs: 20_000, why: "gateway 2: notes is not healthy" };
  expect(broken({ healing })).toEqual(["after healing all is healthy again without a restart"]);
});

test("every broken promise comes with its evidence", () => {
  const [violation] = check(evidence({ ledger: [...run(1), ...run(2, { cut: true })] }));
  expect(violation?.call).toBe("c");
  expect(violation?.evidence.filter((line) => line.startsWith("ledger"))).toHaveLength(3);
  expect(violation?.evidence.filter((line) => line.startsWith("history"))).toHaveLength(2);
  expect(violation?.evidence.filter((line) => line.startsWith("record"))).toHaveLength(1);
});

describe("lost providers", () => {
  const lost = { kind: "outcome_unknown", reason: "PROVIDER_LOST", body: "", endedAtMs: 13_400 };
  const records = [record([get("gateway 1", terminal(lost))])];
  const given = (faults: readonly InjectedFault[]) =>
    broken({ history: [asked(), ended({ terminal: lost })], records, faults });

  test("a once call is not given up while all providers live, whatever happens to gateways for a moment", () => {
    expect(given([fault({ kind: "kill-gateway" })])).toEqual([GIVEN_UP]);
    expect(given([fault({ kind: "cut-provider-link" })])).toEqual([GIVEN_UP]);
  });
  test("nor over an outage of Redis, which makes no idempotent call run again either", () => {
    const outage = fault({ kind: "long-outage", target: "store", atMs: 10_050, healedAtMs: 16_000 });
    expect(given([outage])).toEqual([GIVEN_UP]);
    const again = (faults: Evidence["faults"]) =>
      broken({ history: [asked({ delivery: "idempotent" }), ended()], ledger: [...run(1), ...run(2)], faults });
    expect(again([outage])).toContain(HELD_OVER);
    expect(again([outage, fault({ kind: "kill-provider", target: "orders-1", atMs: 10_050 })])).not.toContain(
      HELD_OVER,
    );
    expect(again([])).not.toContain(HELD_OVER);
  });
  test("it may be given up when a provider was out, a gateway was long gone, or much happened at once", () => {
    expect(given([fault({ kind: "freeze-provider", target: "orders-1" })])).toEqual([]);
    expect(given([fault({ kind: "freeze-gateway", healedAtMs: 14_000 })])).toEqual([]);
    expect(given([fault({ kind: "kill-gateway" }), fault({ kind: "cut-provider-link", target: "gateway 2" })])).toEqual(
      [],
    );
  });

  const kill = fault({ kind: "kill-provider", target: "orders-1", atMs: 10_120, healedAtMs: 12_000 });
  const cut = run(1, { cut: true }).map((line) => ({ ...line, incarnation: "orders-1#1" }));
  test("a once call of a killed provider ends in time", () => {
    const late = (endedAtMs: number) => {
      const end = terminal({ ...lost, endedAtMs });
      const answer = { kind: "ended", terminal: end, deadlineMs: 20_000, deltas: [] } as const;
      return broken({
        history: [asked({ timeoutMs: 10_000 })],
        ledger: cut,
        records: [record([{ node: "gateway 1", asked: { kind: "get" }, answer }])],
        faults: [kill],
      });
    };
    expect(late(14_120)).not.toContain(ENDS_SOON);
    expect(late(16_000)).toContain(ENDS_SOON);
  });
  test("an idempotent call of a killed provider runs again in time", () => {
    const again = (atMs: number) =>
      broken({
        history: [asked({ delivery: "idempotent" }), ended()],
        ledger: [...cut, ...run(2).map((line) => ({ ...line, atMs }))],
        records: [record([get("gateway 1", terminal({ attempt: 2, body: RESULT_2, endedAtMs: atMs + 1 }))])],
        faults: [kill],
      });
    expect(again(11_500)).not.toContain(AGAIN);
    expect(again(13_500)).toContain(AGAIN);
  });
});

describe("output", () => {
  const piece = (n: number, attempt = 1) => ({
    cursor: `${n}-0`,
    attempt,
    data: `{"piece":${n},"run":"orders-1#1:1"}`,
  });
  const told = (...deltas: ReturnType<typeof piece>[]) =>
    broken({ history: [asked(), ended({ terminal: { kind: "result", body: RESULT }, deltas })], records: [record()] });

  test("comes in order, and may lack a piece", () => {
    expect(told(piece(1), piece(2), piece(4))).toEqual([]);
  });
  test("comes once, and never goes back", () => {
    expect(told(piece(1), piece(1))).toEqual([OUTPUT]);
    expect(told(piece(2), piece(1))).toEqual([OUTPUT]);
  });
  test("is of the attempt that gave it", () => {
    expect(told(piece(1, 2))).toEqual([OUTPUT]);
  });
});

describe("what is said of Redis", () => {
  const away = { history: [asked(), unknown("STORE_UNAVAILABLE")] };

  test("is true: it is away when somebody is told so, or was a moment ago", () => {
    expect(broken(away)).toEqual([STORE]);
    expect(broken({ ...away, outages: [{ who: "gateway 1", fromMs: 9_000, toMs: 9_500 }] })).toEqual([]);
    expect(broken({ ...away, outages: [{ who: "gateway 1", fromMs: 5_000, toMs: 6_000 }] })).toEqual([STORE]);
  });
});

describe("epochs", () => {
  const ping = (atMs: number, epoch: number): Ping => ({ atMs, slot: String(atMs / 500), toolset: "orders", epoch });
  const flushed = (...pings: Ping[]) => broken({ pings, faults: [FLUSH] });

  test("are not given again after Redis lost everything", () => {
    expect(flushed(ping(10_000, 1), ping(15_000, 2))).toEqual([]);
    expect(flushed(ping(10_000, 1), ping(15_000, 1))).toEqual([EPOCH]);
  });
  test("go on in memory for a moment", () => {
    expect(flushed(ping(10_000, 1), ping(11_000, 1))).toEqual([]);
  });
});

describe("a lease", () => {
  const probed = (more: Partial<Extract<LeaseProbe, { kind: "done" }>>) =>
    broken({ leaseProbe: { kind: "done", holderLost: "", changes: [], ...more } });

  test("is not given back by another incarnation", () => {
    expect(probed({})).toEqual([]);
    expect(probed({ holderLost: "LEASE_LOST" })).toEqual(["a lease is given back by its own incarnation only"]);
  });
  test("can be had from a healthy cluster", () => {
    expect(broken({ leaseProbe: { kind: "failed", why: "no answer" } })).toEqual([
      "a healthy cluster takes and serves a new toolset",
    ]);
  });
  test("of an epoch that is gone says nothing any more; the next epoch may", () => {
    const gone = [
      { kind: "healthy", epoch: 1 },
      { kind: "unregistered", epoch: 1 },
    ];
    expect(probed({ changes: [...gone, { kind: "registered", epoch: 2 }] })).toEqual([]);
    expect(probed({ changes: [...gone, { kind: "healthy", epoch: 1 }] })).toEqual([
      "nothing is told of an epoch that is gone",
    ]);
  });
});

describe("a former leader", () => {
  const note = (who: string, what: LeaderNote["what"], atMs: number): LeaderNote => ({ who, what, atMs });
  const led = (leaders: readonly LeaderNote[], more: Partial<Evidence> = {}) =>
    broken({ leaders, observedUntilMs: 30_000, ...more });
  const LEADER = "a former leader knows that it leads no more";

  test("says so soon after another one was elected", () => {
    const elections = [note("gateway 1", "elected", 5_000), note("gateway 2", "elected", 10_000)];
    expect(led([...elections, note("gateway 1", "left", 10_500)])).toEqual([]);
    expect(led([...elections, note("gateway 1", "left", 15_000)])).toEqual([LEADER]);
    expect(led(elections)).toEqual([LEADER]);
    expect(led([note("gateway 1", "elected", 5_000), note("gateway 1", "left", 9_000), ...elections.slice(1)])).toEqual(
      [],
    );
  });
  test("that was out says so when it is back", () => {
    const elections = [note("gateway 1", "elected", 5_000), note("gateway 2", "elected", 10_000)];
    const outages = [{ who: "gateway 1", fromMs: 8_500, toMs: 15_000 }];
    expect(led([...elections, note("gateway 1", "left", 15_500)], { outages })).toEqual([]);
    expect(led([...elections, note("gateway 1", "left", 25_000)], { outages })).toEqual([LEADER]);
  });
  test("is not judged by what was before the run", () => {
    expect(led([note("gateway 1", "elected", 5_000), note("gateway 2", "elected", 6_000)])).toEqual([]);
  });
  test("is not judged by a run that ended too soon", () => {
    expect(led([note("gateway 1", "elected", 5_000), note("gateway 2", "elected", 29_000)])).toEqual([]);
  });
});
