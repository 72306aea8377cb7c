import {
  type Attributes,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { ATTRIBUTE, EVENT, EXECUTE_TOOL, SPAN } from "./conventions.js";
import { remoteContext, toSpanContext, toTraceparent } from "./span-context.js";
import { recordEnd, type SpanEnd } from "./span-end.js";
import type { TraceContext } from "./trace-context.js";

/*
 * The spans of a call, as nodes make them:
 *
 *   agent's span, if it makes one
 *   └ execute_tool {tool}     the node that the agent called: until it has answered
 *     ├ admit                 to the call's record
 *     ├ queue                 from there to the first claim; made by the node that delivers, by the times of the record
 *     └ attempt               the node that delivers: until the end is settled, or the provider lost; one for each
 *       └ provider's span, if it makes one
 *
 * The record of the call carries the context of the second one; a provider receives that of its attempt.
 */

/** A call as it is placed. */
export interface TracedCall {
  /** The RPC that it came by: `toolgate.v1.Gateway/Invoke`. */
  readonly rpc: string;
  readonly toolset: string;
  readonly tool: string;
  readonly toolCallId: string | undefined;
  readonly conversation: string | undefined;
  /** The call's own context. */
  readonly context: TraceContext;
  /** That of the request that brought it, where it is another one. */
  readonly transport: string | undefined;
}

/** A call as a provider gets it. */
export interface TracedAttempt {
  readonly callId: string;
  readonly toolset: string;
  readonly epoch: number;
  readonly tool: string;
  readonly attempt: number;
  readonly provider: string;
  /** The context of the call's record. */
  readonly context: TraceContext & { readonly traceparent: string };
  /** When it was admitted and claimed, in Unix milliseconds by Redis's clock. */
  readonly admittedMs: number;
  readonly claimedMs: number;
  /** It had been claimed for this provider before, and had not arrived. */
  readonly redelivered: boolean;
}

/** Makes a node's spans. */
export class NodeSpans {
  readonly #tracer: Tracer;
  readonly #redisNowMs: () => number;

  constructor(tracer: Tracer, redisNowMs: () => number) {
    this.#tracer = tracer;
    this.#redisNowMs = redisNowMs;
  }

  call(call: TracedCall): CallSpan {
    return new CallSpan(this.#tracer, call);
  }

  attempt(attempt: TracedAttempt): AttemptSpan {
    const { toolset, context, callId } = attempt;
    const parent = remoteContext(context);
    const isFirst = attempt.attempt === 1 && !attempt.redelivered;
    // Redis's clock as this machine's, on which all other spans of this process are.
    const offsetMs = Date.now() - this.#redisNowMs();
    const claimedAtMs = Math.min(attempt.claimedMs + offsetMs, Date.now());
    if (isFirst) {
      const startTime = Math.min(attempt.admittedMs + offsetMs, claimedAtMs);
      const attributes = { ...messaging(toolset), [ATTRIBUTE.callId]: callId };
      this.#tracer.startSpan(SPAN.queue, { kind: SpanKind.INTERNAL, startTime, attributes }, parent).end(claimedAtMs);
    }
    const span = this.#tracer.startSpan(
      SPAN.attempt,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          ...messaging(toolset, "process"),
          [ATTRIBUTE.tool]: attempt.tool,
          [ATTRIBUTE.toolset]: toolset,
          [ATTRIBUTE.callId]: callId,
          [ATTRIBUTE.epoch]: attempt.epoch,
          [ATTRIBUTE.attempt]: attempt.attempt,
          [ATTRIBUTE.provider]: attempt.provider,
        },
      },
      parent,
    );
    if (!isFirst) span.addEvent(EVENT.redelivered, { [ATTRIBUTE.attempt]: attempt.attempt });
    return new AttemptSpan(span);
  }
}

function messaging(toolset: string, operation?: "send" | "process"): Attributes {
  return {
    [ATTRIBUTE.messagingSystem]: "toolgate",
    [ATTRIBUTE.destination]: toolset,
    ...(operation === undefined ? {} : { [ATTRIBUTE.messagingOperation]: operation }),
  };
}

/** A call from its request to the node's answer. */
export class CallSpan {
  /** What stands in the call's record, for the spans below this one. */
  readonly traceparent: string;
  readonly #span: Span;
  #admit: Span | undefined;

  constructor(tracer: Tracer, call: TracedCall) {
    const { context, transport } = call;
    const { traceparent } = context;
    const parent = traceparent === undefined ? ROOT_CONTEXT : remoteContext({ ...context, traceparent });
    this.#span = tracer.startSpan(
      SPAN.call(call.tool),
      {
        kind: SpanKind.SERVER,
        attributes: {
          [ATTRIBUTE.operation]: EXECUTE_TOOL,
          [ATTRIBUTE.tool]: call.tool,
          [ATTRIBUTE.toolset]: call.toolset,
          [ATTRIBUTE.rpcSystem]: "grpc",
          [ATTRIBUTE.rpcMethod]: call.rpc,
          ...(call.toolCallId === undefined ? {} : { [ATTRIBUTE.toolCallId]: call.toolCallId }),
          ...(call.conversation === undefined ? {} : { [ATTRIBUTE.conversation]: call.conversation }),
        },
        links: transport === undefined ? [] : [{ context: toSpanContext({ traceparent: transport }) }],
      },
      parent,
    );
    this.traceparent = toTraceparent(this.#span.spanContext());
    const attributes = messaging(call.toolset, "send");
    const below = trace.setSpan(ROOT_CONTEXT, this.#span);
    this.#admit = tracer.startSpan(SPAN.admit, { kind: SpanKind.PRODUCER, attributes }, below);
  }

  /** The call has a record. */
  admitted(callId: string, epoch: number, repeated: boolean): void {
    this.#span.setAttributes({
      [ATTRIBUTE.callId]: callId,
      [ATTRIBUTE.epoch]: epoch,
      ...(repeated ? { [ATTRIBUTE.repeated]: true } : {}),
    });
    this.#admit?.end();
    this.#admit = undefined;
  }

  /** The agent hears how the call ended. */
  ended(end: SpanEnd): void {
    recordEnd(this.#span, end);
    this.#span.end();
  }

  /** The call was refused, or how it ended is not known. @param reason a code of the error table. */
  failed(reason: string): void {
    for (const span of [this.#admit, this.#span]) {
      span?.setAttribute(ATTRIBUTE.error, reason).setStatus({ code: SpanStatusCode.ERROR });
      span?.end();
    }
  }

  /** The agent has its call's handle, or has gone: it does not hear the end here. */
  left(): void {
    this.#admit?.end();
    this.#span.end();
  }
}

/** One attempt of a call, from its claim on. What comes after its end changes nothing. */
export class AttemptSpan {
  /** What the provider receives. */
  readonly traceparent: string;
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
    this.traceparent = toTraceparent(span.spanContext());
  }

  /** The provider was asked to stop. */
  cancelRequested(cause: string): void {
    this.#span.addEvent(EVENT.cancelRequested, { cause });
  }

  /** The call has ended with this attempt. */
  ended(end: SpanEnd): void {
    if (!this.#span.isRecording()) return;
    recordEnd(this.#span, end);
    this.#span.end();
  }

  /** The attempt has come to nothing: the provider was lost, or the call is not its own any more. @param reason one word. */
  lost(reason: string): void {
    if (!this.#span.isRecording()) return;
    this.#span.setAttribute(ATTRIBUTE.error, reason).setStatus({ code: SpanStatusCode.ERROR });
    this.#span.end();
  }
}
