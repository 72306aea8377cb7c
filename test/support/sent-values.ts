import { Channel } from "@grpc/grpc-js";
import { loadProtocol } from "../../src/protocol/load.js";
import type { SentValues } from "./canary-watch.js";

/*
 * What this process sends by gRPC, whichever client sends it: the SDK, a bare one, one that sends what none should. Of that the texts that
 * must not be found elsewhere.
 */

/** The most messages that are kept of each RPC, and how long they may be, in bytes. */
const MOST_MESSAGES = 100;
const MOST_BYTES = 4_096;
/** What is shorter is a test's word for one, in characters. */
const SHORTEST_CREDENTIAL = 24;

const SECRET_FIELDS: ReadonlySet<string> = new Set(["password", "leaseToken"]);
const SPOKEN_FIELDS: ReadonlySet<string> = new Set(["payloadJson", "resultJson", "dataJson", "detailsJson"]);

const messages = new Map<string, Buffer[]>();
const values: { readonly secrets: Set<string>; readonly spoken: Set<string> } = {
  secrets: new Set(),
  spoken: new Set(),
};

/** All that was sent up to now. */
export function sentValues(): SentValues {
  if (messages.size > 0) readMessages();
  return values;
}

/** Begins to take notice of what is sent, once per process. */
export function noteSentValues(): void {
  const { createCall } = Channel.prototype;
  Channel.prototype.createCall = function (method, ...rest) {
    const call = createCall.call(this, method, ...rest);
    const { start, sendMessageWithContext } = call;
    call.start = (metadata, listener) => {
      const [text] = metadata.get("authorization");
      if (typeof text === "string") noteCredential(text.replace(/^Bearer /, ""));
      start.call(call, metadata, listener);
    };
    call.sendMessageWithContext = (context, message) => {
      const kept = messages.get(method) ?? [];
      messages.set(method, kept);
      if (kept.length < MOST_MESSAGES && message.length <= MOST_BYTES) kept.push(message);
      sendMessageWithContext.call(call, context, message);
    };
    return call;
  };
}

function noteCredential(text: string): void {
  if (text.length >= SHORTEST_CREDENTIAL) values.secrets.add(text);
}

/** Reads what has come since; what is no message of ours is passed over. */
function readMessages(): void {
  for (const { service } of Object.values(loadProtocol()).filter(isClient)) {
    for (const { path, requestDeserialize } of Object.values(service)) {
      for (const message of messages.get(path)?.splice(0) ?? []) {
        try {
          gather(requestDeserialize(message));
        } catch {
          // A test may send anything.
        }
      }
    }
  }
}

interface ClientOfService {
  readonly service: Readonly<Record<string, { path: string; requestDeserialize(bytes: Buffer): unknown }>>;
}

function isClient(part: unknown): part is ClientOfService {
  return typeof part === "function" && "service" in part;
}

/** Takes the texts out of a message, at any depth. */
function gather(message: unknown): void {
  if (message === null || typeof message !== "object" || Buffer.isBuffer(message)) return;
  for (const [field, value] of Object.entries(message)) {
    if (SECRET_FIELDS.has(field)) values.secrets.add(String(value));
    else if (SPOKEN_FIELDS.has(field)) gatherSpoken(String(value));
    else gather(value);
  }
}

/** A whole text of JSON, and each text in it: what leaks may be a part. */
function gatherSpoken(json: string): void {
  const inside = (value: unknown): void => {
    if (typeof value === "string") values.spoken.add(value);
    else if (typeof value === "object" && value !== null) for (const part of Object.values(value)) inside(part);
  };
  try {
    const value: unknown = JSON.parse(json);
    inside(value);
    if (typeof value === "object") values.spoken.add(json);
  } catch {
    values.spoken.add(json);
  }
}
