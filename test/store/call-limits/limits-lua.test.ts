import { describe, expect, test } from "vitest";
import type { CallId } from "../../../src/identity/call-id.js";
import { callerName } from "../../../src/identity/caller-name.js";
import type { CallLimit } from "../../../src/store/call-limits/call-limit.js";
import type { Admission } from "../../../src/store/calls/admission.js";
import type { AdmissionAnswer } from "../../../src/store/calls/admit.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { reassignCalls } from "../../../src/store/calls/reassign.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { releaseLease } from "../../../src/store/registry/leases.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { Random } from "../../support/random.js";
import { until } from "../../support/until.js";
import {
  admissionOf,
  admissionsOf,
  admit,
  callStore,
  callsForFile,
  claimOf,
  complete,
  endingOf,
  take,
} from "../calls/calls-fixture.js";
import { contractOf, keys, registrationOf, serve, TOOLSET } from "../registry/registry-fixture.js";
import { limitOf, rateOf } from "./limits-fixture.js";

expectNoLeaks();
const here = callsForFile();

const DAY_MS = 86_400_000;
const admitWith = (limits: Admission["limits"], more: Partial<Admission> = {}): Promise<AdmissionAnswer> => {
  const { store, provider } = here();
  return admit(store, admissionOf(provider, { limits, ...more }));
};
const refusalOf = (answer: AdmissionAnswer) => (answer.kind === "limited" ? answer.refusal : undefined);
const kinds = (answers: readonly AdmissionAnswer[], kind: AdmissionAnswer["kind"]): number =>
  answers.filter((answer) => answer.kind === kind).length;
/** Ends all calls that wait. */
async function finishAll(kind: "result" | "tool_error" = "result", message = ""): Promise<void> {
  const { store, provider } = here();
  const taken = await take(store, provider.lease, 10);
  const end = { kind, reason: kind === "result" ? "" : "TOOL_ERROR", body: Buffer.from(JSON.stringify({ message })) };
  await complete(
    store,
    taken.map((call) => ({ ...claimOf(provider.lease, call), ...end })),
  );
}

describe("a rate", () => {
  test("lets its burst in at once, then says exactly when the next one may come", async () => {
    const { client } = here();
    const rate = rateOf(3, 10_000);
    const answers = await Promise.all(Array.from({ length: 8 }, () => admitWith([rate])));
    expect(kinds(answers, "admitted")).toBe(3);
    const refusal = refusalOf(await admitWith([rate]));
    expect(refusal).toMatchObject({ limit: rate, budgetLeft: undefined });
    // The first of the three is forgotten 10 s after it came, all of them after 30 s.
    expect(refusal?.retryAfterMs).toBeGreaterThan(5_000);
    expect(refusal?.retryAfterMs).toBeLessThanOrEqual(10_000);
    expect((refusal?.resetMs ?? 0) - (refusal?.retryAfterMs ?? 0)).toBe(20_000);
    expect(await client.pttl(keys.rate(rate.subject))).toBeLessThanOrEqual(30_001);
  });

  test("lets a call in at the time that it said, and not before", async () => {
    const { client } = here();
    const rate = rateOf(1, 300);
    await admitWith([rate]);
    const refusal = refusalOf(await admitWith([rate]));
    const [seconds = 0, micros = 0] = (await client.time()).map(Number);
    const opensMs = seconds * 1_000 + micros / 1_000 + (refusal?.retryAfterMs ?? 0);
    const nowMs = async () => {
      const [s = 0, us = 0] = (await client.time()).map(Number);
      return s * 1_000 + us / 1_000;
    };
    await until("it is the time", async () => (await nowMs()) >= opensMs);
    expect((await admitWith([rate])).kind).toBe("admitted");
  });

  test("counts nothing for calls that are refused, by another limit or for another reason", async () => {
    const { client, provider } = here();
    const [wide, narrow] = [rateOf(100, 60_000, "wide"), limitOf("total", 1, "narrow")];
    expect((await admitWith([wide, narrow])).kind).toBe("admitted");
    const before = await client.get(keys.rate(wide.subject));
    expect(refusalOf(await admitWith([wide, narrow]))?.limit).toEqual(narrow);
    const full = { ...admissionOf(provider).destination, maxBacklog: 1 };
    expect((await admitWith([wide], { destination: full })).kind).toBe("full");
    expect(await client.get(keys.rate(wide.subject))).toBe(before);
  });

  test("never refuses or counts a repeat", async () => {
    const { client, store, provider } = here();
    const rate = rateOf(1, 60_000);
    const call = admissionOf(provider, { limits: [rate] });
    expect((await admit(store, call)).kind).toBe("admitted");
    const before = await client.get(keys.rate(rate.subject));
    expect((await admit(store, call)).kind).toBe("repeated");
    expect(await client.get(keys.rate(rate.subject))).toBe(before);
  });

  test("takes neither a clock that was ahead nor something else in its place for long", async () => {
    const { client } = here();
    const rate = rateOf(1, 50);
    await client.set(keys.rate(rate.subject), "9000000000000000");
    expect(refusalOf(await admitWith([rate]))?.retryAfterMs).toBeLessThanOrEqual(50);
    await until("its time has come", async () => (await admitWith([rate])).kind === "admitted");
    await client.del(keys.rate(rate.subject));
    await client.hset(keys.rate(rate.subject), "a", "b");
    expect((await admitWith([rate])).kind).toBe("admitted");
  });
});

