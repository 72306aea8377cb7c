import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { TextReader } from "../../src/json/text-reader.js";

const MIB = 1_048_576;
const LIMITS = { maxBytes: 8 * MIB };
const text = (bytes: number) => Buffer.from(`"${"x".repeat(bytes - 2)}"`);
/** Time that passes with each look at it: each step takes a millisecond. */
function stepClock(): () => number {
  let nowMs = 0;
  return () => nowMs++;
}
const of = (client: string) => () => ({ client });

test("a small text is read at once, also while a long one is read in steps", async () => {
  const reader = new TextReader({ monotonicMs: stepClock() });
  const long = reader.read(text(MIB), LIMITS, of("a"));
  expect(long).toBeInstanceOf(Promise);
  let isRead = false;
  void Promise.resolve(long).then(() => {
    isRead = true;
  });
  let turns = 0;
  for (; !isRead; turns++) {
    await setImmediate();
    expect(reader.read(text(100), LIMITS, of("b"))).toMatchObject({ kind: "ok" });
  }
  expect(turns).toBeGreaterThan(5);
  expect(await long).toMatchObject({ kind: "ok", longNumbers: false });
  expect(reader.waitingBytes).toBe(0);
});

test("small texts that use up the time of a turn are read in later ones", async () => {
  const reader = new TextReader({ monotonicMs: stepClock() });
  const reads = Array.from({ length: 100 }, () => reader.read(text(100), LIMITS, of("a")));
  const atOnce = reads.filter((read) => !(read instanceof Promise)).length;
  expect(atOnce).toBeGreaterThan(1);
  expect(atOnce).toBeLessThan(20);
  for (const read of await Promise.all(reads)) expect(read.kind).toBe("ok");
});

test("clients take turns, and a client's texts are read in their order", async () => {
  const reader = new TextReader({ monotonicMs: stepClock() });
  const done: string[] = [];
  const read = async (client: string, name: string, bytes: number) => {
    await reader.read(text(bytes), LIMITS, of(client));
    done.push(name);
  };
  const all = [read("a", "a1", MIB), read("a", "a2", MIB), read("a", "a3", 40_000), read("b", "b1", MIB / 2)];
  await Promise.all(all);
  expect(done).toEqual(["b1", "a1", "a2", "a3"]);
});

test("a text waits for one of those of another host, however many of them there are", async () => {
  const reader = new TextReader({ monotonicMs: stepClock(), hostOf: (client) => client.split(":", 1)[0] ?? "" });
  const done: string[] = [];
  const read = async (client: string, bytes: number) => {
    await reader.read(text(bytes), LIMITS, of(client));
    done.push(client);
  };
  const many = Array.from({ length: 50 }, (_, index) => read(`many:${index}`, 200_000));
  await Promise.all([...many, read("other:1", 200_000)]);
  expect(done.length).toBe(51);
  expect(done.indexOf("other:1")).toBeLessThan(3);
});

test("what is of no use any more is read no further, and what comes after it is", async () => {
  const reader = new TextReader({ monotonicMs: stepClock() });
  let isUnneeded = false;
  const left = reader.read(text(8 * MIB), LIMITS, () => ({ client: "a", isUnneeded: () => isUnneeded }));
  const late = reader.read(text(8 * MIB), LIMITS, () => ({ client: "b", withinMs: 20 }));
  const next = reader.read(text(40_000), LIMITS, of("a"));
  await setImmediate();
  isUnneeded = true;
  expect(await left).toEqual({ kind: "unread", why: "left" });
  expect(await late).toEqual({ kind: "unread", why: "late" });
  expect(await next).toMatchObject({ kind: "ok" });
});

test("what waits is bounded, by client and in all, save what holds its own stream", async () => {
  const reader = new TextReader({
    ...{ monotonicMs: stepClock(), maxWaitingBytes: 3 * MIB, maxWaitingBytesPerClient: 2 * MIB },
  });
  const reads = [
    reader.read(text(MIB), LIMITS, of("a")),
    reader.read(text(MIB), LIMITS, of("a")),
    reader.read(text(MIB), LIMITS, of("a")), // too much of a's
    reader.read(text(MIB), LIMITS, of("b")),
    reader.read(text(40_000), LIMITS, of("b")), // too much in all
    reader.read(text(MIB), LIMITS, of("c")), // its only one
    reader.read(text(MIB), LIMITS, () => ({ client: "a", holdsItsStream: true })),
  ];
  expect(reader.waitingBytes).toBe(5 * MIB);
  const kinds = (await Promise.all(reads)).map((read) => (read.kind === "unread" ? read.why : read.kind));
  expect(kinds).toEqual(["ok", "ok", "busy", "ok", "busy", "ok", "ok"]);
  expect(reader.waitingBytes).toBe(0);
});
