import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DuplexStream } from "../../../src/front/services/duplex-stream.js";
import { bidi } from "../../../src/front/services/methods.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { framed, RawConnection } from "../../support/raw-grpc.js";
import { until } from "../../support/until.js";
import { ask } from "./ask.js";
import { type EchoServer, echoServer, GATEWAY } from "./echo-server.js";
import { endOf } from "./stream-end.js";

expectNoLeaks();

const MiB = 1_048_576;
const INVOKE = `/${GATEWAY}/Invoke`;
const SESSION = `/${GATEWAY}/Session`;
const { Gateway } = loadProtocol();
const request = (bytes: number): Buffer =>
  Gateway.service.Invoke?.requestSerialize({ call: { payloadJson: Buffer.alloc(bytes, 0x20) } }) as Buffer;

function raw(echo: EchoServer, options?: ConstructorParameters<typeof RawConnection>[1]): RawConnection {
  const connection = new RawConnection(echo.address, options);
  onTestFinished(() => connection.close());
  return connection;
}

function tcp(echo: EchoServer): Socket {
  const socket = connectSocket(Number(echo.address.split(":")[1]), "127.0.0.1");
  socket.on("error", () => {}).resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe("half messages", () => {
  test("are counted while they arrive, and not once they are whole", async () => {
    await using echo = await echoServer();
    const message = framed(request(MiB));
    const { stream, ended } = raw(echo).open(INVOKE);
    stream.resume().write(message.subarray(0, -1));
    await until("it is held", () => echo.server.heldBytes > MiB);
    stream.end(message.subarray(-1));
    expect((await ended).status).toBe("0");
    await until("it is not held any more", () => echo.server.heldBytes === 0);
  });

  test("are counted no more when their connection goes", async () => {
    await using echo = await echoServer();
    const connection = raw(echo);
    connection.open(INVOKE).stream.write(framed(Buffer.alloc(MiB), { declared: 2 * MiB }));
    await until("it is held", () => echo.server.heldBytes > MiB);
    connection.close();
    await until("it is not held any more", () => echo.server.heldBytes === 0);
  });

  test("above the connection's bound are ended with details, the largest first; calls beside them are answered", async () => {
    const limits = { maxMessageBytes: MiB, maxHeldBytesPerPeer: 2 * MiB, maxPayloadBytes: 1_000 };
    await using echo = await echoServer({}, { ...limits, maxResultBytes: 1_000, maxContractBytes: 262_144 });
    const connection = raw(echo);
    const half = framed(Buffer.alloc(MiB - 1), { declared: MiB });
    const streams = Array.from({ length: 3 }, () => connection.open(INVOKE));
    for (const { send } of streams) send(half);
    const first = await Promise.race(streams.map(({ ended }) => ended));
    expect(first).toMatchObject({ status: "8", message: expect.stringMatching(/over 2097152 bytes/) });
    const { stream, ended } = connection.open(INVOKE);
    stream.resume().end(framed(request(10)));
    expect((await ended).status).toBe("0");
  });

  test("do not keep their streams for ever", async () => {
    await using echo = await echoServer({}, { messageTimeoutMs: 100 });
    const connection = raw(echo);
    const begun = connection.open(INVOKE);
    begun.stream.write(Buffer.from([0, 0]));
    const silent = connection.open(INVOKE);
    // All of a request, and not that it is all.
    const unfinished = connection.open(INVOKE);
    unfinished.stream.write(framed(request(10)));
    const session = connection.open(SESSION);
    session.stream.write(framed(Buffer.alloc(1), { declared: 9 }));
    for (const { ended } of [begun, silent, unfinished, session])
      expect(await ended).toMatchObject({ status: "8", message: expect.stringMatching(/whole within 0.1 s/) });
    await until("no session is left", () => echo.server.sessions === 0);
  });
});

test("what anybody may ask is small, also when it is inflated", async () => {
  await using echo = await echoServer();
  const health = (bytes: number): Buffer => {
    const name = Buffer.alloc(bytes, "x");
    return Buffer.concat([Buffer.from([0x0a, 0x80 | (bytes & 0x7f), bytes >> 7]), name]); // the field `service`
  };
  const outcome = async (message: Buffer, headers = {}): Promise<string | undefined> => {
    const { stream, ended } = raw(echo).open("/grpc.health.v1.Health/Check", headers);
    stream.resume().end(message);
    return (await ended).status;
  };
  expect(await outcome(framed(health(8_000)))).toBe("5"); // there is no such service
  expect(await outcome(framed(health(8_200)))).toBe("8");
  const gzipped = { "grpc-encoding": "gzip" };
  expect(await outcome(framed(gzipSync(health(8_000)), { compressed: true }), gzipped)).toBe("5");
  expect(await outcome(framed(gzipSync(health(8_200)), { compressed: true }), gzipped)).toBe("8");
});

describe("compressed messages", () => {
  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("by %s are understood, also beside others that are not compressed", async (encoding, compress) => {
    await using echo = await echoServer();
    const client = raw(echo);
    for (const message of [framed(compress(request(100_000)), { compressed: true }), framed(request(100_000))]) {
      const { stream, ended } = client.open(INVOKE, { "grpc-encoding": encoding });
      let bytes = 0;
      stream.on("data", (data: Buffer) => {
        bytes += data.length;
      });
      stream.end(message);
      expect((await ended).status).toBe("0");
      expect(bytes).toBeGreaterThan(100_000);
    }
  });

  test("count as what they become, until they are looked at", async () => {
    let read = (): void => {};
    const Session = bidi((stream) => {
      read = () => stream.resume();
      stream.onFrame(() => stream.pause());
    });
    await using echo = await echoServer({ Session });
    const frame = { calls: [{ ref: 1, call: { payloadJson: Buffer.alloc(2 * MiB) } }] };
    const whole = Gateway.service.Session?.requestSerialize(frame) as Buffer;
    const { stream } = raw(echo).open(SESSION, { "grpc-encoding": "gzip" });
    const small = framed(gzipSync(whole), { compressed: true });
    stream.resume().write(Buffer.concat(Array.from({ length: 4 }, () => small)));
    // The first was looked at; the second is inflated, and the others wait for it as they came.
    await until("the second one is held", () => echo.server.heldBytes > 2 * MiB);
    expect(echo.server.heldBytes).toBeLessThan(2.5 * MiB);
    await until("none is held any more", () => {
      expect(echo.server.heldBytes).toBeLessThan(2.5 * MiB);
      read();
      return echo.server.heldBytes === 0;
    });
  });

  test("of one connection are inflated one at a time, so that they have room whenever they are looked at", async () => {
    const paused: DuplexStream<unknown, object>[] = [];
    let looked = 0;
    const Session = bidi((stream: DuplexStream<unknown, object>) => {
      paused.push(stream);
      stream.onFrame(() => {
        looked++;
        stream.pause();
      });
    });
    const limits = { maxMessageBytes: 8 * MiB, maxHeldBytesPerPeer: 9 * MiB };
    await using echo = await echoServer({ Session: Session as never }, limits);
    const connection = raw(echo);
    const sized = (bytes: number) => {
      const frame = { calls: [{ ref: 1, call: { payloadJson: Buffer.alloc(bytes) } }] };
      return framed(gzipSync(Gateway.service.Session?.requestSerialize(frame) as Buffer), { compressed: true });
    };
    const streams = Array.from({ length: 4 }, () => connection.open(SESSION, { "grpc-encoding": "gzip" }));
    const small = sized(1);
    const large = sized(6 * MiB);
    for (const { stream } of streams) stream.resume().write(small);
    await until("all are paused", () => looked === 4);
    for (const { stream } of streams) stream.write(large);
    await until("the first of the large ones is held", () => echo.server.heldBytes > 6 * MiB);
    await until("each is looked at in its turn", () => {
      for (const stream of paused) stream.resume();
      return looked === 8;
    });
    expect([echo.server.heldBytes, echo.server.sessions], "none was ended").toEqual([0, 4]);
  });

  test.each([
    ["that become too large", gzipSync(Buffer.alloc(8 * MiB + 1)), "8", /inflates to more than 8388608 bytes/],
    ["that are none", Buffer.from("no gzip at all"), "3", /cannot be inflated/],
  ])("%s are refused", async (_what, message, status, text) => {
    await using echo = await echoServer();
    const { stream, ended } = raw(echo).open(INVOKE, { "grpc-encoding": "gzip" });
    stream.end(framed(message, { compressed: true }));
    expect(await ended).toMatchObject({ status, message: expect.stringMatching(text) });
  });
});

describe("sessions", () => {
  test("that read nothing of what is sent are ended in time; one that is idle is not", async () => {
    const opened: DuplexStream<unknown, object>[] = [];
    const Session = bidi((stream: DuplexStream<unknown, object>) => {
      opened.push(stream);
      stream.onFrame(() => {});
    });
    await using echo = await echoServer({ Session: Session as never }, {}, { readWithinMs: 100 });
    const deaf = raw(echo, { windowBytes: 0 }).open(SESSION);
    await until("it is open", () => opened.length === 1);
    const idle = echo.client().session();
    const idleEnd = endOf(idle);
    await until("the other is open", () => opened.length === 2);
    opened[0]?.holds(1_000);
    opened[0]?.send({ terminals: [{ ref: 1 }] }, 1_000);
    expect(echo.server.heldBytes).toBe(1_000);
    expect((await deaf.ended).rstCode, "ENHANCE_YOUR_CALM, RESOURCE_EXHAUSTED to a client").toBe(11);
    await until("its place is free", () => echo.server.sessions === 1);
    expect(echo.server.heldBytes).toBe(0);
    idle.end();
    expect((await idleEnd).error).toBeUndefined();
  });

  test("have room for so many bytes, however few frames that are", async () => {
    const opened: DuplexStream<unknown, object>[] = [];
    const Session = bidi((stream: DuplexStream<unknown, object>) => {
      opened.push(stream);
      stream.onFrame(() => {});
    });
    await using echo = await echoServer({ Session: Session as never });
    const { stream } = raw(echo, { windowBytes: 0 }).open(SESSION);
    await until("it is open", () => opened.length === 1);
    expect(opened[0]?.send({ deltas: [{ delta: { dataJson: Buffer.alloc(MiB) } }] }, MiB)).toBe(true);
    expect(opened[0]?.send({ terminals: [{ ref: 1 }] }, 100)).toBe(false);
    let drained = false;
    void opened[0]?.drained().then(() => {
      drained = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained).toBe(false);
    stream.close();
    await until("the stream is over", () => drained);
  });

  test("of one host are bounded, and make room for another host when all are taken", async () => {
    await using echo = await echoServer({}, { maxSessions: 4, maxSessionsPerHost: 3, maxSessionsPerPeer: 3 });
    const hostile = raw(echo);
    const taken = Array.from({ length: 3 }, () => hostile.open(SESSION));
    await until("they are open", () => echo.server.sessions === 3);
    expect(await hostile.open(SESSION).ended).toMatchObject({ status: "8" });
    expect(taken.every(({ stream }) => !stream.closed)).toBe(true);
    if (process.platform !== "linux") return; // elsewhere this machine has one address of its own
    const honest = raw(echo, { from: "127.0.0.2" });
    const sessions = [honest.open(SESSION), honest.open(SESSION)];
    expect((await Promise.race(taken.map(({ ended }) => ended))).message).toMatch(/was not used for longest/);
    expect(sessions.every(({ stream }) => !stream.closed)).toBe(true);
    await until("the node is full", () => echo.server.sessions === 4);
  });
});

test("headers that are too large are refused, and others are not", async () => {
  await using echo = await echoServer();
  const connection = raw(echo);
  const endOfCall = (bytes: number) => {
    const { stream, ended } = connection.open(INVOKE, { "x-large": "y".repeat(bytes) });
    stream.resume().end(framed(request(10)));
    return ended;
  };
  expect((await endOfCall(8_000)).status).toBe("0");
  expect(await endOfCall(60_000)).toMatchObject({ status: undefined, rstCode: 11 });
  expect((await endOfCall(8_000)).status).toBe("0");
});

describe("connections", () => {
  test("of one host are bounded, and those that are there are served", async () => {
    await using echo = await echoServer({}, { maxConnectionsPerHost: 3 });
    const client = echo.client();
    await ask((cb) => client.cancelCall({}, cb as never));
    const held = [tcp(echo), tcp(echo)];
    await Promise.all(held.map((socket) => once(socket, "connect")));
    const refused = tcp(echo);
    await once(refused, "close");
    await ask((cb) => client.cancelCall({}, cb as never));
    held[0]?.destroy();
    await until("there is a place again", async () => {
      const socket = tcp(echo);
      const closed = once(socket, "close");
      await once(socket, "connect");
      const open = await Promise.race([closed.then(() => false), new Promise((r) => setTimeout(() => r(true), 50))]);
      socket.destroy();
      return open;
    });
  });

  test("that do not say that they speak HTTP/2 are closed in time; one that does and is idle is not", async () => {
    await using echo = await echoServer({}, {}, { prefaceWithinMs: 100 });
    const silent = tcp(echo);
    const slow = tcp(echo);
    slow.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    const idle = raw(echo);
    await Promise.all([once(silent, "close"), once(slow, "close")]);
    const { stream, ended } = idle.open(INVOKE);
    stream.resume().end(framed(request(10)));
    expect((await ended).status).toBe("0");
  });
});
