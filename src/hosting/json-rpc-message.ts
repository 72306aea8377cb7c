import { isUtf8 } from "node:buffer";
import { slicesOf } from "../json/json-slices.js";

/** How a request was answered. */
export type RpcAnswer =
  /** Its result: the value, and the bytes that it was written in. */
  | { readonly kind: "result"; readonly value: unknown; readonly json: Buffer }
  /** Its error. `data` is the bytes of what the server added. */
  | { readonly kind: "error"; readonly code: number | undefined; readonly message: string; readonly data?: Buffer }
  /** Neither can be made out. */
  | { readonly kind: "unusable"; readonly why: string };

/** One message of a JSON-RPC peer, read generously. */
export type RpcMessage =
  | { readonly kind: "answer"; readonly id: string; readonly answer: RpcAnswer }
  | { readonly kind: "request"; readonly id: Buffer; readonly method: string }
  | { readonly kind: "notification"; readonly method: string; readonly params: { readonly [key: string]: unknown } }
  /** Nothing can be done with it. */
  | { readonly kind: "unreadable"; readonly why: string };

const NO_MESSAGE = "The MCP server refused without a message.";
/** More messages than any server sends as one batch; each takes memory and time beyond that of its text. */
const MAX_BATCH = 1_000;
const BYTE_ORDER_MARK = Buffer.from("\ufeff");

/**
 * Reads a line as JSON-RPC messages. Servers break the rules, and a call whose answer is thrown away hangs to its deadline; so an
 * answer whose id can be read is always one:
 *
 * - `jsonrpc` may be absent, `id` may be the text of a number;
 * - null stands for absence, so `"error": null` beside a result is no error; an error beside a result counts as an error;
 * - an error may be a text alone, or have no code or message;
 * - a line that is not JSON (NaN, a cut text) is an unusable answer when the id stands at one of its ends, where servers write it;
 * - what has a result or an error is an answer, also where it names a method;
 * - a byte order mark before the message is left out;
 * - a batch is its messages one by one, up to a thousand.
 */
export function readRpcLine(line: Buffer): readonly RpcMessage[] {
  const json = decodable(line);
  let value: unknown;
  try {
    value = JSON.parse(json.toString("utf8"));
  } catch (error) {
    const why = `it is not JSON${breaksOff(error)}`;
    const id = idAtTheEnds(json, json);
    return [id === undefined ? { kind: "unreadable", why } : { kind: "answer", id, answer: { kind: "unusable", why } }];
  }
  if (!Array.isArray(value)) return [readMessage(json, value)];
  if (value.length > MAX_BATCH)
    return [{ kind: "unreadable", why: `it is a batch of more than ${MAX_BATCH} messages` }];
  const slices = [...slicesOf(json)];
  return value.map((item: unknown, index) =>
    readMessage(json.subarray(slices[index]?.start, slices[index]?.end), item),
  );
}

/** The line as text that `JSON.parse` may take: bytes that are no text are replaced, so that the rest of the line arrives. */
function decodable(line: Buffer): Buffer {
  const marked = line.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const text = marked ? line.subarray(BYTE_ORDER_MARK.length) : line;
  return isUtf8(text) ? text : Buffer.from(text.toString("utf8"));
}

/**
 * The id of an answer of which only both ends are at hand; servers write it first or last. A client's own ids are numbers. What
 * the server asks has ids, too: they are the server's own, so a message that names its method at its beginning has none here.
 */
export function idAtTheEnds(head: Buffer, tail: Buffer): string | undefined {
  const begin = head.toString("latin1", 0, ID_WITHIN_BYTES);
  if (/^\s*\{\s*(?:"(?:jsonrpc|id)"\s*:\s*"?[0-9.]{1,15}"?\s*,\s*){0,2}"method"\s*:/.test(begin)) return undefined;
  const end = tail.toString("latin1", Math.max(0, tail.length - ID_WITHIN_BYTES));
  const first = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*"?([0-9]{1,15})"?\s*,/.exec(begin);
  const last = /,\s*"id"\s*:\s*"?([0-9]{1,15})"?\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(end);
  return first?.[1] ?? last?.[1];
}
const ID_WITHIN_BYTES = 512;

function readMessage(json: Buffer, message: unknown): RpcMessage {
  if (!isObject(message)) return { kind: "unreadable", why: "it is no object" };
  const id = typeof message.id === "number" || typeof message.id === "string" ? String(message.id) : undefined;
  const isAnswer = isThere(message.result) || isThere(message.error);
  if (typeof message.method === "string" && !isAnswer) {
    const { method } = message;
    if (id === undefined) {
      return { kind: "notification", method, params: isObject(message.params) ? message.params : {} };
    }
    return { kind: "request", method, id: memberOf(json, "id") };
  }
  if (id === undefined) return { kind: "unreadable", why: "it has neither a method nor an id" };
  return { kind: "answer", id, answer: readAnswer(json, message) };
}

function readAnswer(json: Buffer, { result, error }: { readonly [key: string]: unknown }): RpcAnswer {
  if (isThere(error)) return readError(json, error);
  if (isThere(result)) return { kind: "result", value: result, json: memberOf(json, "result") };
  return { kind: "unusable", why: "it has neither a result nor an error" };
}

function readError(json: Buffer, error: unknown): RpcAnswer {
  if (!isObject(error)) {
    return { kind: "error", code: undefined, message: typeof error === "string" && error !== "" ? error : NO_MESSAGE };
  }
  const { code, message, data } = error;
  return {
    kind: "error",
    code: typeof code === "number" ? code : undefined,
    message: typeof message === "string" && message.trim() !== "" ? message : NO_MESSAGE,
    ...(isThere(data) ? { data: memberOf(memberOf(json, "error"), "data") } : {}),
  };
}

/** The bytes of a member that is there. Of one that is there twice, the last counts, as `JSON.parse` has it. */
function memberOf(json: Buffer, key: string): Buffer {
  let bytes = json.subarray(0, 0);
  for (const member of slicesOf(json)) if (member.key === key) bytes = json.subarray(member.start, member.end);
  return bytes;
}

/** Null stands for absence. */
function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** The engine's message quotes the text, so only its position is taken over. */
function breaksOff(error: unknown): string {
  const position = error instanceof SyntaxError ? /at position ([0-9]+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? "" : `; it breaks off at character ${Number(position) + 1}`;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
