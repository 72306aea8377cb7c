import { connect } from "node:http2";
import { connect as connectPlain } from "node:net";
import { expect, test } from "vitest";
import { ScriptedAccess } from "../../access/scripted-access.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { echoServer } from "./echo-server.js";

expectNoLeaks();

/** The status of a call with these headers, as they go over the wire. */
async function statusOf(address: string, headers: Record<string, string>): Promise<string> {
  const session = connect(`http://${address}`);
  try {
    const stream = session.request({
      ...{ ":method": "POST", ":path": "/toolgate.v1.Gateway/CallTool" },
      ...{ te: "trailers", "content-type": "application/grpc", ...headers },
    });
    const status = new Promise<string>((resolve, reject) => {
      const take = (got: Record<string, unknown>): void => {
        if (got["grpc-status"] !== undefined) resolve(String(got["grpc-status"]));
      };
      stream.on("response", take).on("trailers", take).on("error", reject);
    });
    stream.end(Buffer.alloc(5)); // an empty message
    stream.resume();
    return await status;
  } finally {
    session.destroy();
  }
}

const OK = "0";
const UNAUTHENTICATED = "16";

/**
 * Asks with headers that Node's own client does not send, by frames made by hand; resolves when the node has answered.
 *
 * @param headers names and values of at most 126 bytes, in order
 */
async function askRaw(address: string, headers: readonly (readonly [string, string])[]): Promise<void> {
  const frame = (type: number, flags: number, stream: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(body.length, 0, 3);
    head.writeUInt8(type, 3);
    head.writeUInt8(flags, 4);
    head.writeUInt32BE(stream, 5);
    return Buffer.concat([head, body]);
  };
  const literal = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  const fields = headers.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]); // RFC 7541, 6.2.2
  const socket = connectPlain(Number(address.split(":")[1]), "127.0.0.1");
  try {
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
    socket.write(frame(HEADERS, END_HEADERS, 1, Buffer.concat(fields)));
    socket.write(frame(DATA, END_STREAM, 1, Buffer.alloc(5)));
    let got = Buffer.alloc(0);
    for await (const bytes of socket as AsyncIterable<Buffer>) {
      got = Buffer.concat([got, bytes]);
      while (got.length >= 9 && got.length >= 9 + got.readUIntBE(0, 3)) {
        if (got[3] === HEADERS) return;
        got = got.subarray(9 + got.readUIntBE(0, 3));
      }
    }
    throw new Error("the node has not answered");
  } finally {
    socket.destroy();
  }
}

/** Of RFC 9113, section 6. */
const [DATA, HEADERS, SETTINGS, END_STREAM, END_HEADERS] = [0, 1, 4, 1, 4];
const REQUEST = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/toolgate.v1.Gateway/CallTool"],
  [":authority", "localhost"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
] as const;

test("a caller is told by its authorization header alone", async () => {
  const access = new ScriptedAccess("ada");
  await using echo = await echoServer({}, {}, { access });
  const ask = (headers: Record<string, string>) => statusOf(echo.address, headers);
  expect(await ask({ authorization: "Bearer ada" })).toBe(OK);
  expect(await ask({})).toBe(UNAUTHENTICATED);
  for (const header of [
    "proxy-authorization",
    "x-authorization",
    "x-forwarded-user",
    "x-api-key",
    "cookie",
    "user-agent",
  ])
    expect(await ask({ [header]: "Bearer ada" }), header).toBe(UNAUTHENTICATED);
});

test("a call with two authorization headers is refused, whichever they are", async () => {
  const access = new ScriptedAccess("ada");
  await using echo = await echoServer({}, {}, { access });
  await askRaw(echo.address, [...REQUEST, ["authorization", "Bearer ada"]]);
  expect(access.asked).toHaveLength(1);
  await askRaw(echo.address, [...REQUEST, ["authorization", "Bearer ada"], ["authorization", "Bearer eve"]]);
  await askRaw(echo.address, [...REQUEST, ["authorization", "Bearer ada"], ["authorization", "Bearer ada"]]);
  expect(access.asked).toHaveLength(1);
});
