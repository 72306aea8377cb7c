import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { expect, test } from "vitest";
import { unary } from "../../src/server/methods.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";
import { echoServer, GATEWAY } from "./echo-server.js";

expectNoLeaks();

/** Asks for a result over bare HTTP/2, and reads nothing of the answer but its headers. */
async function askWithoutReading(session: ClientHttp2Session): Promise<ClientHttp2Stream> {
  const stream = session.request({
    ":method": "POST",
    ":path": `/${GATEWAY}/Invoke`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.end(Buffer.alloc(5)); // an empty message
  await once(stream, "response");
  return stream;
}

test("an answer that its caller leaves unread is given up; one that is read is not", async () => {
  const Invoke = unary(async () => ({ terminal: { resultJson: Buffer.alloc(1_000_000) } }));
  await using echo = await echoServer({ Invoke }, {}, { readWithinMs: 500 });
  const session = connect(`http://${echo.address}`);
  try {
    const [deaf, slow] = [await askWithoutReading(session), await askWithoutReading(session)];
    let read = 0;
    slow.on("data", (bytes: Buffer) => {
      read += bytes.length;
    });
    await until("the one that reads has all of it", () => slow.closed);
    expect(read).toBeGreaterThan(1_000_000);
    await until("the other was reset", () => deaf.closed);
    expect(deaf.rstCode, "ENHANCE_YOUR_CALM, RESOURCE_EXHAUSTED to a client").toBe(11);
  } finally {
    session.destroy();
  }
});