describe("the number of unfinished calls", () => {
  const running = limitOf("running", 2, "running");

  test("is bounded, and goes down however a call ends", async () => {
    const { client, store, provider } = here();
    const cancelled = admissionOf(provider, { limits: [running] });
    await admit(store, cancelled);
    await admitWith([running]);
    expect(refusalOf(await admitWith([running]))).toMatchObject({ limit: running, retryAfterMs: 250 });
    await cancelCall(store, cancelled.id);
    expect((await admitWith([running])).kind).toBe("admitted");
    expect((await admitWith([running])).kind).toBe("limited");
    await finishAll();
    expect(await client.exists(keys.running(running.subject))).toBe(0);
    expect((await admitWith([running])).kind).toBe("admitted");
    await expectKeysToExpire(client);
  });

  test("stays a call's own when it goes to another epoch", async () => {
    const { client, registry, store, provider } = here();
    const call = admissionOf(provider, { limits: [running] });
    await admit(store, call);
    await releaseLease(registry, provider.lease);
    const next = await serve(registry, registrationOf(contractOf("2.0.0", "better"), "q1"), 5);
    const { destination } = admissionOf(next);
    expect(await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => destination)).toMatchObject({
      moved: 1,
    });
    expect(await client.zrange(keys.running(running.subject), "0", "-1")).toEqual([call.id]);
    await cancelCall(store, call.id);
    expect(await client.exists(keys.running(running.subject))).toBe(0);
  });

  test("goes down when an attempt is lost for good, and by the deadline where the end was missed", async () => {
    const { client, provider } = here();
    const store = callStore(client, { claimLeaseMs: { once: 100, idempotent: 100 } });
    const call = admissionOf(provider, { limits: [running] });
    await admit(store, call);
    await take(store, provider.lease, 1);
    await until("it is given up", async () => (await settleCalls(store, keys)).ended === 1);
    expect(await endingOf(store, call.id)).toMatchObject({ kind: "outcome_unknown" });
    expect(await client.exists(keys.running(running.subject))).toBe(0);
    // Two calls of which nothing is left.
    await client.zadd(keys.running(running.subject), "1", "0.lost-1", String(Date.now() - 2_000), "0.lost-2");
    expect((await admitWith([running])).kind).toBe("admitted");
    expect(await client.zcard(keys.running(running.subject))).toBe(1);
  });
});

describe("a budget", () => {
  test("of a day is refused until midnight by Redis's clock", async () => {
    const { client } = here();
    const daily = limitOf("daily", 2, "daily");
    await admitWith([daily]);
    await admitWith([daily]);
    const refusal = refusalOf(await admitWith([daily]));
    const endsMs = await client.pexpiretime(keys.spent(daily.subject));
    expect(endsMs % DAY_MS).toBe(0);
    expect(refusal).toMatchObject({ limit: daily, budgetLeft: 0 });
    expect(refusal?.retryAfterMs).toBeLessThanOrEqual(DAY_MS);
    expect(refusal?.retryAfterMs).toBe(refusal?.resetMs);
  });

  test("of a run is refused for good; other refusals say what is left of it", async () => {
    const { client } = here();
    const [total, rate] = [limitOf("total", 3, "total"), rateOf(1, 60_000)];
    await admitWith([total, rate]);
    expect(refusalOf(await admitWith([total, rate]))).toMatchObject({ limit: rate, budgetLeft: 2 });
    await admitWith([total]);
    await admitWith([total]);
    expect(refusalOf(await admitWith([total, rate]))).toMatchObject({
      limit: total,
      retryAfterMs: undefined,
      resetMs: undefined,
      budgetLeft: 0,
    });
    await expectKeysToExpire(client);
  });
});

