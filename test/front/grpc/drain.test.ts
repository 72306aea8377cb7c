import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DuplexStream } from "../../../src/front/services/duplex-stream.js";
import { bidi, serverStream, unary } from "../../../src/front/services/methods.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { framed, RawConnection } from "../../support/raw-grpc.js";
import { until } from "../../support/until.js";
import { ask, refusal } from "./ask.js";
import { type EchoServer, echoServer, GATEWAY } from "./echo-server.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

/** Longer than a test may take: a drain that needs its grace fails. */
const LONG_MS = 60_000;

/** What a client of HTTP/2 says first (RFC 9113, section 3.4): the preface, and settings that change nothing. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");
/** That its settings are taken (section 6.5). */
const SETTINGS_ACK = Buffer.from("\0\0\0\x04\x01\0\0\0\0", "latin1");

/** A connection that stays open for its own part, whatever the server does; it resolves when the server has said `until`. */
async function staysOpen(echo: EchoServer, says: Buffer, until: Buffer): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: Number(echo.address.split(":")[1]), allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.write(says);
  let heard = Buffer.alloc(0);
  for await (const data of socket.iterator({ destroyOnReturn: false })) {
    heard = Buffer.concat([heard, data]);
    if (heard.includes(until)) break;
  }
  return socket.resume();
}

describe("beginDrain", () => {
  test("refuses new sessions, and serves everything else", async () => {
    await using echo = await echoServer();
    const client = echo.client();
    const old = client.session();
    const oldEnd = endOf(old);
    old.write({ calls: [{ ref: 1 }] });
    await once(old, "data");
    echo.server.beginDrain();
    echo.server.beginDrain();
    expect((await endOf(client.session())).error).toMatchObject({ reason: "NODE_DRAINING", executed: "no" });
    await ask((cb) => client.callTool({}, cb as never));
    await ask((cb) => echo.client().callTool({}, cb as never));
    old.write({ calls: [{ ref: 2 }] });
    old.end();
    expect((await oldEnd).messages).toHaveLength(2);
  });

  test("tells the sessions, which move and end: nothing waits for the grace", async () => {
    await using echo = await echoServer({
      Session: bidi((stream) => {
        stream.draining.addEventListener("abort", () => {
          stream.send({ goAway: true });
          stream.end();
        });
      }),
    });
    const session = echo.client().session();
    const end = endOf(session);
    await until("it is open", () => echo.server.sessions === 1);
    await echo.server.stop(LONG_MS);
    const { messages, error } = await end;
    expect(messages.map(({ goAway }) => goAway)).toEqual([true]);
    expect(error).toBeUndefined();
  });
});

