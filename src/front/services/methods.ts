import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServiceDefinition,
} from "@grpc/grpc-js";
import type { CallContext } from "./call-context.js";
import type { DuplexStream } from "./duplex-stream.js";

/** A method that answers one request with one response. */
export interface UnaryMethod<Request, Response> {
  readonly kind: "unary";
  readonly handler: (request: Request, context: CallContext) => Promise<Response>;
  /** See `unary`. */
  readonly sharesAnswers: boolean;
}

/** A method that answers one request with a stream. */
export interface ServerStreamMethod<Request, Response> {
  readonly kind: "serverStream";
  readonly handler: (request: Request, context: CallContext) => AsyncIterable<Response>;
  /** See `serverStream`. */
  readonly sharesAnswers: boolean;
}

/** A method that is a stream in both directions. */
export interface BidiMethod<Request, Response> {
  readonly kind: "bidi";
  readonly handler: (stream: DuplexStream<Request, Response>) => void;
  /** See `bidi`. */
  readonly refusesParts: boolean;
}

export type Method<Request, Response> =
  | UnaryMethod<Request, Response>
  | ServerStreamMethod<Request, Response>
  | BidiMethod<Request, Response>;

/** Any method, as the server holds it: it pairs each with its own messages when it reads the definition. */
export type AnyMethod = Method<never, unknown>;

/**
 * What a service must implement, from its generated `…Handlers` type: one method of the right kind per RPC.
 *
 *     const methods: Methods<CatalogHandlers> = { GetToolset: unary(async (request, context) => …), … }
 */
export type Methods<Handlers> = {
  readonly [Name in keyof Handlers as string extends Name ? never : number extends Name ? never : Name]: MethodOf<
    Handlers[Name]
  >;
};

type MethodOf<Handler> =
  Handler extends handleUnaryCall<infer Request, infer Response>
    ? UnaryMethod<Request, Response>
    : Handler extends handleBidiStreamingCall<infer Request, infer Response>
      ? BidiMethod<Request, Response>
      : Handler extends handleServerStreamingCall<infer Request, infer Response>
        ? ServerStreamMethod<Request, Response>
        : never;

/** One gRPC service: its definition and one method per RPC. */
export interface Service {
  readonly definition: ServiceDefinition;
  readonly methods: Readonly<Record<string, AnyMethod>>;
}

/** `toolgate.v1.Gateway`, from the path of any of its methods. */
export function serviceName(definition: ServiceDefinition): string {
  const [first] = Object.values(definition);
  return first?.path.split("/")[1] ?? "";
}

/**
 * A method of one request and one response. What it throws becomes the call's status; see `toServiceError`.
 *
 * `context.signal` is aborted when the caller waits for the answer no longer.
 *
 * @param sharesAnswers several calls may get the same object as their answer, which does not change: it is encoded once
 */
export function unary<Request, Response>(
  handler: (request: Request, context: CallContext) => Promise<Response>,
  { sharesAnswers = false } = {},
): UnaryMethod<Request, Response> {
  return { kind: "unary", handler, sharesAnswers };
}

/**
 * A method that answers with what the iterable yields; usually an async generator. The next value is asked for when the
 * peer has room. The stream ends as the iterable does, and fails with what it throws.
 *
 * The handler must heed `context.signal`, and end when it is aborted: the caller went, its deadline passed, or the node
 * stops. In that last case the caller gets the signal's reason (NODE_DRAINING), to resume elsewhere.
 *
 * @param sharesAnswers several streams may yield the same object, which does not change: it is encoded once
 */
export function serverStream<Request, Response>(
  handler: (request: Request, context: CallContext) => AsyncIterable<Response>,
  { sharesAnswers = false } = {},
): ServerStreamMethod<Request, Response> {
  return { kind: "serverStream", handler, sharesAnswers };
}

/**
 * A stream in both directions. The handler is called once, when the stream opens, and sets up its callbacks at once; a
 * throw fails the stream.
 *
 * A frame that holds what this node cannot understand fails the stream too, unless the method refuses such parts of a frame
 * by themselves (`refusesParts`).
 */
export function bidi<Request, Response>(
  handler: (stream: DuplexStream<Request, Response>) => void,
  { refusesParts = false } = {},
): BidiMethod<Request, Response> {
  return { kind: "bidi", handler, refusesParts };
}