describe("a loop", () => {
  const loop = limitOf("loop", 3, "loop");
  const fail = async (message: string): Promise<AdmissionAnswer["kind"]> => {
    const { kind } = await admitWith([loop]);
    await finishAll("tool_error", message);
    return kind;
  };

  test("ends after so many failures of the same kind in a row", async () => {
    const { client } = here();
    for (let i = 0; i < 3; i++) expect(await fail('no "file" here')).toBe("admitted");
    expect(refusalOf(await admitWith([loop]))).toMatchObject({ limit: loop, retryAfterMs: undefined });
    await expectKeysToExpire(client);
  });

  test("is none where another error or a success comes between", async () => {
    await fail("one");
    await fail("one");
    await fail("another");
    await fail("one");
    await fail("one");
    expect((await admitWith([loop])).kind).toBe("admitted");
    await finishAll();
    for (let i = 0; i < 3; i++) expect(await fail("one")).toBe("admitted");
    expect((await admitWith([loop])).kind).toBe("limited");
  });

  test("does not count calls that were cancelled before they ran", async () => {
    const { store, provider } = here();
    for (let i = 0; i < 5; i++) {
      const call = admissionOf(provider, { limits: [loop] });
      expect((await admit(store, call)).kind).toBe("admitted");
      await cancelCall(store, call.id);
    }
  });
});

describe("calls of one script that have different limits", () => {
  const ROUNDS = 6;
  const CALLS = 40;
  const names = ["slow", "slower", "few", "fewer", "daily", "total", "fine", "failing"] as const;
  /** The same limits for each side; a refusal by one of several must not depend on the microsecond in which it is decided. */
  const limitsFor = (side: string, most: readonly number[]): readonly CallLimit[] =>
    (["rate", "rate", "running", "running", "daily", "total", "loop", "loop"] as const).map((kind, place) => {
      const everyMs = kind === "rate" ? (place + 1) * 100 * DAY_MS : 0;
      const failures = names[place] === "failing" ? 0 : 3;
      return limitOf(kind, kind === "loop" ? failures : (most[place] ?? 1), `${side}-${names[place]}`, everyMs * 1_000);
    });
  /** What an answer says, whichever side it is of. */
  const said = (answer: AdmissionAnswer, limits: readonly CallLimit[]) => {
    const refusal = refusalOf(answer);
    if (refusal === undefined) return answer.kind;
    const waits = [refusal.retryAfterMs, refusal.resetMs].map((time) => time === undefined);
    return [names[limits.indexOf(refusal.limit)], ...waits, refusal.budgetLeft];
  };

  test("get what each would have got by itself", async () => {
    const { client, store, provider } = here();
    const random = new Random(13);
    const roomy = { ...admissionOf(provider).destination, maxBacklog: 100_000 };
    const refusals = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const most = names.map(() => 1 + random.below(12));
      const [apart, together] = ["apart", "together"].map((side) => limitsFor(`${side}-${round}`, most)) as [
        readonly CallLimit[],
        readonly CallLimit[],
      ];
      // A few groups, most of them without the loop that refuses all.
      const groups = Array.from({ length: 4 }, () =>
        names.flatMap((name, place) => (random.below(name === "failing" ? 16 : 2) === 0 ? [place] : [])),
      );
      // Some come twice.
      const calls = Array.from({ length: CALLS }, () => ({ group: random.pick(groups), id: random.below(CALLS * 2) }));
      const admissionsWith = (limits: readonly CallLimit[]): Admission[] => {
        const ids = Array.from({ length: CALLS * 2 }, () => admissionOf(provider).id);
        const lists = new Map(groups.map((group) => [group, group.flatMap((place) => limits[place] ?? [])]));
        return calls.map(({ group, id }) => ({
          ...admissionOf(provider, { destination: roomy, limits: lists.get(group) }),
          id: ids[id] as CallId, // as many as there can be
        }));
      };
      const alone: AdmissionAnswer[] = [];
      for (const admission of admissionsWith(apart)) alone.push(await admit(store, admission));
      const admissions = admissionsOf(store, CALLS);
      const batch = await Promise.all(admissionsWith(together).map((admission) => admissions.admit(admission, true)));
      const expected = alone.map((answer) => said(answer, apart));
      expect(batch.map((answer) => said(answer, together))).toEqual(expected);
      for (const answer of expected) refusals.add(String(Array.isArray(answer) ? answer[0] : answer));
      // And they leave the same behind.
      for (const [place, limit] of apart.entries()) {
        const other = together[place] ?? limit;
        const after = await Promise.all([limit, other].map((one) => admitWith([one], { destination: roomy })));
        expect(said(after[1] as AdmissionAnswer, together)).toEqual(said(after[0] as AdmissionAnswer, apart));
        expect(await client.zcard(keys.running(other.subject))).toBe(await client.zcard(keys.running(limit.subject)));
      }
    }
    expect([...refusals].toSorted()).toEqual(
      ["admitted", "daily", "failing", "few", "fewer", "repeated", "slow", "slower", "total"].toSorted(),
    );
  });
});