describe("stop", () => {
  test("waits for calls under way, and takes no new ones", async () => {
    let release = () => {};
    let entered = false;
    await using echo = await echoServer({
      CancelCall: unary(async () => {
        entered = true;
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return { state: "CALL_STATE_ENDED" };
      }),
    });
    const client = echo.client();
    const answer = ask<{ state: string }>((cb) => client.cancelCall({}, cb as never));
    await until("it is being served", () => entered);
    const stopped = echo.server.stop(LONG_MS);
    expect(echo.server.stop(0)).toBe(stopped);
    const other = echo.client();
    await until("new connections are refused", async () => {
      const { reason, executed } = await refusal((cb) => other.callTool({}, cb));
      return reason === "NODE_UNREACHABLE" && executed === "no";
    });
    release();
    expect((await answer).state).toBe("CALL_STATE_ENDED");
    await stopped;
  });

  test("ends streams of answers with NODE_DRAINING at once, after what they had yielded", async () => {
    await using echo = await echoServer({
      FollowCall: serverStream(async function* (_request, { signal }) {
        yield { deltas: [{ cursor: "1" }] };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        yield { deltas: [{ cursor: "2" }] };
      }),
    });
    const stream = echo.client().followCall({});
    const end = endOf(stream);
    await once(stream, "data");
    await echo.server.stop(LONG_MS);
    const { messages, error } = await end;
    expect(messages).toHaveLength(2);
    expect(error).toMatchObject({ reason: "NODE_DRAINING", message: "This node is stopping; go on at another one." });
    expect(echo.lines).toEqual([]);
  });

  test("ends an idle session within the grace, with NODE_DRAINING", async () => {
    const opened: DuplexStream<unknown, unknown>[] = [];
    const reasons: unknown[] = [];
    await using echo = await echoServer({
      Session: bidi((stream) => {
        opened.push(stream);
        stream.onOver((reason) => reasons.push(reason?.reason));
      }),
    });
    const end = endOf(echo.client().session());
    await until("it is open", () => opened.length === 1);
    await echo.server.stop(50);
    expect((await end).error).toMatchObject({ reason: "NODE_DRAINING", executed: "unknown" });
    expect(reasons).toEqual(["NODE_DRAINING"]);
    expect(echo.server.sessions).toBe(0);
    expect(echo.lines).toEqual([expect.objectContaining({ event: "drain_overran", openCalls: 1 })]);
  });

  test("ends calls and streams that ignore their signals when the grace is over", async () => {
    let entered = 0;
    const signals: AbortSignal[] = [];
    const forever = (signal: AbortSignal) => {
      entered++;
      signals.push(signal);
      return new Promise<never>(() => {});
    };
    await using echo = await echoServer({
      CancelCall: unary((_request, { signal }) => forever(signal)),
      // biome-ignore lint/correctness/useYield: it is stuck before its first.
      FollowCall: serverStream(async function* (_request, { signal }) {
        await forever(signal);
      }),
    });
    const client = echo.client();
    const error = refusal((cb) => client.cancelCall({}, cb));
    const end = endOf(client.followCall({}));
    await until("both are stuck", () => entered === 2);
    await echo.server.stop(50);
    expect(await error).toMatchObject({ reason: "NODE_DRAINING", executed: "unknown" });
    expect((await end).error).toMatchObject({ reason: "NODE_DRAINING" });
    expect(signals.map((signal) => signal.reason.reason)).toEqual(["NODE_DRAINING", "NODE_DRAINING"]);
  });

  test("cuts off a reader that does not even read its end", async () => {
    await using echo = await echoServer({
      FollowCall: serverStream(async function* (_request, { signal }) {
        while (!signal.aborted) yield { deltas: [{ dataJson: Buffer.alloc(100_000) }] };
      }),
    });
    const stream = echo.client().followCall({});
    const end = endOf(stream);
    await once(stream, "data");
    stream.pause();
    await echo.server.stop(50);
    stream.resume();
    expect((await end).error?.reason).toMatch(/NODE_UNREACHABLE|NODE_DRAINING|CANCELLED/);
  });

  test("waits for an answer that is read slowly", async () => {
    await using echo = await echoServer();
    const call = { payloadJson: Buffer.alloc(1_000_000, 0x20) };
    const connection = new RawConnection(echo.address);
    onTestFinished(() => connection.close());
    const { stream, ended } = connection.open(`/${GATEWAY}/Invoke`);
    stream.end(framed(loadProtocol().Gateway.service.Invoke?.requestSerialize({ call }) as Buffer));
    await once(stream, "response"); // and none of it is read
    const stopped = echo.server.stop(LONG_MS);
    const other = echo.client();
    await until("new connections are refused", async () => {
      const { reason } = await refusal((cb) => other.callTool({}, cb));
      return reason === "NODE_UNREACHABLE";
    });
    let bytes = 0;
    for await (const data of stream) bytes += data.length;
    expect((await ended).status).toBe("0");
    expect(bytes).toBeGreaterThan(1_000_000);
    await stopped;
    expect(echo.lines).toEqual([]);
  });

  test("does not wait for a connection that has not said that it speaks HTTP/2", async () => {
    await using echo = await echoServer({}, {}, { prefaceWithinMs: 2 * LONG_MS });
    const socket = await staysOpen(echo, Buffer.alloc(0), Buffer.from("\x04", "latin1"));
    await echo.server.stop(LONG_MS);
    await until("it is closed", () => socket.readableEnded || socket.destroyed);
    expect(echo.lines).toEqual([]);
  });

  test("does not wait its grace for a connection without calls that its peer leaves open", async () => {
    await using echo = await echoServer();
    await staysOpen(echo, PREFACE, SETTINGS_ACK);
    await echo.server.stop(LONG_MS);
    expect(echo.lines).toEqual([]);
  });

  test("before start, and after a start that failed, is nothing", async () => {
    await using echo = await echoServer();
    await echo.server.stop(0);
    await echo.server.stop(0);
  });
});
