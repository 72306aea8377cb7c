import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { LARGEST_MESSAGE_BYTES } from "../config/message-limits.js";
import type { ToolgateError } from "../errors/toolgate-error.js";
import { FrameWriter } from "../frames/frame-writer.js";
import type { SessionCall } from "../protocol/generated/toolgate/v1/SessionCall.js";
import type { SessionRequest } from "../protocol/generated/toolgate/v1/SessionRequest.js";
import type { SessionResponse__Output } from "../protocol/generated/toolgate/v1/SessionResponse.js";
import type { Node } from "./remote-node.js";
import { readError } from "./request.js";
import { SATURATED_BYTES, streamSink } from "./stream-sink.js";
import { settlesWithin } from "./timing.js";

type Item =
  | { readonly kind: "call"; readonly bytes: number; readonly ref: number; readonly call: SessionCall }
  | { readonly kind: "cancel"; readonly bytes: number; readonly ref: number };

/** What a link reports to its session. */
export interface LinkEvents {
  readonly frame: (link: AgentLink, frame: SessionResponse__Output) => void;
  /**
   * The stream is gone, in whatever way; called once, and nothing after it. `error` is absent when the node ended it;
   * `unsent` are the calls that never left.
   */
  readonly gone: (link: AgentLink, error: ToolgateError | undefined, unsent: ReadonlySet<number>) => void;
}

/** One `Gateway.Session` stream to one node. */
export class AgentLink {
  readonly node: Node;
  /** Of the credential that the stream was opened with. */
  readonly keyVersion: number;
  readonly #stream: ClientDuplexStream<SessionRequest, SessionResponse__Output>;
  readonly #writer: FrameWriter<Item, SessionRequest>;
  readonly #over: Promise<void>;
  #closing: Promise<void> | undefined;
  #introduced = false;
  #heard = false;

  constructor(node: Node, events: LinkEvents) {
    this.node = node;
    this.keyVersion = node.keyVersion;
    const stream = node.clients.gateway.session(node.metadata());
    this.#stream = stream;
    this.#writer = new FrameWriter({
      sink: streamSink(stream),
      frameOf: (items) => this.#frameOf(items),
      schedule: setImmediate,
      saturatedBytes: SATURATED_BYTES,
    });
    this.#over = new Promise((resolve) => {
      let over = false;
      const end = (error: ToolgateError | undefined) => {
        if (over) return;
        over = true;
        const unsent = this.#writer.close().flatMap((item) => (item.kind === "call" ? [item.ref] : []));
        resolve();
        events.gone(this, error, new Set(unsent));
      };
      stream.on("data", (frame: SessionResponse__Output) => {
        this.#heard = true;
        if (!over) events.frame(this, frame);
      });
      stream.on("error", (error: ServiceError) => end(readError(error, node.address, node.keyOrigin)));
      stream.on("end", () => end(undefined));
    });
  }

  /** Whether the node has sent anything. One that refuses the caller never read what it was sent. */
  get heard(): boolean {
    return this.#heard;
  }

  /** `call.ref` is `ref`. */
  call(ref: number, call: SessionCall, bytes: number): void {
    this.#writer.push({ kind: "call", bytes, ref, call });
  }

  cancel(ref: number): void {
    this.#writer.push({ kind: "cancel", bytes: 8, ref });
  }

  /** Ends the stream after what is queued; resolves when it is gone, within a second. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** The first frame says what this channel takes, too. */
  #frameOf(items: readonly Item[]): SessionRequest {
    const frame = frameOf(items);
    if (this.#introduced) return frame;
    this.#introduced = true;
    return { ...frame, maxMessageBytes: LARGEST_MESSAGE_BYTES };
  }

  async #end(): Promise<void> {
    this.#writer.flushAll();
    this.#writer.close();
    this.#stream.end();
    if (await settlesWithin(this.#over, 1000)) return;
    this.#stream.cancel();
    await this.#over;
  }
}

function frameOf(items: readonly Item[]): SessionRequest {
  const calls: SessionCall[] = [];
  const cancels: { ref: number }[] = [];
  for (const item of items) {
    if (item.kind === "call") calls.push(item.call);
    else cancels.push({ ref: item.ref });
  }
  return { calls, cancels };
}
