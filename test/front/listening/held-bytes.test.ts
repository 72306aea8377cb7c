import { describe, expect, onTestFinished, test } from "vitest";
import type { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { Blocks } from "../../../src/front/grpc/blocks.js";
import { MessageDecoder } from "../../../src/front/grpc/message-decoder.js";
import { HeldBytes, type HeldForConnection, type HeldForStream } from "../../../src/front/listening/held-bytes.js";
import { SharedBytes } from "../../../src/front/listening/shared-bytes.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { framed } from "../../support/raw-grpc.js";
import { until } from "../../support/until.js";

expectNoLeaks();

function holding(limits: Partial<ConstructorParameters<typeof HeldBytes>[0]> = {}) {
  const held = new HeldBytes({
    maxBytes: 1_000,
    maxConnectionBytes: 600,
    messageWithinMs: 60_000,
    readWithinMs: 60_000,
    ...limits,
  });
  const ends: { name: string; why: ToolgateError }[] = [];
  /** A stream that is known by a name, and holds so much. */
  const open = (connection: HeldForConnection, name: string, bytes = 0, messages: "one" | "many" = "many") => {
    const stream: HeldForStream = connection.open({
      messages,
      hasSentAll: () => name === "sent",
      end: (why) => ends.push({ name, why }),
    });
    stream.count(bytes);
    return stream;
  };
  const ended = () => ends.map(({ name }) => name);
  return { held, open, ends, ended };
}

describe("what is held", () => {
  test("above a connection's bound ends the stream that holds the most, and leaves others alone", () => {
    const { held, open, ends, ended } = holding();
    const [one, other] = [held.connect("a"), held.connect("a")];
    open(other, "elsewhere", 390);
    open(one, "large", 350);
    const small = open(one, "small", 200);
    small.count(40);
    expect(ended()).toEqual([]);
    small.count(20);
    expect(ended()).toEqual(["large"]);
    expect(ends[0]?.why).toMatchObject({ reason: "LIMIT_EXCEEDED", executed: "unknown" });
    expect(held.bytes).toBe(390 + 260);
  });

  test("by several streams and is there once counts for one of them, as long as there is one", () => {
    const { held, open, ended } = holding();
    const shared = new SharedBytes();
    const [first, second, third] = ["a", "b", "c"].map((host) => open(held.connect(host), host));
    for (const stream of [first, second, third]) stream?.share(shared, 300);
    expect([held.bytes, first?.bytes, second?.bytes]).toEqual([300, 300, 0]);
    first?.leave();
    expect([held.bytes, second?.bytes, third?.bytes]).toEqual([300, 300, 0]);
    third?.unshare();
    expect(held.bytes).toBe(300);
    second?.unshare();
    second?.unshare();
    expect(held.bytes).toBe(0);
    second?.leave();
    third?.leave();
    expect([held.bytes, ended()]).toEqual([0, []]);
  });

  test("by many streams, each of which it is too much for, ends one after the other", () => {
    const { held, open, ended } = holding();
    const shared = new SharedBytes();
    const first = open(held.connect("a"), "first");
    first.share(shared, 500);
    const connection = held.connect("b");
    for (let index = 0; index < 20_000; index++) open(connection, "other").share(shared, 700);
    expect(ended()).toEqual([]);
    first.unshare();
    expect(ended()).toHaveLength(20_000);
    expect(held.bytes).toBe(0);
  });

  test("above the bound of all ends the worst stream of the worst connection of the worst host", () => {
    const { held, open, ended } = holding();
    // One client with one large message, and a host whose many connections hold little each.
    open(held.connect("honest"), "honest", 390);
    const worse = held.connect("hostile");
    open(held.connect("hostile"), "mild", 250);
    open(worse, "bad", 150);
    open(worse, "worst", 160);
    expect(ended()).toEqual([]);
    open(held.connect("new"), "newcomer", 60);
    expect(ended()).toEqual(["worst"]);
  });

  test("ends as often as it takes", () => {
    const { held, open, ended } = holding();
    const connection = held.connect("a");
    for (let i = 0; i < 10; i++) open(connection, `${i}`, 59);
    open(connection, "huge", 500);
    expect(ended()).toEqual(["huge"]);
    open(connection, "sum", 58);
    expect(ended()).toEqual(["huge", "0"]);
  });

  test("is counted no more once its stream or its connection is over", () => {
    const { held, open, ended } = holding();
    const connection = held.connect("a");
    const stream = open(connection, "one", 300);
    open(connection, "two", 200);
    stream.leave();
    stream.count(5_000);
    stream.leave();
    expect(held.bytes).toBe(200);
    connection.leave();
    expect([held.bytes, ended()]).toEqual([0, []]);
  });
});

describe("time", () => {
  const quick = { messageWithinMs: 60, readWithinMs: 60 };
  function running() {
    const all = holding(quick);
    all.held.start();
    onTestFinished(() => all.held.stop());
    return { ...all, connection: all.held.connect("a") };
  }

  test("a request that does not become whole is ended, one byte or none of it; a session that says nothing is not", async () => {
    const { connection, open, ended, ends } = running();
    const silent = open(connection, "silent", 0, "one");
    const begun = open(connection, "begun", 10);
    begun.arriving();
    // All of a request, and not that it is all.
    const unfinished = open(connection, "unfinished", 10, "one");
    unfinished.arrived(10);
    open(connection, "idle session");
    // All of it is there, and waits for its turn here.
    open(connection, "sent", 10, "one").arrived(10);
    const whole = open(connection, "whole", 10, "one");
    whole.arrived(10);
    whole.lookedAt();
    await until("three were ended", () => ended().length === 3);
    expect(ended().sort()).toEqual(["begun", "silent", "unfinished"]);
    expect(ends[0]?.why).toMatchObject({ reason: "LIMIT_EXCEEDED", message: /did not arrive whole/ });
    expect([silent.over, whole.over]).toEqual([true, false]);
  });

  test("a stream of which nothing is read is ended; one that is read, however slowly, is not", async () => {
    const { connection, open, ended, ends } = running();
    const deaf = open(connection, "deaf", 10);
    const slow = open(connection, "slow", 10);
    for (const stream of [deaf, slow]) for (let i = 0; i < 1_000; i++) stream.sent();
    const read = open(connection, "read", 10);
    read.sent();
    read.taken();
    await until("one was ended", () => {
      slow.taken();
      return ended().length > 0;
    });
    expect(ended()).toEqual(["deaf"]);
    expect(ends[0]?.why.message).toMatch(/less than 256 KiB of the stream, and no message whole/);
  });
});

describe("messages", () => {
  const MiB = 1_048_576;
  function decoding(maxBytes = 100_000) {
    const { held, open, ended } = holding({ maxBytes: 4 * MiB, maxConnectionBytes: 2 * MiB });
    const stream = open(held.connect("a"), "stream");
    return { decoder: new MessageDecoder(maxBytes, stream, new Blocks()), stream, held, ended };
  }
  const sizes = [0, 1, 4, 5, 1_019, 1_020, 5_000, 65_531, 65_532, 100_000];
  const messages = sizes.map((size) => framed(Buffer.alloc(size, size % 251)));
  const all = Buffer.concat(messages);

  test.each([1, 2, 3, 5, 6, 7, 1_000, 16_384, all.length])("come whole from pieces of %i bytes", (size) => {
    const { decoder, stream } = decoding();
    const got: Buffer[] = [];
    for (let at = 0; at < all.length; at += size) got.push(...decoder.write(all.subarray(at, at + size)));
    expect(got.map((message) => message.length)).toEqual(messages.map((message) => message.length));
    expect(Buffer.concat(got).equals(all)).toBe(true);
    expect(stream.bytes).toBe(all.length);
    for (const _ of messages) stream.lookedAt();
    expect([stream.bytes, stream.arrivingSince]).toEqual([0, undefined]);
  });

  test("that are too long are refused by their head, as gRPC's library does", () => {
    const { decoder } = decoding(1_000);
    expect(() => decoder.write(framed(Buffer.alloc(0), { declared: 1_001 }))).toThrow(
      "Received message larger than max (1001 vs 1000)",
    );
  });

  test("of which single octets come hold no more than twice what came, nor what came with them", () => {
    const { decoder, stream } = decoding();
    const large = Buffer.alloc(65_536);
    decoder.write(framed(Buffer.alloc(0), { declared: 100_000 }));
    for (let i = 0; i < 10_000; i++) decoder.write(large.subarray(i, i + 1));
    expect(stream.bytes).toBeGreaterThanOrEqual(10_000);
    expect(stream.bytes).toBeLessThanOrEqual(20_000 + 1_024);
    expect(stream.arrivingSince).toBeDefined();
  });

  test("only announced take next to no room", () => {
    const { decoder, stream } = decoding();
    decoder.write(framed(Buffer.alloc(0), { declared: 100_000 }));
    expect(stream.bytes).toBeLessThanOrEqual(1_024);
  });

  test("are let go of when their stream is ended while they arrive", () => {
    const { decoder, held, ended } = decoding(8 * MiB);
    const half = framed(Buffer.alloc(3 * MiB), { declared: 8 * MiB });
    const got = [];
    for (let at = 0; at < half.length; at += 16_384) got.push(...decoder.write(half.subarray(at, at + 16_384)));
    expect([got, ended(), held.bytes]).toEqual([[], ["stream"], 0]);
  });
});
