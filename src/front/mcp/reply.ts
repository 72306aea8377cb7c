import { RawJson } from "../../json/raw-json.js";
import { INTERNAL_ERROR, type RequestId } from "./message.js";

/** An error as JSON-RPC has it. */
export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** How a request ends: with a result, or with an error and the HTTP status that carries it. */
export type Reply =
  | { readonly kind: "result"; readonly result: object; readonly headers?: Readonly<Record<string, string>> }
  | {
      readonly kind: "error";
      readonly error: RpcError;
      /** 200 unless said: most errors of JSON-RPC are ordinary answers of HTTP. */
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
    };

/** What belongs to a request and comes before its end, or instead of one: notifications. */
export interface Notification {
  readonly method: string;
  readonly params: object;
}

/** What a method answers. */
export type MethodAnswer =
  | Reply
  /** Notifications as they come, and the end, as the last value. */
  | { readonly kind: "stream"; readonly messages: AsyncGenerator<Notification, Reply | undefined, void> };

export function result(value: object, headers?: Readonly<Record<string, string>>): Reply {
  return { kind: "result", result: value, ...(headers === undefined ? {} : { headers }) };
}

export function rpcError(code: number, message: string, more: { data?: unknown; status?: number } = {}): Reply {
  const { data, status } = more;
  return {
    kind: "error",
    error: { code, message, ...(data === undefined ? {} : { data }) },
    ...(status === undefined ? {} : { status }),
  };
}

/** How a stream ends, for one that is told nothing of what comes before. */
export async function lastOf(messages: Extract<MethodAnswer, { kind: "stream" }>["messages"]): Promise<Reply> {
  for (;;) {
    const { done, value } = await messages.next();
    if (done) return value ?? rpcError(INTERNAL_ERROR, "The request has no end.");
  }
}

/** The message that ends a request; in it, a `RawJson` is written as the bytes that it came as. */
export function replyMessage(id: RequestId | undefined, reply: Reply): object {
  const head = { jsonrpc: "2.0", id: id ?? null };
  if (reply.kind === "result" && reply.result instanceof RawJson) {
    const before = `${JSON.stringify(head).slice(0, -1)},"result":`;
    return new RawJson(Buffer.concat([Buffer.from(before), reply.result.bytes, Buffer.from("}")]));
  }
  return reply.kind === "result" ? { ...head, result: reply.result } : { ...head, error: reply.error };
}

export function notificationMessage({ method, params }: Notification): object {
  return { jsonrpc: "2.0", method, params };
}
