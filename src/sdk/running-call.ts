import { timerMs } from "../async/after.js";
import type { SpanEnd } from "../observe/traces/span-end.js";
import type { CallMeta__Output } from "../protocol/generated/toolgate/v1/CallMeta.js";
import type { CancelReason__Output } from "../protocol/generated/toolgate/v1/CancelReason.js";
import type { ProviderCall__Output } from "../protocol/generated/toolgate/v1/ProviderCall.js";
import type { ProviderResult } from "../protocol/generated/toolgate/v1/ProviderResult.js";
import type { DeltaOutput } from "./delta-output.js";
import { ifDefined } from "./if-defined.js";
import { type DecodeJson, encodeJson } from "./json-bytes.js";
import { allowMany } from "./linked-signal.js";
import type { OutputLimits } from "./output-limits.js";
import type { Outgoing } from "./provider-link.js";
import type { ProviderLog } from "./provider-log.js";
import type { IncomingSpan } from "./sdk-spans.js";
import { CallAborted, type CallAbortReason, type CallMeta, type ToolContext } from "./tool-context.js";
import { ToolFailure } from "./tool-failure.js";
import type { LogDelta, ToolLog } from "./tool-log.js";
import { tracing } from "./tracing.js";

/** The code of one tool, whatever its types. */
export type RunTool = (input: unknown, context: ToolContext) => unknown;

/** A tool as a provider runs it. */
export interface ToolCode {
  readonly run: RunTool;
  /** Whether a call may be run again, by another provider. */
  readonly idempotent: boolean;
}

/** What all calls of a provider share. */
export interface CallEnvironment {
  /** Reads payloads. */
  readonly decode: DecodeJson;
  /** As they are now: a session brings the registry's. */
  readonly limits: () => OutputLimits;
  readonly output: DeltaOutput;
  readonly logs: ProviderLog;
}

/** How a call ended, as it is sent. */
export type CallOutcome = Extract<Outgoing, { kind: "result" }>;

/** Undefined when nothing is to be reported. */
export type ReportedOutcome = CallOutcome | undefined;

const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;
/** So much of an error's message is sent, in characters; the registry keeps 4 KiB. */
const MAX_MESSAGE_CHARS = 4096;
/** The most that an error's details may take, in bytes of JSON. */
const MAX_DETAILS_BYTES = 65_536;

const EMPTY_OBJECT = Buffer.from("{}");

const NO_META: CallMeta__Output = {
  runId: "",
  sessionId: "",
  turnId: "",
  toolCallId: "",
  parentToolCallId: "",
  traceparent: "",
  tracestate: "",
};

const CANCEL_REASONS = {
  CANCEL_REASON_UNSPECIFIED: "CANCELLED",
  CANCEL_REASON_CANCELLED: "CANCELLED",
  CANCEL_REASON_DEADLINE: "DEADLINE",
  CANCEL_REASON_FENCED: "FENCED",
  CANCEL_REASON_OUTPUT_LIMIT: "OUTPUT_LIMIT",
} as const satisfies Record<CancelReason__Output, CallAbortReason>;

export function readCancelReason(wire: CancelReason__Output): CallAbortReason {
  return CANCEL_REASONS[wire] ?? "CANCELLED"; // one that only later nodes know
}

/**
 * What a tool learns of its call. A class, because an object literal with a getter takes the engine a microsecond to make,
 * as long as half of all else that is done for a call here.
 */
class RunningContext implements ToolContext {
  readonly emit: (delta: unknown) => Promise<void>;
  readonly payloadJson: Buffer;
  readonly callId: string;
  readonly attempt: number;
  readonly deadline: Date;
  readonly meta: CallMeta;
  declare readonly traceparent?: string;
  declare readonly tracestate?: string;
  readonly #signal: () => AbortSignal;
  readonly #log: () => ToolLog;

  constructor(
    call: ProviderCall__Output,
    emit: (delta: unknown) => Promise<void>,
    signal: () => AbortSignal,
    log: () => ToolLog,
    span: IncomingSpan | undefined,
  ) {
    const { runId, sessionId, turnId, toolCallId, parentToolCallId } = call.meta ?? NO_META;
    const { traceparent = "", tracestate = "" } = span?.context ?? call.meta ?? NO_META;
    this.emit = emit;
    this.payloadJson = payloadOf(call);
    this.callId = call.callId;
    this.attempt = call.attempt;
    this.deadline = new Date(Date.now() + call.timeoutMs);
    this.meta = { runId, sessionId, turnId, toolCallId, parentToolCallId };
    if (traceparent !== "") this.traceparent = traceparent;
    if (tracestate !== "") this.tracestate = tracestate;
    this.#signal = signal;
    this.#log = log;
  }

  get log(): ToolLog {
    return this.#log();
  }

  get signal(): AbortSignal {
    return this.#signal();
  }
}

