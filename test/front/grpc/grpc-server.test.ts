import { once } from "node:events";
import { connect as connectPlain, createServer } from "node:net";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { OPEN } from "../../../src/access/open-access.js";
import { parseConfig } from "../../../src/config/config.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { createGrpcServer } from "../../../src/front/grpc/grpc-server.js";
import { Listeners } from "../../../src/front/listening/listeners.js";
import type { CallContext } from "../../../src/front/services/call-context.js";
import type { DuplexStream } from "../../../src/front/services/duplex-stream.js";
import { bidi, serverStream, unary } from "../../../src/front/services/methods.js";
import { ANONYMOUS } from "../../../src/identity/principal.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import type { FollowCallResponse__Output } from "../../../src/protocol/generated/toolgate/v1/FollowCallResponse.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { expectWithin } from "../../support/redis-span.js";
import { until } from "../../support/until.js";
import { ask, refusal } from "./ask.js";
import { ECHO, echoServer } from "./echo-server.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

/** A promise and what settles it. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe("unary calls", () => {
  test("a request goes in and a response comes out", async () => {
    await using echo = await echoServer();
    const client = echo.client();
    const payloadJson = Buffer.from('{"a":1}');
    const { terminal } = await ask<{ terminal: { resultJson: Buffer } }>((cb) =>
      client.invoke({ call: { payloadJson } }, cb as never),
    );
    expect(terminal.resultJson).toEqual(payloadJson);
  });

  test("a ToolgateError arrives whole, and is not logged: it is the caller's business", async () => {
    await using echo = await echoServer();
    const error = await refusal((cb) => echo.client().getCall({ callId: "c1" }, cb));
    expect(error).toMatchObject({
      reason: "UNKNOWN_CALL",
      message: "There is no call c1.",
      executed: "no",
      metadata: { near: "none" },
    });
    expect(echo.lines).toEqual([]);
  });

  test.each([new TypeError("hunter2 is not a function"), new ToolgateError("INTERNAL", "Two scripts disagree.")])(
    "a fault of the node is logged once, under an id that the caller gets: %s",
    async (fault) => {
      await using echo = await echoServer({
        GetCall: unary(async () => {
          throw fault;
        }),
      });
      const error = await refusal((cb) => echo.client().getCall({}, cb));
      expect(error.reason).toBe("INTERNAL");
      expect(error.message).not.toContain("hunter2");
      const { correlationId } = error.metadata;
      expect(error.message).toContain(correlationId);
      expect(echo.lines).toHaveLength(1);
      expect(echo.lines[0]).toMatchObject({
        level: "error",
        event: "call_failed",
        path: "/toolgate.v1.Gateway/GetCall",
        correlationId,
        error: { message: fault.message },
      });
    },
  );

  test("a handler that throws before its first await fails its call only", async () => {
    await using echo = await echoServer({
      GetCall: unary(() => {
        throw new ToolgateError("INVALID_REQUEST", "no");
      }),
    });
    const client = echo.client();
    expect((await refusal((cb) => client.getCall({}, cb))).reason).toBe("INVALID_REQUEST");
    await ask((cb) => client.callTool({}, cb as never));
  });
});

describe("context", () => {
  async function contextOf(metadata: Record<string, string>, deadlineMs?: number): Promise<CallContext> {
    const seen = deferred<CallContext>();
    await using echo = await echoServer({
      CancelCall: unary(async (_, context) => {
        const { principal, peer, deadlineMs: left, traceparent, tracestate, path, signal } = context;
        seen.resolve({ ...context, principal, peer, deadlineMs: left, traceparent, tracestate, path, signal } as never);
        return {};
      }),
    });
    const sent = new Metadata();
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value);
    const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    await ask((cb) => echo.client().cancelCall({}, sent, options, cb as never));
    return seen.promise;
  }

  test("everybody is the default principal", async () => {
    const { principal, peer, path } = await contextOf({});
    expect(principal).toEqual(ANONYMOUS);
    expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(path).toBe("/toolgate.v1.Gateway/CancelCall");
  });

  test("the caller's deadline is what is left of it", async () => {
    expect((await contextOf({})).deadlineMs).toBeUndefined();
    const startMs = performance.now();
    const { deadlineMs } = await contextOf({}, 60_000);
    const tookMs = Math.ceil(performance.now() - startMs) + 1; // gRPC sends whole milliseconds
    expectWithin(deadlineMs, { fromMs: -tookMs, toMs: 0 }, 60_000);
  });

  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

  test("trace context is passed on", async () => {
    expect(await contextOf({ traceparent, tracestate: "a=1,b=2" })).toMatchObject({
      traceparent,
      tracestate: "a=1,b=2",
    });
  });

  test.each([
    { traceparent: "00-zz-00f067aa0ba902b7-01" },
    { traceparent: `ff${traceparent.slice(2)}` },
    { traceparent: "00-00000000000000000000000000000000-00f067aa0ba902b7-01" },
    { tracestate: "a=1" },
  ])("a malformed one is left out: %j", async (metadata) => {
    const context = await contextOf(metadata as Record<string, string>);
    expect(context.traceparent).toBeUndefined();
    expect(context.tracestate).toBeUndefined();
  });

  test("a tracestate that is too long is left out alone", async () => {
    const context = await contextOf({ traceparent, tracestate: `a=${"x".repeat(600)}` });
    expect(context).toMatchObject({ traceparent, tracestate: undefined });
  });

  test.each([
    ["the caller cancels", "CANCELLED", {}],
    ["the deadline passes", "DEADLINE_EXCEEDED", { deadlineMs: 60 }],
    ["the connection breaks", "CANCELLED", { destroy: true }],
  ] as const)("the signal says so when %s", async (_, reason, how: { deadlineMs?: number; destroy?: boolean }) => {
    const entered = deferred<CallContext>();
    const gone = deferred<unknown>();
    await using echo = await echoServer({
      CancelCall: unary((_request, context) => {
        entered.resolve(context);
        return new Promise((_resolve, reject) => {
          context.signal.addEventListener("abort", () => {
            gone.resolve(context.signal.reason);
            reject(context.signal.reason);
          });
        });
      }),
    });
    const client = echo.client();
    const options = how.deadlineMs === undefined ? {} : { deadline: Date.now() + how.deadlineMs };
    const call = client.cancelCall({}, options, () => {});
    await entered.promise;
    if (how.destroy) client.close();
    if (how.deadlineMs === undefined) call.cancel();
    expect(await gone.promise).toMatchObject({ name: "ToolgateError", reason });
    expect(echo.lines).toEqual([]);
  });

  test("a signal that is asked for late is aborted already", async () => {
    const result = deferred<AbortSignal>();
    const entered = deferred<void>();
    await using echo = await echoServer({
      CancelCall: unary(async (_request, context) => {
        entered.resolve();
        await until("the call is cancelled", () => context.signal.aborted);
        result.resolve(context.signal);
        return {};
      }),
    });
    const call = echo.client().cancelCall({}, () => {});
    await entered.promise;
    call.cancel();
    expect((await result.promise).reason).toMatchObject({ reason: "CANCELLED" });
  });
});

describe("streams of answers", () => {
  test("end as the handler does, well or with its error after what it yielded", async () => {
    await using echo = await echoServer({
      FollowCall: serverStream(async function* ({ callId }) {
        yield { deltas: [{ cursor: "1" }] };
        yield { deltas: [{ cursor: "2" }] };
        if (callId === "bad") throw new ToolgateError("UNKNOWN_CALL", "It has expired.");
      }),
    });
    const client = echo.client();
    const cursors = (messages: readonly FollowCallResponse__Output[]) =>
      messages.map(({ deltas }) => deltas[0]?.cursor);
    const good = await endOf(client.followCall({ callId: "good" }));
    expect(good.error).toBeUndefined();
    expect(cursors(good.messages)).toEqual(["1", "2"]);
    const bad = await endOf(client.followCall({ callId: "bad" }));
    expect(bad.error?.reason).toBe("UNKNOWN_CALL");
    expect(cursors(bad.messages)).toEqual(["1", "2"]);
  });

  test("a reader that does not read holds the handler up, not the memory", async () => {
    let yielded = 0;
    const total = 200;
    const finished = deferred<void>();
    await using echo = await echoServer({
      FollowCall: serverStream(async function* () {
        for (; yielded < total; yielded++) yield { deltas: [{ dataJson: Buffer.alloc(100_000) }] };
        finished.resolve();
      }),
    });
    const stream = echo.client().followCall({});
    const end = endOf(stream);
    await once(stream, "data");
    stream.pause();
    await until("the handler is held up", async () => {
      const before = yielded;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return before > 0 && yielded === before;
    });
    expect(yielded).toBeLessThan(100);
    stream.resume();
    const { messages } = await end;
    await finished.promise;
    expect(messages).toHaveLength(total);
  });

  test("a reader that reads nothing for long loses its stream, and one that reads slowly does not", async () => {
    let closed = 0;
    const pieces = 20;
    await using echo = await echoServer(
      {
        FollowCall: serverStream(async function* ({ callId }) {
          try {
            for (let i = 0; i < pieces; i++) yield { deltas: [{ cursor: callId, dataJson: Buffer.alloc(100_000) }] };
          } finally {
            closed++;
          }
        }),
      },
      {},
      { readWithinMs: 1_000 },
    );
    const deaf = echo.client().followCall({ callId: "deaf" });
    const ofDeaf = endOf(deaf);
    deaf.pause();
    const slow = echo.client().followCall({ callId: "slow" });
    let read = 0;
    for await (const _ of slow) {
      // Longer in all than a reader may take nothing.
      await new Promise((resolve) => setTimeout(resolve, 100));
      read++;
    }
    expect(read).toBe(pieces);
    await until("both handlers have ended", () => closed === 2);
    const reset = await ofDeaf;
    expect(reset.error).toBeDefined();
    expect(reset.messages.length).toBeLessThan(pieces);
  });

  test("a reader that goes ends the handler, also one that is held up", async () => {
    const closed = deferred<string>();
    await using echo = await echoServer({
      FollowCall: serverStream(async function* () {
        try {
          for (;;) yield { deltas: [{ dataJson: Buffer.alloc(100_000) }] };
        } finally {
          closed.resolve("closed");
        }
      }),
    });
    const stream = echo.client().followCall({});
    const end = endOf(stream);
    await once(stream, "data");
    stream.cancel();
    expect(await closed.promise).toBe("closed");
    expect((await end).error?.reason).toBe("CANCELLED");
  });
});

describe("streams in both directions", () => {
  test("frames go both ways, and the peer's end is the stream's", async () => {
    await using echo = await echoServer();
    const session = echo.client().session();
    const end = endOf(session);
    session.write({ calls: [{ ref: 1 }, { ref: 2 }] });
    session.end();
    const { messages, error } = await end;
    expect(error).toBeUndefined();
    expect(messages.map(({ terminals }) => terminals[0]?.ref)).toEqual([1, 2]);
    await until("the session is forgotten", () => echo.server.sessions === 0);
  });

  test("a callback that throws fails its stream only", async () => {
    await using echo = await echoServer({
      Session: bidi((stream) => {
        stream.onFrame(() => {
          throw new TypeError("oops");
        });
      }),
    });
    const session = echo.client().session();
    session.write({});
    expect((await endOf(session)).error).toMatchObject({ reason: "INTERNAL" });
    expect(echo.lines).toHaveLength(1);
  });

  test("send says when to wait, and drained when to go on", async () => {
    const opened = deferred<DuplexStream<unknown, { goAway?: boolean; deltas?: object[] }>>();
    await using echo = await echoServer({ Session: bidi((stream) => opened.resolve(stream)) });
    const session = echo.client().session();
    const end = endOf(session);
    const stream = await opened.promise;
    const frame = { deltas: [{ delta: { dataJson: Buffer.alloc(100_000) } }] };
    stream.send(frame);
    await once(session, "data");
    session.pause();
    let sent = 1;
    let held = false;
    // Fill all buffers between the two ends.
    while (!held) {
      while (stream.send(frame)) sent++;
      sent++;
      const waited = new Promise<string>((resolve) => setTimeout(() => resolve("waiting"), 100));
      held = (await Promise.race([stream.drained(), waited])) === "waiting";
    }
    expect(sent).toBeLessThan(100);
    session.resume();
    await stream.drained();
    stream.end();
    expect((await end).messages).toHaveLength(sent);
    await stream.drained(); // over: nothing waits for ever
  });

  test("onOver comes once, with a reason unless this side ended it", async () => {
    const reasons: unknown[] = [];
    const opened: DuplexStream<unknown, unknown>[] = [];
    await using echo = await echoServer({
      Session: bidi((stream) => {
        opened.push(stream);
        stream.onOver((reason) => reasons.push(reason?.reason));
      }),
    });
    const client = echo.client();
    const first = client.session();
    const firstEnd = endOf(first);
    await until("the first is open", () => opened.length === 1);
    opened[0]?.end();
    await firstEnd;
    await until("the first is over", () => reasons.length === 1);
    const second = client.session();
    const secondEnd = endOf(second);
    await until("the second is open", () => opened.length === 2);
    second.cancel();
    await secondEnd;
    await until("the second is over", () => reasons.length === 2);
    expect(reasons).toEqual([undefined, "CANCELLED"]);
    expect(opened[1]?.signal.aborted).toBe(true);
    expect(opened[1]?.send({})).toBe(false);
  });
});

describe("limits", () => {
  test("sessions of the node", async () => {
    await using echo = await echoServer({}, { maxSessions: 2 });
    const client = echo.client();
    const held = [client.session(), echo.client().session()];
    const ends = held.map((session) => endOf(session));
    for (const session of held) session.write({ calls: [{ ref: 1 }] });
    await until("both are open", () => echo.server.sessions === 2);
    const { error } = await endOf(echo.client().session());
    expect(error).toMatchObject({ reason: "LIMIT_EXCEEDED", executed: "no", retryAfterMs: 1_000 });
    held[0]?.end();
    await ends[0];
    await until("one is free", () => echo.server.sessions === 1);
    const again = client.session();
    const end = endOf(again);
    again.end();
    expect((await end).error).toBeUndefined();
    held[1]?.cancel();
    await ends[1];
  });

  test("sessions of one connection", async () => {
    await using echo = await echoServer({}, { maxSessions: 3, maxSessionsPerPeer: 1 });
    const client = echo.client();
    const held = client.session();
    const end = endOf(held);
    held.write({ calls: [{ ref: 1 }] });
    await until("it is open", () => echo.server.sessions === 1);
    expect((await endOf(client.session())).error).toMatchObject({ reason: "LIMIT_EXCEEDED", executed: "no" });
    const other = echo.client().session();
    const otherEnd = endOf(other);
    other.end();
    expect((await otherEnd).error).toBeUndefined();
    held.end();
    await end;
    await until("its place is free", () => echo.server.sessions === 0);
    const again = client.session();
    again.end();
    expect((await endOf(again)).error).toBeUndefined();
  });

  test("a peer that does not read loses its stream, and the session's place with it", async () => {
    const opened = deferred<DuplexStream<unknown, { deltas?: object[] }>>();
    const over = deferred<void>();
    await using echo = await echoServer({
      Session: bidi((stream) => {
        stream.onOver(() => over.resolve());
        opened.resolve(stream);
      }),
    });
    const session = echo.client().session();
    const end = endOf(session);
    const stream = await opened.promise;
    session.pause();
    const frame = { deltas: [{ delta: { dataJson: Buffer.alloc(1_000_000) } }] };
    for (let i = 0; i < 20; i++) stream.send(frame);
    stream.fail(new ToolgateError("LIMIT_EXCEEDED", "too slow"));
    await over.promise;
    await until("its place is free", () => echo.server.sessions === 0);
    session.resume();
    expect((await end).error).toMatchObject({ reason: "CANCELLED" });
  });

  test("streams of one connection: one too many waits at its client", async () => {
    let entered = 0;
    const release = deferred<void>();
    await using echo = await echoServer(
      {
        CancelCall: unary(async () => {
          entered++;
          await release.promise;
          return {};
        }),
      },
      { maxStreamsPerConnection: 3 },
    );
    const client = echo.client();
    await ask((cb) => client.callTool({}, cb as never)); // the client has the server's settings now
    const answers = Array.from({ length: 5 }, () => ask((cb) => client.cancelCall({}, cb as never)));
    await until("three are being served", () => entered === 3);
    await ask((cb) => echo.client().callTool({}, cb as never)); // another connection is not held up
    expect(entered).toBe(3);
    release.resolve();
    await Promise.all(answers);
    expect(entered).toBe(5);
  });

  test("messages, in either direction", async () => {
    const limit = 300_000;
    const flags = {
      maxMessageBytes: limit,
      maxPayloadBytes: 10,
      maxResultBytes: 10,
      maxContractBytes: 2_000,
      maxSchemaBytes: 100,
    };
    await using echo = await echoServer(
      { CancelCall: unary(async () => ({ terminal: { resultJson: Buffer.alloc(limit + 1) } })) },
      flags,
    );
    const client = echo.client();
    const tooMuch = await refusal((cb) => client.invoke({ call: { payloadJson: Buffer.alloc(limit) } }, cb));
    expect(tooMuch.reason).toBe("MESSAGE_TOO_LARGE");
    expect((await refusal((cb) => client.cancelCall({}, cb))).reason).toBe("MESSAGE_TOO_LARGE");
    await ask((cb) => client.invoke({ call: { payloadJson: Buffer.alloc(limit - 100) } }, cb as never));
  });

  test("bytes that are no message are refused, and the server lives", async () => {
    await using echo = await echoServer();
    const client = echo.client();
    const error = await new Promise<{ code: number }>((resolve, reject) => {
      client.makeUnaryRequest(
        "/toolgate.v1.Gateway/Invoke",
        (bytes: Buffer) => bytes,
        (bytes: Buffer) => bytes,
        Buffer.from("ffffffffff", "hex"),
        (fault) => (fault === null ? reject(new Error("accepted")) : resolve(fault)),
      );
    });
    expect(error.code).toBe(status.INTERNAL);
    await ask((cb) => client.callTool({}, cb as never));
  });

  test("bytes that are no HTTP/2 are cut off, and the server lives", async () => {
    await using echo = await echoServer();
    const socket = connectPlain(Number(echo.address.split(":")[1]), "127.0.0.1");
    const closed = once(socket, "close");
    socket.on("error", () => {});
    socket.end("GET / HTTP/1.1\r\n\r\n".repeat(100));
    socket.resume();
    await closed;
    await ask((cb) => echo.client().callTool({}, cb as never));
  });
});

describe("listening", () => {
  const { Gateway } = loadProtocol();

  async function fault(listen: string): Promise<ToolgateError> {
    const config = parseConfig({ env: {}, flags: { listen, auth: "none" } });
    const server = createGrpcServer({
      ...{ config, log: SILENT_LOGGER },
      listeners: new Listeners({ config, log: SILENT_LOGGER }),
      services: [{ definition: Gateway.service, methods: ECHO }],
      access: OPEN,
    });
    try {
      await server.start();
    } catch (error) {
      if (error instanceof ToolgateError) return error;
      throw error;
    } finally {
      await server.stop(0);
    }
    throw new Error("it listens");
  }

  test("on a port in use is refused, with the address and the remedy", async () => {
    const other = createServer();
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number }; // listens on TCP
    try {
      const error = await fault(`127.0.0.1:${port}`);
      expect(error.reason).toBe("INVALID_CONFIG");
      expect(error.message).toBe(
        `TOOLGATE_LISTEN (--listen): cannot listen on 127.0.0.1:${port}: another process listens there. Stop it, or choose another port; port 0 lets the system choose.`,
      );
    } finally {
      other.close();
      await once(other, "close");
    }
  });

  test("on an address of another machine is refused", async () => {
    expect((await fault("192.0.2.1:7400")).message).toContain("this machine has no such address");
  });

  test("on a port in use by a server of our own is refused too", async () => {
    await using echo = await echoServer();
    expect((await fault(echo.address)).message).toContain("another process listens there");
  });

  test("a method that is missing is found at once, not when it is called", () => {
    const { Invoke, ...rest } = ECHO;
    const config = parseConfig({ env: {} });
    expect(() =>
      createGrpcServer({
        ...{ config, log: SILENT_LOGGER },
        listeners: new Listeners({ config, log: SILENT_LOGGER }),
        services: [{ definition: Gateway.service, methods: { ...rest, Session: Invoke } }],
        access: OPEN,
      }),
    ).toThrow(/Invoke is unary, and its method is missing|Session is bidi/);
  });
});
