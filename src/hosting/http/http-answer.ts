import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate } from "node:zlib";
import { type ToolContext, ToolFailure } from "../../index.js";
import { isJson } from "../../json/is-json.js";
import { wholeText } from "../../json/lone-surrogates.js";
import { RawJson } from "../../json/raw-json.js";
import { ConnectionLost } from "./connection-lost.js";
import { readEvents, readLines } from "./event-stream.js";
import { describe, type IncomingAnswer } from "./http-client.js";
import { HTTP_INVALID_ANSWER } from "./http-failure.js";
import { charsetOf, essenceOf, isExactlyJson, isTextType, streamOf } from "./media-type.js";
import type { HttpMethod } from "./operations.js";

const DECODERS = {
  gzip: promisify(gunzip),
  "x-gzip": promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
} as const;

/** Headers that an answer to HEAD is read for. */
const HEAD_HEADERS = [
  "content-type",
  "content-length",
  "content-encoding",
  "etag",
  "last-modified",
  "accept-ranges",
  "cache-control",
];

/**
 * What an answer of success comes to:
 *
 * - JSON: the bytes as they were written;
 * - no content: null;
 * - a stream of events or lines: each of them as output of the call, and then how many they were;
 * - other text: `{ contentType, text }`; anything else: `{ contentType, base64 }`;
 * - to HEAD: `{ status, headers }`.
 *
 * @param maxBytes the most that is read, decompressed.
 * @throws ToolFailure HTTP_INVALID_ANSWER
 * @throws ConnectionLost when the connection ends before the answer does
 */
export async function readAnswer(
  answer: IncomingAnswer,
  method: HttpMethod,
  context: Pick<ToolContext, "emit" | "signal">,
  maxBytes: number,
): Promise<unknown> {
  const { status, headers, body } = answer;
  if (method === "HEAD") {
    body.destroy();
    const kept = HEAD_HEADERS.flatMap((name) =>
      headers[name] === undefined ? [] : [[name, wholeText(headers[name])] as const],
    );
    return { status, headers: Object.fromEntries(kept) };
  }
  const contentType = wholeText((headers["content-type"] ?? "").slice(0, 200));
  const essence = essenceOf(contentType);
  const stream = isEncoded(headers) ? undefined : streamOf(essence);
  if (stream !== undefined) {
    const pieces = connected(body, context.signal);
    const events = stream === "sse" ? readEvents(pieces, maxBytes) : readLines(pieces, maxBytes);
    let count = 0;
    for await (const event of events) {
      await context.emit(event);
      count += 1;
    }
    return { contentType, events: count };
  }
  const bytes = await readBody(answer, context.signal, maxBytes);
  if (bytes.length === 0) return null;
  if (isExactlyJson(essence)) {
    const json = withoutMark(bytes);
    if (!isJson(json))
      throw new ToolFailure(HTTP_INVALID_ANSWER, `The answer says that it is ${essence}, and is no JSON.`);
    return new RawJson(json);
  }
  if (essence !== "" && !isTextType(essence)) return { contentType, base64: bytes.toString("base64") };
  const text = decode(bytes, charsetOf(contentType), essence === "");
  return text === undefined ? { contentType, base64: bytes.toString("base64") } : { contentType, text };
}

/**
 * Reads a body, decompressed.
 *
 * @throws as `readAnswer`
 */
async function readBody(answer: IncomingAnswer, signal: AbortSignal, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of connected(answer.body, signal)) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      answer.body.destroy();
      throw tooLarge(maxBytes);
    }
    parts.push(chunk);
  }
  const whole = Buffer.concat(parts);
  return isEncoded(answer.headers)
    ? await decompressed(whole, answer.headers["content-encoding"] ?? "", maxBytes)
    : whole;
}

async function decompressed(bytes: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  const name = encoding.trim().toLowerCase();
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name as keyof typeof DECODERS] : undefined; // its own key
  if (decoder === undefined)
    throw new ToolFailure(HTTP_INVALID_ANSWER, "The answer is compressed in a way that was not asked for.");
  if (bytes.length === 0) return bytes;
  try {
    return await decoder(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if (describe(error) === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
    throw new ToolFailure(HTTP_INVALID_ANSWER, `The answer says that it is compressed by ${name}, and is not.`);
  }
}

/** The beginning of a body that is not compressed; nothing of one that is. How it ends does not matter. */
export async function readBeginning({ headers, body }: IncomingAnswer, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    if (!isEncoded(headers)) {
      for await (const chunk of body) {
        parts.push(chunk);
        bytes += chunk.length;
        if (bytes >= maxBytes) break;
      }
    }
  } catch {
    // What has come is what there is.
  }
  body.destroy();
  return Buffer.concat(parts).subarray(0, maxBytes);
}

/** The pieces of a body; how its connection ends is told from faults of its content. */
async function* connected(body: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
  const pieces = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      let next: IteratorResult<Buffer>;
      try {
        next = await pieces.next();
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw new ConnectionLost(describe(error));
      }
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await pieces.return?.();
  }
}

function isEncoded(headers: Readonly<Record<string, string>>): boolean {
  const encoding = headers["content-encoding"]?.trim().toLowerCase();
  return encoding !== undefined && encoding !== "" && encoding !== "identity";
}

/** @param isGuess whether nothing says that it is text. */
function decode(bytes: Buffer, charset: string | undefined, isGuess: boolean): string | undefined {
  try {
    return new TextDecoder(charset ?? "utf-8", { fatal: isGuess || charset === undefined }).decode(bytes);
  } catch {
    return undefined;
  }
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function tooLarge(maxBytes: number): ToolFailure {
  return new ToolFailure(
    HTTP_INVALID_ANSWER,
    `The answer has more than ${maxBytes} bytes, which is the most that is read.`,
  );
}
