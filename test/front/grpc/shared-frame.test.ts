import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { expect, test } from "vitest";
import { unary } from "../../../src/front/services/methods.js";
import { EncodeOnce } from "../../../src/protocol/encoded-message.js";
import type {
  InvokeResponse,
  InvokeResponse__Output,
} from "../../../src/protocol/generated/toolgate/v1/InvokeResponse.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { echoServer, GATEWAY } from "./echo-server.js";

expectNoLeaks();

const MIB = 1_048_576;
const CALLS = 100;

function askWithoutReading(session: ClientHttp2Session): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": `/${GATEWAY}/Invoke`,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => {});
  stream.end(Buffer.alloc(5)); // an empty message
  return stream;
}

test("a large answer that many are given and do not read is encoded and held once, and arrives whole", async () => {
  let encodings = 0;
  const { responseSerialize, responseDeserialize } = loadProtocol().Gateway.service.Invoke;
  const shared = new EncodeOnce<InvokeResponse>((message) => {
    encodings++;
    return responseSerialize(message);
  });
  const answer = { terminal: { callId: "c", resultJson: Buffer.alloc(3.6 * MIB, "x") } };
  let asked = 0;
  const Invoke = unary(async () => {
    asked++;
    return shared.of(answer);
  });
  await using echo = await echoServer({ Invoke });
  const session = connect(`http://${echo.address}`);
  const reading = connect(`http://${echo.address}`); // of its own: what the others leave unread fills their connection's window
  try {
    const before = process.memoryUsage().arrayBuffers;
    const streams = Array.from({ length: CALLS }, () => askWithoutReading(session));
    let answered = 0;
    for (const stream of streams) stream.once("response", () => answered++);
    await until("all have their answer", () => answered === CALLS);
    expect(asked).toBe(CALLS);
    expect(encodings).toBe(1);
    // The answer, the buffer that it was encoded in, and what has come to the clients: not a copy for each call.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB);
    const stream = askWithoutReading(reading);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(stream, "end");
    const frame = Buffer.concat(chunks);
    expect(frame.readUInt32BE(1)).toBe(frame.length - 5);
    const { terminal } = responseDeserialize(frame.subarray(5)) as InvokeResponse__Output;
    expect(terminal?.callId).toBe("c");
    expect(terminal?.resultJson.equals(answer.terminal.resultJson)).toBe(true);
    expect(encodings).toBe(1);
  } finally {
    session.destroy();
    reading.destroy();
  }
});
