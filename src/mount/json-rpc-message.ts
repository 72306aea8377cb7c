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

/**
 * Reads a line as JSON-RPC messages. Servers break the rules, and a call whose answer is thrown away hangs to its deadline; so an
 * answer whose id can be read is always one:
 *
 * - `jsonrpc` may be absent, `id` may be the text of a number;
 * - null stands for absence, so `"error": null` beside a result is no error; an error beside a result counts as an error;
 * - an error may be a text alone, or have no code or message;
 * - a line that is not JSON (NaN, a cut text) is an unusable answer when the id stands at one of its ends, where servers write it;
 * - a batch is its messages one by one.
 */
export function readRpcLine(line: Buffer): readonly RpcMessage[] {
  // Bytes that are no text are replaced, as any decoder does, so that the rest of the line arrives.
  const json = isUtf8(line) ? line : Buffer.from(line.toString("utf8"));
  let value: unknown;
  try {
    value = JSON.parse(json.toString("utf8"));
  } catch (error) {
    const why = `it is not JSON${breaksOff(error)}`;
    const id = idAtTheEnds(json, json);
    return [id === undefined ? { kind: "unreadable", why } : { kind: "answer", id, answer: { kind: "unusable", why } }];
  }
  if (!Array.isArray(value)) return [readMessage(json, value)];
  const slices = slicesOf(json);
  return value.map((item: unknown, index) =>
    readMessage(json.subarray(slices[index]?.start, slices[index]?.end), item),
  );
}

/** The id of an answer of which only both ends are at hand; servers write it first or last. A client's own ids are numbers. */
export function idAtTheEnds(head: Buffer, tail: Buffer): string | undefined {
  const begin = head.toString("latin1", 0, ID_WITHIN_BYTES);
  const end = tail.toString("latin1", Math.max(0, tail.length - ID_WITHIN_BYTES));
  const first = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*"?([0-9]{1,15})"?\s*,/.exec(begin);
  const last = /,\s*"id"\s*:\s*"?([0-9]{1,15})"?\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(end);
  return first?.[1] ?? last?.[1];
}
const ID_WITHIN_BYTES = 512;

function readMessage(json: Buffer, message: unknown): RpcMessage {
  if (!isObject(message)) return { kind: "unreadable", why: "it is no object" };
  const id = typeof message.id === "number" || typeof message.id === "string" ? String(message.id) : undefined;
  if (typeof message.method === "string") {
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
  if (error !== undefined && error !== null) return readError(json, error);
  if (result !== undefined && result !== null) return { kind: "result", value: result, json: memberOf(json, "result") };
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
    ...(data === undefined || data === null ? {} : { data: memberOf(memberOf(json, "error"), "data") }),
  };
}

/** The bytes of a member that is there. Of one that is there twice, the last counts, as `JSON.parse` has it. */
function memberOf(json: Buffer, key: string): Buffer {
  const slice = slicesOf(json).findLast((member) => member.key === key);
  return json.subarray(slice?.start ?? 0, slice?.end ?? 0);
}

/** The engine's message quotes the text, so only its position is taken over. */
function breaksOff(error: unknown): string {
  const position = error instanceof SyntaxError ? /at position ([0-9]+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? "" : `; it breaks off at character ${Number(position) + 1}`;
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
