import { isJson } from "../../json/is-json.js";
import { slicesOf } from "../../json/json-slices.js";

/*
 * JSON-RPC 2.0 messages as MCP has them. What is looked at of a message is read strictly, since what stands between a client and a node
 * may read it by other rules: no member may be there twice, also not in other letters of the same word, and names count by the letter.
 */

/** The id of a request: an answer bears the same. */
export type RequestId = string | number;

/** A request (with an id) or a notification. */
export interface Message {
  readonly id: RequestId | undefined;
  readonly method: string;
  /** The members of `params`, each in the bytes that it came as. */
  readonly params: Members;
}

/** Members of an object, by name, in the bytes that they came as. */
export type Members = ReadonlyMap<string, Buffer>;

export type ReadMessage =
  | { readonly kind: "message"; readonly message: Message }
  /** The answer to a request of the server. */
  | { readonly kind: "response" }
  /** Several in an array, as revision 2025-03-26 has them. */
  | { readonly kind: "batch"; readonly parts: readonly Buffer[] }
  /** It is none: the JSON-RPC code, and what is wrong; the id where that much could be read. */
  | { readonly kind: "fault"; readonly code: number; readonly why: string; readonly id: RequestId | undefined };

export const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;
export const METHOD_NOT_FOUND = -32_601;
export const INVALID_PARAMS = -32_602;
export const INTERNAL_ERROR = -32_603;

/** The most members of an object that is looked at. */
const MAX_MEMBERS = 64;
/** The most messages of a batch. */
const MAX_BATCH = 32;
const MAX_ID_CHARACTERS = 1_024;
const MAX_METHOD_CHARACTERS = 256;
const NO_MEMBERS: Members = new Map();

/** Reads a body as one message, or as a batch of them. */
export function readMessage(body: Buffer): ReadMessage {
  if (!isJson(body)) return fault(PARSE_ERROR, "The body is not one JSON value in UTF-8.");
  const first = firstByte(body);
  if (first === OPEN_ARRAY) return readBatch(body);
  if (first !== OPEN_OBJECT) return fault(INVALID_REQUEST, "A message is an object.");
  const members = membersOf(body);
  if (typeof members === "string") return fault(INVALID_REQUEST, `The message ${members}.`);
  const id = readId(members.get("id"));
  if (id === null) return fault(INVALID_REQUEST, "The id of a request is a text or an integer.");
  if (textOf(members.get("jsonrpc")) !== "2.0") return fault(INVALID_REQUEST, 'The message has no jsonrpc: "2.0".', id);
  if (!members.has("method")) {
    const isResponse = id !== undefined && (members.has("result") || members.has("error"));
    return isResponse ? { kind: "response" } : fault(INVALID_REQUEST, "The message has no method.", id);
  }
  const method = textOf(members.get("method"));
  if (method === undefined || method === "" || method.length > MAX_METHOD_CHARACTERS)
    return fault(INVALID_REQUEST, `The method is a text of at most ${MAX_METHOD_CHARACTERS} characters.`, id);
  const params = readObject(members.get("params"));
  if (typeof params === "string") return fault(INVALID_PARAMS, `params ${params}.`, id);
  return { kind: "message", message: { id, method, params: params ?? NO_MEMBERS } };
}

/**
 * The members of an object, where it is there.
 *
 * @returns why they cannot be had, as the end of a sentence
 */
export function readObject(bytes: Buffer | undefined): Members | string | undefined {
  if (bytes === undefined) return undefined;
  return bytes[0] === OPEN_OBJECT ? membersOf(bytes) : "must be an object";
}

/** A text that stands in a message; nothing where there is none. */
export function textOf(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined || bytes[0] !== QUOTE) return undefined;
  return JSON.parse(bytes.toString("utf8")) as string; // it begins with a quote
}

function readBatch(body: Buffer): ReadMessage {
  const parts: Buffer[] = [];
  for (const { start, end } of slicesOf(body)) {
    if (parts.length === MAX_BATCH) return fault(INVALID_REQUEST, `A batch has at most ${MAX_BATCH} messages.`);
    parts.push(body.subarray(start, end));
  }
  return parts.length === 0 ? fault(INVALID_REQUEST, "The batch is empty.") : { kind: "batch", parts };
}

function membersOf(json: Buffer): Members | string {
  const members = new Map<string, Buffer>();
  const folded = new Set<string>();
  for (const { key = "", start, end } of slicesOf(json)) {
    if (members.size === MAX_MEMBERS) return `has more than ${MAX_MEMBERS} members`;
    const word = foldCase(key);
    if (folded.has(word)) return "has a member twice, perhaps in other letters";
    folded.add(word);
    members.set(key, json.subarray(start, end));
  }
  return members;
}

/** One form for all spellings that some reader takes for the same: ſ and K (the Kelvin sign) are among them. */
function foldCase(key: string): string {
  return PRINTABLE.test(key) ? key.toLowerCase() : key.normalize("NFKC").toUpperCase().toLowerCase();
}

const PRINTABLE = /^[ -~]*$/;

/** @returns null for what is none */
function readId(bytes: Buffer | undefined): RequestId | undefined | null {
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_ID_CHARACTERS) return null;
  const id: unknown = JSON.parse(bytes.toString("utf8"));
  return typeof id === "string" || Number.isSafeInteger(id) ? (id as RequestId) : null; // as just seen
}

function firstByte(json: Buffer): number | undefined {
  return json.find((byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d);
}

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;

function fault(code: number, why: string, id?: RequestId): Extract<ReadMessage, { kind: "fault" }> {
  return { kind: "fault", code, why, id };
}
