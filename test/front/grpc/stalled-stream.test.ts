import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { expect, test } from "vitest";
import { unary } from "../../../src/front/services/methods.js";
import { EncodeOnce } from "../../../src/protocol/encoded-message.js";
import type { InvokeResponse } from "../../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
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

test("an answer that several are given is counted until the last of them has it, or has gone", async () => {
  const shared = new EncodeOnce<InvokeResponse>(loadProtocol().Gateway.service.Invoke.responseSerialize);
  const answer = { terminal: { resultJson: Buffer.alloc(1_000_000) } };
  await using echo = await echoServer({ Invoke: unary(async () => shared.of(answer)) });
  const sessions = Array.from({ length: 3 }, () => connect(`http://${echo.address}`));
  try {
    for (const session of sessions) await askWithoutReading(session);
    await until("the answer is counted once", () => Math.abs(echo.server.heldBytes - 1_000_000) < 200_000);
    for (const session of sessions.slice(0, 2)) {
      session.destroy();
      await once(session, "close");
    }
    // The server hears of that before it answers the next call.
    const client = echo.client();
    await new Promise<void>((resolve) => client.CancelCall({ callId: "c" }, () => resolve()));
    expect(echo.server.heldBytes).toBeGreaterThan(800_000);
    sessions[2]?.destroy();
    await until("nothing is held", () => echo.server.heldBytes === 0);
  } finally {
    for (const session of sessions) session.destroy();
  }
});