describe("a full backlog", () => {
  const of = (tenant: string, maxBacklog = 8): Promise<AdmissionAnswer> => {
    const { provider } = here();
    const destination = { ...admissionOf(provider).destination, maxBacklog };
    return admitWith(undefined, { destination, caller: callerName({ tenant, id: "anyone" }) });
  };
  const fill = async (tenant: string, calls: number): Promise<number> => {
    const answers: AdmissionAnswer[] = [];
    for (let i = 0; i < calls; i++) answers.push(await of(tenant));
    return kinds(answers, "admitted");
  };

  test("is full where one tenant waits, whoever that is", async () => {
    expect(await fill("acme", 9)).toBe(8);
    await finishAll();
    expect(await fill("default", 9)).toBe(8);
  });

  test("lets a tenant in that has less than its share, up to half as much again", async () => {
    const { client, provider } = here();
    expect(await fill("default", 10)).toBe(8);
    expect(await fill("acme", 10)).toBe(4);
    expect(await fill("default", 1)).toBe(0);
    // Three share now, but no more is let in beyond.
    expect(await fill("other", 1)).toBe(0);
    const guests = keys.guests(TOOLSET, provider.lease.epoch);
    expect(await client.zrange(guests, "0", "-1", "WITHSCORES")).toEqual(["acme", "4"]);
    await finishAll(); // ten of the twelve
    await finishAll();
    expect(await client.exists(guests)).toBe(0);
    await expectKeysToExpire(client);
  });

  /** How the calls of a provider that ends one a round are shared, where one tenant always asks three times before the other. */
  const share = async (rounds: number, quietAsks: (round: number) => number) => {
    const { store, provider } = here();
    const owners = new Map<string, string>();
    const counts = { asked: 0, refused: 0, claimed: 0 };
    const ask = async (tenant: string): Promise<boolean> => {
      const destination = { ...admissionOf(provider).destination, maxBacklog: 8 };
      const call = admissionOf(provider, { destination, caller: callerName({ tenant, id: "anyone" }) });
      owners.set(call.id, tenant);
      return (await admit(store, call)).kind === "admitted";
    };
    await fill("acme", 9);
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < 3; i++) await ask("acme");
      for (let i = 0; i < quietAsks(round); i++) {
        counts.asked++;
        if (!(await ask("quiet"))) counts.refused++;
      }
      const [call] = await take(store, provider.lease, 1);
      if (call === undefined) throw new Error("a full backlog has calls");
      if (owners.get(call.id) === "quiet") counts.claimed++;
      await complete(store, [{ ...claimOf(provider.lease, call), kind: "result", reason: "", body: Buffer.from("1") }]);
    }
    return counts;
  };

  test("refuses nothing to a tenant that asks for a quarter of what is done, however much another one asks for", async () => {
    const { asked, refused, claimed } = await share(60, (round) => (round % 4 === 0 ? 1 : 0));
    expect({ asked, refused }).toEqual({ asked: 15, refused: 0 });
    // But for those that still wait, at most a quarter of the backlog and of what is let in beyond it.
    expect(claimed).toBeGreaterThanOrEqual(15 - 12 / 4);
  });

  test("is shared about half and half by two tenants that both ask for more", async () => {
    const { refused, claimed } = await share(60, () => 3);
    expect(refused).toBeGreaterThan(100);
    // What waited before the second one came, eight calls, is done first; a place of the nine that is free goes to the one that asks first.
    expect(claimed).toBeGreaterThanOrEqual(Math.floor(((60 - 8) * 4) / 9));
    expect(claimed).toBeLessThanOrEqual(60 / 2);
  });

  test("of guests takes in who has called less, and counts those of one execution", async () => {
    const { client, store, provider } = here();
    const destination = { ...admissionOf(provider).destination, maxBacklog: 4 };
    const calls = ["acme", "acme", "acme", "acme", "other", "acme"].map((tenant) =>
      admissionOf(provider, { destination, caller: callerName({ tenant, id: "anyone" }) }),
    );
    const admissions = admissionsOf(store);
    const answers = await Promise.all(calls.map((call) => admissions.admit(call, true)));
    expect(answers.map(({ kind }) => kind)).toEqual([...Array(5).fill("admitted"), "full"]);
    expect(await client.zcard(keys.guests(TOOLSET, provider.lease.epoch))).toBe(2);
  });
});