/** One call that a tool works on. */
export class RunningCall {
  readonly callId: string;
  readonly attempt: number;
  readonly #call: ProviderCall__Output;
  readonly #run: RunTool;
  readonly #decode: DecodeJson;
  readonly #limits: () => OutputLimits;
  readonly #output: DeltaOutput;
  readonly #logs: ProviderLog;
  #log: ToolLog | undefined;
  readonly #idempotent: boolean;
  /** Made when the tool asks for its signal: most never do, and one costs as much as all else that is done for a call here. */
  #controller: AbortController | undefined;
  #aborted: CallAborted | undefined;
  /** Counts from the turn in which the call came. One that is answered in that very turn needs none. */
  #deadline: NodeJS.Timeout | undefined;
  /** Output that still waits; the result comes after it. */
  #emitting: Promise<unknown> | undefined;
  /** The first piece of output that was refused: a call that lacks some of its output has no result. */
  #refused: ToolFailure | CallAborted | undefined;
  #over = false;
  /** Of a call with trace context, where the application traces. */
  #span: IncomingSpan | undefined;

  constructor(
    call: ProviderCall__Output,
    { run, idempotent }: ToolCode,
    { decode, limits, output, logs }: CallEnvironment,
  ) {
    this.callId = call.callId;
    this.attempt = call.attempt;
    this.#call = call;
    this.#run = run;
    this.#decode = decode;
    this.#limits = limits;
    this.#output = output;
    this.#logs = logs;
    this.#idempotent = idempotent;
  }

  /** Tells the tool to stop; the first reason counts. */
  abort(reason: CallAbortReason): void {
    if (this.#aborted !== undefined) return;
    clearTimeout(this.#deadline); // it has nothing to add, and must not keep the process alive
    this.#aborted = new CallAborted(reason);
    this.#output.drop(this, this.#aborted);
    this.#controller?.abort(this.#aborted);
  }

  #signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      allowMany(this.#controller.signal); // a tool may hand it to any number of requests
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /** It is not answered in the turn in which it came: its deadline is watched from here on. */
  watchDeadline(): void {
    this.#deadline ??= setTimeout(() => this.abort("DEADLINE"), timerMs(this.#call.timeoutMs));
  }

  /**
   * Runs the tool. What is to be reported is there at once where the tool's answer is, which saves promises and a timer; else there
   * is a promise of it, which never rejects. Nothing is reported of an idempotent call that did not come to its result because its
   * provider stopped: another one runs it again, as soon as the lease is given back.
   */
  run(): ReportedOutcome | Promise<ReportedOutcome> {
    let answer: unknown;
    try {
      if (this.#aborted !== undefined) throw this.#aborted; // while it waited for its turn
      this.#span = this.#traced();
      answer =
        this.#span === undefined
          ? this.#run(this.#decode(payloadOf(this.#call)), this.#context())
          : this.#span.run(() => this.#run(this.#decode(payloadOf(this.#call)), this.#context()));
      if (this.#emitting === undefined && !isThenable(answer)) return this.#end(this.#resultOf(answer));
    } catch (error) {
      answer = rejected(error);
    }
    return this.#settle(answer);
  }

  async #settle(answer: unknown): Promise<ReportedOutcome> {
    if (this.#aborted === undefined) this.watchDeadline();
    let result: ProviderResult;
    try {
      result = this.#resultOf(await answer);
    } catch (error) {
      result = this.#failureOf(error);
    }
    clearTimeout(this.#deadline);
    if (this.#emitting !== undefined) await this.#emitting;
    return this.#end(result);
  }

  #end(result: ProviderResult): ReportedOutcome {
    clearTimeout(this.#deadline);
    this.#over = true;
    let reported = result;
    if (result.resultJson !== undefined && this.#refused !== undefined) {
      const refused = this.#refused;
      reported =
        refused instanceof ToolFailure ? this.#toolError(refused.reason, refused.message) : this.#failureOf(refused);
    }
    const handedBack = this.#idempotent && this.#aborted?.reason === "STOPPING" && reported.resultJson === undefined;
    this.#span?.ended(handedBack ? { kind: "handed_back", reason: "STOPPING" } : endOf(reported, this.#aborted));
    if (handedBack) return undefined;
    return { kind: "result", bytes: reported.resultJson?.length ?? 512, result: reported };
  }

  #traced(): IncomingSpan | undefined {
    const spans = tracing();
    if (spans === undefined) return undefined;
    const { callId, tool, attempt, meta } = this.#call;
    if (meta === null || meta.traceparent === "") return undefined;
    return spans.work({ callId, tool, attempt, context: meta });
  }

  #context(): ToolContext {
    return new RunningContext(
      this.#call,
      (delta) => this.#emit(delta),
      () => this.#signal(),
      () => this.#toolLog(),
      this.#span,
    );
  }

  #toolLog(): ToolLog {
    this.#log ??= this.#logs.of(this.#call, (line) => this.#emitLine(line));
    return this.#log;
  }

  /** A line that cannot be sent is missing in the output, and nothing else comes of it. */
  #emitLine(line: LogDelta): void {
    const { level, message } = line.log;
    const sent = this.#sendDelta(encodeJson(line).kind === "encoded" ? line : { log: { level, message } });
    if (sent === undefined) return;
    this.#emitting = Promise.all([this.#emitting, sent.catch(() => {})]);
  }

  #emit(delta: unknown): Promise<void> {
    const sent = this.#sendDelta(delta);
    if (sent === undefined) return Promise.resolve();
    // A tool may leave it unawaited: its rejection must not end the process then, and must not go unnoticed either.
    const noted = sent.catch((error: unknown) => {
      // What a cancelled call still says is no loss. A provider's stop is nothing that the agent asked for.
      const counts = error instanceof ToolFailure || (error instanceof CallAborted && error.reason === "STOPPING");
      if (counts) this.#refused ??= error;
    });
    this.#emitting = Promise.all([this.#emitting, noted]);
    return sent;
  }

  /** Undefined when it is on its way already. */
  #sendDelta(delta: unknown): Promise<void> | undefined {
    if (this.#over) return rejected(new ToolFailure("CALL_ENDED", "Output was emitted after the call had ended."));
    if (this.#aborted !== undefined) return rejected(this.#aborted);
    const encoded = encodeJson(delta);
    if (encoded.kind === "refused") {
      return rejected(new ToolFailure("INVALID_OUTPUT", `A piece of output is not JSON: ${encoded.why}.`));
    }
    const { bytes } = encoded;
    const { maxDeltaBytes } = this.#limits();
    if (bytes.length > maxDeltaBytes) {
      const message = `A piece of output has ${bytes.length} bytes; the limit is ${maxDeltaBytes}.`;
      return rejected(new ToolFailure("OUTPUT_TOO_LARGE", message));
    }
    return this.#output.send(this, { callId: this.callId, attempt: this.attempt, dataJson: bytes }, bytes.length);
  }

  #resultOf(value: unknown): ProviderResult {
    const encoded = encodeJson(value);
    if (encoded.kind === "refused") {
      return this.#toolError("INVALID_RESULT", `The tool's result is not JSON: ${encoded.why}.`);
    }
    const { bytes } = encoded;
    const { maxResultBytes } = this.#limits();
    if (bytes.length > maxResultBytes) {
      const message = `The tool's result has ${bytes.length} bytes; the limit is ${maxResultBytes}.`;
      return this.#toolError("OUTPUT_TOO_LARGE", message);
    }
    return { callId: this.callId, attempt: this.attempt, resultJson: bytes };
  }

  #failureOf(error: unknown): ProviderResult {
    const reason = this.#aborted?.reason;
    if (reason === "CANCELLED" || reason === "DEADLINE") return this.#cancelled();
    // The agent did not ask for this one, so a tool that has something to say about it is heard.
    if (reason === "STOPPING" && isAbort(error)) return this.#cancelled();
    if (error instanceof ToolFailure) {
      return this.#toolError(error.reason, error.message, error.details, error.executed === "unknown");
    }
    if (!(error instanceof CallAborted)) this.#logs.threw(this.#call, error);
    return this.#toolError("TOOL_ERROR", error instanceof Error ? error.message : String(error));
  }

