import { timerMs } from "../async/after.js";
import { type Deferred, deferred } from "../async/deferred.js";
import { type JsonPart, joinObject } from "../json/json-slices.js";
import type { TraceContext } from "../observe/traces/trace-context.js";
import { idAtTheEnds, type RpcAnswer, readRpcLine } from "./json-rpc-message.js";
import type { Progress } from "./progress.js";
import { readProgress } from "./progress.js";

/** JSON-RPC code of a method that is not known. */
const METHOD_NOT_FOUND = -32_601;
/** How many lines may wait to be read until questions of the other side are not answered any more: it asks without reading. */
const MAX_UNREAD_LINES = 1_000;
/** JSON-RPC code for an answer that was too large, from the range that servers may define. */
export const MESSAGE_TOO_LARGE = -32_050;

/** What a peer needs from what holds it. */
export interface PeerWires {
  /** Sends one line, without its newline. */
  send(line: Buffer): void;
  /** How many lines that were sent wait for the other side to read them. */
  unreadLines(): number;
  onNotification(method: string, params: { readonly [key: string]: unknown }): void;
  /** Something that the other side did wrong, and that ends no request. */
  onFault(message: string): void;
}

/** Members of a request's `params`, in their order. Values may be bytes of JSON, which are sent as they are. */
export type RpcParams = readonly (readonly [key: string, value: JsonPart])[];

/** How long a request may take, and what may end it before. */
export interface RequestOptions {
  /** Stops waiting, and notifies the other side. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Asks for progress, and takes it. */
  onProgress?(progress: Progress): void;
  /** The trace that the request belongs to, for the `_meta` of one that asks for progress. */
  readonly trace?: TraceContext;
}

/** What became of a request. */
export type RpcOutcome =
  | RpcAnswer
  | { readonly kind: "timed_out" }
  /** The connection ended first. */
  | { readonly kind: "closed" };

interface Waiting {
  readonly ended: Deferred<RpcOutcome>;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** Unprefixed, as MCP has it for these alone: https://modelcontextprotocol.io/community/seps/414-request-meta */
function traceMembers({ traceparent, tracestate }: TraceContext = {}): { readonly [member: string]: string } {
  if (traceparent === undefined) return {};
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/**
 * This side of a JSON-RPC 2.0 connection over lines, as MCP speaks it: requests with progress and cancellation, and answers to
 * what the other side asks. Results are handed on in the bytes that they were written in.
 */
export class JsonRpcPeer {
  readonly #wires: PeerWires;
  readonly #waiting = new Map<string, Waiting>();
  #nextId = 0;
  #closed = false;

  constructor(wires: PeerWires) {
    this.#wires = wires;
  }

  /**
   * Asks the other side. What it answers, also that it refuses, is a value.
   * @throws the signal's reason, once it has aborted
   */
  async request(method: string, params: RpcParams, options: RequestOptions): Promise<RpcOutcome> {
    const { signal, onProgress } = options;
    signal.throwIfAborted();
    if (this.#closed) return { kind: "closed" };
    const id = this.#nextId;
    this.#nextId += 1;
    const ended = deferred<RpcOutcome>();
    this.#waiting.set(String(id), { ended, onProgress });
    const onAbort = (): void => ended.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => ended.resolve({ kind: "timed_out" }), timerMs(options.timeoutMs));
    try {
      const meta: RpcParams =
        onProgress === undefined ? [] : [["_meta", { progressToken: id, ...traceMembers(options.trace) }]];
      this.#send([
        ["id", id],
        ["method", method],
        ["params", joinObject([...params, ...meta])],
      ]);
      const outcome = await ended.promise;
      if (outcome.kind === "timed_out") this.#cancel(id, "it took too long");
      return outcome;
    } catch (error) {
      this.#cancel(id, "it is not wanted any more");
      throw error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      this.#waiting.delete(String(id));
    }
  }

  /** Tells the other side something that has no answer. */
  notify(method: string, params: RpcParams = []): void {
    if (this.#closed) return;
    this.#send([["method", method], ...(params.length === 0 ? [] : [["params", joinObject(params)] as const])]);
  }

  /** Takes a line from the other side. */
  receive(line: Buffer): void {
    for (const message of readRpcLine(line)) {
      switch (message.kind) {
        case "answer":
          this.#end(message.id, message.answer);
          break;
        case "notification":
          if (message.method === "notifications/progress") this.#onProgress(message.params);
          else this.#wires.onNotification(message.method, message.params);
          break;
        case "request":
          this.#answer(message.id, message.method);
          break;
        case "unreadable":
          this.#wires.onFault(`a line on stdout that is no JSON-RPC message: ${message.why}`);
          break;
        default:
          message satisfies never;
      }
    }
  }

  /** Takes a line that was too long to be kept: the request that it answers learns of it, the others go on. */
  receiveOversized(head: Buffer, tail: Buffer, bytes: number, limit: number): void {
    const message = `the MCP server's answer of ${bytes} bytes is over the limit of ${limit} bytes`;
    const id = idAtTheEnds(head, tail);
    if (id === undefined) this.#wires.onFault(message);
    else this.#end(id, { kind: "error", code: MESSAGE_TOO_LARGE, message });
  }

  /** The connection has ended: what still waits ends as `closed`. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { ended } of this.#waiting.values()) ended.resolve({ kind: "closed" });
  }

  #end(id: string, answer: RpcAnswer): void {
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      // The first answer counts, and no progress after it.
      this.#waiting.delete(id);
      waiting.ended.resolve(answer);
      return;
    }
    // An answer to what was cancelled or timed out crosses with the word of it: no fault.
    if (!this.#wasAsked(id)) this.#wires.onFault("an answer to a request that was never made");
  }

  #wasAsked(id: string): boolean {
    return /^[0-9]{1,15}$/.test(id) && Number(id) < this.#nextId;
  }

  #onProgress(params: { readonly [key: string]: unknown }): void {
    // A server goes on reporting until it has heard of a cancellation: no fault.
    const onProgress = this.#waiting.get(String(params.progressToken))?.onProgress;
    const progress = readProgress(params);
    if (progress !== undefined) onProgress?.(progress);
  }

  #answer(id: Buffer, method: string): void {
    if (this.#wires.unreadLines() >= MAX_UNREAD_LINES) {
      this.#wires.onFault("it asks and does not read what it is answered, so it is not answered");
      return;
    }
    const answer: readonly [string, JsonPart] =
      method === "ping"
        ? ["result", {}]
        : ["error", { code: METHOD_NOT_FOUND, message: "Toolgate's mount has no such method" }];
    this.#send([["id", id], answer]);
  }

  #cancel(requestId: number, reason: string): void {
    this.notify("notifications/cancelled", [
      ["requestId", requestId],
      ["reason", reason],
    ]);
  }

  #send(members: RpcParams): void {
    this.#wires.send(oneLine(joinObject([["jsonrpc", "2.0"], ...members])));
  }
}

/** Line breaks between the tokens of a JSON text (within strings there are none) would cut the message in two. */
function oneLine(json: Buffer): Buffer {
  for (const byte of [0x0a, 0x0d])
    for (let at = json.indexOf(byte); at !== -1; at = json.indexOf(byte, at + 1)) json[at] = 0x20;
  return json;
}
