import type { CallMeta__Output } from "../protocol/generated/toolgate/v1/CallMeta.js";
import type { CancelReason__Output } from "../protocol/generated/toolgate/v1/CancelReason.js";
import type { ProviderCall__Output } from "../protocol/generated/toolgate/v1/ProviderCall.js";
import type { ProviderResult } from "../protocol/generated/toolgate/v1/ProviderResult.js";
import type { DeltaOutput } from "./delta-output.js";
import { encodeJson } from "./json-bytes.js";
import { present } from "./present.js";
import { CallAborted, type CallAbortReason, type CallMeta, type ToolContext } from "./tool-context.js";
import { ToolFailure } from "./tool-failure.js";

/** The code of one tool, whatever its types. */
export type RunTool = (input: unknown, context: ToolContext) => unknown;

/** A tool as a provider runs it. */
export interface ToolCode {
  readonly run: RunTool;
  /** Whether a call may be run again, by another provider. */
  readonly idempotent: boolean;
}

/** The largest outputs, in bytes of JSON. */
export interface OutputLimits {
  readonly maxResultBytes: number;
  readonly maxDeltaBytes: number;
}

/** How a call ended, as it is sent. */
export interface CallOutcome {
  readonly result: ProviderResult;
  readonly bytes: number;
}

const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;
/** So much of an error's message is sent, in characters; the registry keeps 4 KiB. */
const MAX_MESSAGE_CHARS = 4096;
/** The most that an error's details may take, in bytes of JSON. */
const MAX_DETAILS_BYTES = 65_536;

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
  return CANCEL_REASONS[wire];
}

/**
 * What a tool is told of its call. A class, because an object literal with a getter takes the engine a microsecond to make,
 * as long as half of all else that is done for a call here.
 */
class RunningContext implements ToolContext {
  readonly emit: (delta: unknown) => Promise<void>;
  readonly callId: string;
  readonly attempt: number;
  readonly deadline: Date;
  readonly meta: CallMeta;
  declare readonly traceparent?: string;
  declare readonly tracestate?: string;
  readonly #signal: () => AbortSignal;

