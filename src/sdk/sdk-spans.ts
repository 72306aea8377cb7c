import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { ATTRIBUTE, EVENT, EXECUTE_TOOL, MCP_TOOLS_CALL, SCOPE, SPAN } from "../observe/traces/conventions.js";
import { remoteContext, toTraceparent } from "../observe/traces/span-context.js";
import { recordEnd, type SpanEnd } from "../observe/traces/span-end.js";
import { isTraceparent, type TraceContext } from "../observe/traces/trace-context.js";
import { VERSION } from "../version.js";
import type { CallOptions } from "./call-options.js";

/** Makes the spans of agents and providers with the application's tracer. */
export class SdkSpans {
  /**
   * Begins an agent's call: below its `traceparent`, or below the span that is active. Where that is not sampled, or the application's
   * sampler does not want the call, there is no span, and the context says so to all who come after. Undefined where there is nothing
   * to say.
   */
  call(toolset: string, tool: string, options: CallOptions): OutgoingSpan | undefined {
    const { traceparent, tracestate } = options;
    const named = traceparent !== undefined && isTraceparent(traceparent) ? { traceparent, tracestate } : undefined;
    if (traceparent !== undefined && named === undefined) return undefined; // the node leaves it out
    const above = named === undefined ? context.active() : remoteContext(named);
    const parent = trace.getSpanContext(above);
    const isSampledOut = parent !== undefined && trace.isSpanContextValid(parent) && (parent.traceFlags & 1) === 0;
    if (isSampledOut) return named === undefined ? new OutgoingSpan(above, undefined) : undefined;
    const attributes: Attributes = {
      ...toolAttributes(tool),
      [ATTRIBUTE.toolset]: toolset,
      ...(options.toolCallId === undefined ? {} : { [ATTRIBUTE.toolCallId]: options.toolCallId }),
      ...(options.sessionId === undefined ? {} : { [ATTRIBUTE.conversation]: options.sessionId }),
    };
    const span = tracer().startSpan(SPAN.call(tool), { kind: SpanKind.CLIENT, attributes }, above);
    if (!trace.isSpanContextValid(span.spanContext())) return undefined;
    return new OutgoingSpan(trace.setSpan(above, span), span.isRecording() ? span : undefined);
  }

  /**
   * Begins a provider's work on a call that came with trace context: a span where it is sampled. In either case the application's own
   * spans are to be below that context.
   */
  work(call: {
    readonly tool: string;
    readonly callId: string;
    readonly attempt: number;
    readonly context: TraceContext & { readonly traceparent: string };
  }): IncomingSpan | undefined {
    if (!isTraceparent(call.context.traceparent)) return undefined;
    const above = remoteContext(call.context);
    if ((trace.getSpanContext(above)?.traceFlags ?? 0) % 2 === 0) return new IncomingSpan(above, undefined);
    const attributes = {
      ...toolAttributes(call.tool),
      [ATTRIBUTE.callId]: call.callId,
      [ATTRIBUTE.attempt]: call.attempt,
    };
    const span = tracer().startSpan(SPAN.call(call.tool), { kind: SpanKind.SERVER, attributes }, above);
    return new IncomingSpan(trace.setSpan(above, span), span.isRecording() ? span : undefined);
  }

  /** Says in the active span, which is the provider's, that an MCP server runs the tool. MCP's convention asks for no span of its own then. */
  noteMcp(): void {
    trace.getActiveSpan()?.setAttributes({ [ATTRIBUTE.mcpMethod]: MCP_TOOLS_CALL, [ATTRIBUTE.transport]: "pipe" });
  }
}

/** The tracer that is registered now: tests and applications may register another one. */
const tracer = (): Tracer => trace.getTracer(SCOPE, VERSION);

const toolAttributes = (tool: string): Attributes => ({
  [ATTRIBUTE.operation]: EXECUTE_TOOL,
  [ATTRIBUTE.tool]: tool,
});

/** What is sent on of a context. */
interface SentContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

function sentOn(above: Context): SentContext {
  const spanContext = trace.getSpanContext(above);
  // Both makers of spans look at the context before they come here.
  if (spanContext === undefined) throw new TypeError("a context without a span");
  const tracestate = spanContext.traceState?.serialize();
  return {
    traceparent: toTraceparent(spanContext),
    ...(tracestate === undefined || tracestate === "" ? {} : { tracestate }),
  };
}

/** An agent's call, until it hears how that ended. */
export class OutgoingSpan {
  /** What the call is sent with. */
  readonly context: SentContext;
  readonly #span: Span | undefined;

  constructor(above: Context, span: Span | undefined) {
    this.context = sentOn(above);
    this.#span = span;
  }

  /** The call is sent again, to another node or over another stream. @param reason why the former one was lost. */
  retried(reason: string): void {
    this.#span?.addEvent(EVENT.retried, { [ATTRIBUTE.error]: reason });
  }

  /** The call's id is known. */
  named(callId: string): void {
    if (callId !== "") this.#span?.setAttribute(ATTRIBUTE.callId, callId);
  }

  /** The node said how the call ended. */
  ended(end: SpanEnd): void {
    if (this.#span !== undefined) recordEnd(this.#span, end);
  }

  /** Ends the span when the promise settles, which it returns. */
  async over<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#span?.setAttribute(ATTRIBUTE.error, reasonOf(error)).setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      this.#span?.end();
    }
  }
}

/** A provider's work on a call. */
export class IncomingSpan {
  /** What the tool's context has. */
  readonly context: SentContext;
  readonly #above: Context;
  readonly #span: Span | undefined;

  constructor(above: Context, span: Span | undefined) {
    this.context = sentOn(above);
    this.#above = above;
    this.#span = span;
  }

  /** Runs the tool: what it does is below the span, where the application has a context manager. */
  run<T>(tool: () => T): T {
    return context.with(this.#above, tool);
  }

  ended(end: SpanEnd): void {
    if (this.#span === undefined) return;
    recordEnd(this.#span, end);
    this.#span.end();
  }
}

/** A word for an error; its message may have what a span must not. */
function reasonOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "_OTHER";
  const { reason, kind, name } = error as { reason?: unknown; kind?: unknown; name?: unknown }; // absent on most
  if (kind === "tool_error") return kind;
  const word = typeof reason === "string" ? reason : name;
  return typeof word === "string" && /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(word) ? word : "_OTHER";
}
