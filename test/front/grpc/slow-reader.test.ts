import { describe, expect, test } from "vitest";
import { PIECE_BYTES } from "../../../src/front/listening/held-bytes.js";
import { bidi, serverStream, unary } from "../../../src/front/services/methods.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { framed, RawConnection, type RawStream } from "../../support/raw-grpc.js";
import { until } from "../../support/until.js";
import { echoServer, GATEWAY } from "./echo-server.js";

expectNoLeaks();

const LARGE = Buffer.alloc(16 * PIECE_BYTES, "x");
const terminal = { resultJson: LARGE };
/** Each answers with one large message. */
const METHODS = {
  Invoke: unary(async () => ({ terminal })),
  FollowCall: serverStream(async function* () {
    yield { terminal };
  }),
  Session: bidi((stream) => {
    stream.onFrame(() => {
      stream.holds(LARGE.length);
      stream.send({ terminals: [{ ref: 1, terminal }] }, LARGE.length);
    });
  }),
} as const;

/** Reads `bytes` and a little more, and rests; again and again. */
function readSlowly({ stream }: RawStream, bytes: number, restMs: number): { readonly read: number } {
  const told = { read: 0 };
  let turn = 0;
  stream.on("data", (chunk: Buffer) => {
    told.read += chunk.length;
    turn += chunk.length;
    if (turn < bytes) return;
    turn = 0;
    stream.pause();
    setTimeout(() => stream.resume(), restMs);
  });
  return told;
}

/** Asks with an empty message. */
function ask(connection: RawConnection, method: string): RawStream {
  const raw = connection.open(`/${GATEWAY}/${method}`);
  const message = framed(Buffer.alloc(0));
  if (method === "Session") raw.send(message);
  else raw.stream.end(message);
  return raw;
}

describe("a large message", () => {
  test("is read slowly by a peer that goes on reading, however long all of it takes", async () => {
    const withinMs = 1_500;
    await using echo = await echoServer(METHODS, {}, { readWithinMs: withinMs });
    const methods = Object.keys(METHODS);
    // One connection each: they do not wait for each other.
    const connections = methods.map(() => new RawConnection(echo.address));
    try {
      const startedAt = performance.now();
      await Promise.all(
        methods.map(async (method, index) => {
          const raw = ask(connections[index] as RawConnection, method); // there is one for each
          const told = readSlowly(raw, 65_536, 60);
          await until(`${method} has been read, or ended`, () => told.read > LARGE.length || raw.stream.destroyed);
          expect(told.read, method).toBeGreaterThan(LARGE.length);
          if (method === "Session") raw.stream.end();
          else expect(await raw.ended).toMatchObject({ status: "0" });
        }),
      );
      expect(performance.now() - startedAt, "more than a stream may stand still for").toBeGreaterThan(2 * withinMs);
      await until("nothing is held", () => echo.server.heldBytes === 0);
    } finally {
      for (const { session } of connections) session.destroy();
    }
  });

  test.each(["Invoke", "Session"])("of %s that is read by drops is given up", async (method) => {
    await using echo = await echoServer(METHODS, {}, { readWithinMs: 500 });
    const connection = new RawConnection(echo.address);
    try {
      const raw = ask(connection, method);
      const told = readSlowly(raw, 4_096, 200);
      expect((await raw.ended).rstCode, "ENHANCE_YOUR_CALM, RESOURCE_EXHAUSTED to a client").toBe(11);
      expect(told.read).toBeLessThan(LARGE.length / 2);
      await until("nothing is held", () => echo.server.heldBytes === 0);
    } finally {
      connection.session.destroy();
    }
  });

  test("is followed by what was sent after it, in order and whole", async () => {
    const after = Array.from({ length: 100 }, (_, ref) => ref);
    const Session = bidi((stream) => {
      stream.onFrame(() => {
        for (const resultJson of [LARGE, LARGE]) stream.send({ terminals: [{ ref: 7, terminal: { resultJson } }] });
        for (const ref of after) stream.send({ terminals: [{ ref }] });
        stream.end();
      });
    });
    await using echo = await echoServer({ Session });
    const session = echo.client({ "grpc.max_receive_message_length": -1 }).Session();
    const refs: string[] = [];
    let bytes = 0;
    session.on("data", ({ terminals }) => {
      for (const { ref, terminal } of terminals) {
        refs.push(String(ref));
        bytes += terminal?.resultJson.length ?? 0;
      }
    });
    session.write({});
    await new Promise((resolve) => session.on("end", resolve));
    expect(refs).toEqual(["7", "7", ...after.map(String)]);
    expect(bytes).toBe(2 * LARGE.length);
  });
});

describe("a session", () => {
  test("that ends is read to its end by a peer that goes on reading, however long all of it takes", async () => {
    const withinMs = 1_000;
    const frame = LARGE.subarray(0, PIECE_BYTES / 4);
    const count = LARGE.length / frame.length;
    const Session = bidi((stream) => {
      stream.onFrame(() => {
        for (let ref = 0; ref < count; ref++) {
          stream.holds(frame.length);
          stream.send({ terminals: [{ ref, terminal: { resultJson: frame } }] }, frame.length);
        }
        stream.end();
      });
    });
    await using echo = await echoServer({ Session }, {}, { readWithinMs: withinMs });
    const connection = new RawConnection(echo.address);
    try {
      const startedAt = performance.now();
      const raw = ask(connection, "Session");
      const told = readSlowly(raw, 65_536, 40);
      expect(await raw.ended).toMatchObject({ status: "0" });
      expect(told.read).toBeGreaterThan(LARGE.length);
      expect(performance.now() - startedAt, "more than a stream may stand still for").toBeGreaterThan(2 * withinMs);
      await until("nothing is held", () => echo.server.heldBytes === 0);
    } finally {
      connection.session.destroy();
    }
  });

  test("whose deadline passes while its frames wait ends with that, once its peer has read what was under way", async () => {
    let hasPassed = () => false;
    const Session = bidi((stream) => {
      hasPassed = () => stream.deadlineMs === 0;
      stream.onFrame(() => {
        for (let ref = 0; ref < 2; ref++) stream.send({ terminals: [{ ref, terminal }] });
      });
    });
    await using echo = await echoServer({ Session });
    const connection = new RawConnection(echo.address);
    try {
      const raw = connection.open(`/${GATEWAY}/Session`, { "grpc-timeout": "200m" });
      raw.send(framed(Buffer.alloc(0)));
      await until("the deadline has passed", () => hasPassed());
      let read = 0;
      raw.stream.on("data", ({ length }: Buffer) => {
        read += length;
      });
      let status: string | undefined;
      void raw.ended.then((end) => {
        status = end.status;
      });
      await until("it has ended", () => status !== undefined);
      expect(status, "DEADLINE_EXCEEDED").toBe("4");
      expect(read, "the first frame alone").toBeLessThan(2 * LARGE.length);
    } finally {
      connection.session.destroy();
    }
  });
});