  #cancelled(): ProviderResult {
    return { callId: this.callId, attempt: this.attempt, cancelled: {} };
  }

  #toolError(reason: string, message: string, details?: unknown, outcomeUnknown = false): ProviderResult {
    const encoded = details === undefined ? undefined : encodeJson(details);
    const kept = encoded?.kind === "encoded" && encoded.bytes.length <= MAX_DETAILS_BYTES ? encoded.bytes : undefined;
    const error = {
      reason: REASON.test(reason) ? reason : "TOOL_ERROR",
      message: message.slice(0, MAX_MESSAGE_CHARS),
      ...ifDefined("detailsJson", kept),
      ...(outcomeUnknown ? { outcomeUnknown } : {}),
    };
    return { callId: this.callId, attempt: this.attempt, error };
  }
}

/** How a provider's work ended, for its span. */
function endOf({ resultJson, error }: ProviderResult, aborted: CallAborted | undefined): SpanEnd {
  if (resultJson !== undefined) return { kind: "result", reason: "" };
  if (error !== undefined && error !== null) return { kind: "tool_error", reason: error.reason ?? "" };
  return { kind: "cancelled", reason: aborted?.reason ?? "CANCELLED" };
}

/** What the agent sent; none means `{}`. */
function payloadOf({ payloadJson }: ProviderCall__Output): Buffer {
  return payloadJson.length === 0 ? EMPTY_OBJECT : payloadJson;
}

/** Whether a tool threw this because its signal aborted: the reason itself, or what Node and the web platform make of it. */
function isAbort(error: unknown): boolean {
  return error instanceof CallAborted || (error instanceof Error && error.name === "AbortError");
}

function rejected(reason: unknown): Promise<never> {
  return Promise.reject(reason);
}

/** Whether it is to be awaited, as `await` has it. */
function isThenable(value: unknown): boolean {
  const canHave = (typeof value === "object" && value !== null) || typeof value === "function";
  return canHave && "then" in value && typeof value.then === "function";
}