  constructor(call: ProviderCall__Output, emit: (delta: unknown) => Promise<void>, signal: () => AbortSignal) {
    const { runId, sessionId, turnId, toolCallId, parentToolCallId, traceparent, tracestate } = call.meta ?? NO_META;
    this.emit = emit;
    this.callId = call.callId;
    this.attempt = call.attempt;
    this.deadline = new Date(Date.now() + call.timeoutMs);
    this.meta = { runId, sessionId, turnId, toolCallId, parentToolCallId };
    if (traceparent !== "") this.traceparent = traceparent;
    if (tracestate !== "") this.tracestate = tracestate;
    this.#signal = signal;
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
  readonly #limits: OutputLimits;
  readonly #output: DeltaOutput;
  readonly #idempotent: boolean;
  /** Made when the tool asks for its signal: most never do, and one costs as much as all else that is done for a call here. */
  #controller: AbortController | undefined;
  #aborted: CallAborted | undefined;
  readonly #deadline: NodeJS.Timeout;
  /** Output that still waits; the result comes after it. */
  #emitting: Promise<unknown> | undefined;
  /** The first piece of output that was refused: a call that lacks some of its output has no result. */
  #refused: ToolFailure | CallAborted | undefined;
  #over = false;

  /** The call's time runs from here on. */
  constructor(call: ProviderCall__Output, { run, idempotent }: ToolCode, limits: OutputLimits, output: DeltaOutput) {
    this.callId = call.callId;
    this.attempt = call.attempt;
    this.#call = call;
    this.#run = run;
    this.#limits = limits;
    this.#output = output;
    this.#idempotent = idempotent;
    this.#deadline = setTimeout(() => this.abort("DEADLINE"), call.timeoutMs);
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
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /**
   * Runs the tool; never rejects. Undefined when nothing is to be told: an idempotent call that did not come to its result
   * because its provider stopped is run again by another one, as soon as the lease is given back.
   */
  async run(): Promise<CallOutcome | undefined> {
    let outcome: ProviderResult;
    try {
      if (this.#aborted !== undefined) throw this.#aborted; // while it waited for its turn
      const { payloadJson } = this.#call;
      const input: unknown = payloadJson.length === 0 ? {} : JSON.parse(payloadJson.toString());
      outcome = this.#resultOf(await this.#run(input, this.#context()));
    } catch (error) {
      outcome = this.#failureOf(error);
    }
    clearTimeout(this.#deadline);
    if (this.#emitting !== undefined) await this.#emitting;
    this.#over = true;
    if (outcome.resultJson !== undefined && this.#refused !== undefined) {
      const refused = this.#refused;
      outcome = refused instanceof ToolFailure ? toolError(refused.reason, refused.message) : this.#failureOf(refused);
    }
    if (this.#idempotent && this.#aborted?.reason === "STOPPING" && outcome.resultJson === undefined) return undefined;
    const bytes = outcome.resultJson?.length ?? 512;
    outcome.callId = this.callId;
    outcome.attempt = this.attempt;
    return { result: outcome, bytes };
  }

  #context(): ToolContext {
    return new RunningContext(
      this.#call,
      (delta) => this.#emit(delta),
      () => this.#signal(),
    );
  }

  #emit(delta: unknown): Promise<void> {
    const sent = this.#sendDelta(delta);
    if (sent === undefined) return Promise.resolve();
    // A tool may leave it unawaited: its rejection must not end the process then, and must not go unnoticed either.
    const noted = sent.catch((error: unknown) => {
      // What a cancelled call still says is nobody's loss. A provider's stop is nothing that the agent asked for.
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
    if (bytes.length > this.#limits.maxDeltaBytes) {
      const message = `A piece of output has ${bytes.length} bytes; the limit is ${this.#limits.maxDeltaBytes}.`;
      return rejected(new ToolFailure("OUTPUT_TOO_LARGE", message));
    }
    return this.#output.send(this, { callId: this.callId, attempt: this.attempt, dataJson: bytes }, bytes.length);
  }

  #resultOf(value: unknown): Omit<ProviderResult, "callId" | "attempt"> {
    const encoded = encodeJson(value);
    if (encoded.kind === "refused") {
      return toolError("INVALID_RESULT", `The tool's result is not JSON: ${encoded.why}.`);
    }
    const { bytes } = encoded;
    if (bytes.length > this.#limits.maxResultBytes) {
      const message = `The tool's result has ${bytes.length} bytes; the limit is ${this.#limits.maxResultBytes}.`;
      return toolError("OUTPUT_TOO_LARGE", message);
    }
    return { resultJson: bytes };
  }

  #failureOf(error: unknown): Omit<ProviderResult, "callId" | "attempt"> {
    const reason = this.#aborted?.reason;
    if (reason === "CANCELLED" || reason === "DEADLINE") return { cancelled: {} };
    // Nobody asked for this one, so a tool that has something to say about it is heard.
    if (reason === "STOPPING" && isAbort(error)) return { cancelled: {} };
    if (error instanceof ToolFailure) return toolError(error.reason, error.message, error.details);
    return toolError("TOOL_ERROR", error instanceof Error ? error.message : String(error));
  }
}

/** Whether a tool threw this because its signal aborted: the reason itself, or what Node and the web platform make of it. */
function isAbort(error: unknown): boolean {
  return error instanceof CallAborted || (error instanceof Error && error.name === "AbortError");
}

function toolError(reason: string, message: string, details?: unknown): Omit<ProviderResult, "callId" | "attempt"> {
  const encoded = details === undefined ? undefined : encodeJson(details);
  const kept = encoded?.kind === "encoded" && encoded.bytes.length <= MAX_DETAILS_BYTES ? encoded.bytes : undefined;
  return {
    error: {
      reason: REASON.test(reason) ? reason : "TOOL_ERROR",
      message: message.slice(0, MAX_MESSAGE_CHARS),
      ...present("detailsJson", kept),
    },
  };
}

function rejected(reason: unknown): Promise<never> {
  return Promise.reject(reason);
}
