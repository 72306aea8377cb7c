import { randomBytes, randomUUID } from "node:crypto";
import { timerMs } from "../async/after.js";
import { type Deferred, deferred } from "../async/deferred.js";
import type { SealedContract } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { readAnswer } from "../front/services/read-answer.js";
import { readCallSpec } from "../front/services/read-call-spec.js";
import { writeHandle } from "../front/services/write-handle.js";
import { writeTerminal } from "../front/services/write-terminal.js";
import { type CallSpec, requestDigest } from "../gateway/call-spec.js";
import { PayloadChecks, parsePayload } from "../gateway/validate-payload.js";
import { type CallId, derivedCallId, parseCallId, randomCallId } from "../identity/call-id.js";
import { callerName } from "../identity/caller-name.js";
import type { Epoch } from "../identity/names.js";
import { didYouMean, nearNames } from "../identity/near-names.js";
import { ANONYMOUS } from "../identity/principal.js";
import { DEFAULT_TENANT } from "../identity/tenant.js";
import type { RawJson } from "../json/raw-json.js";
import { TextReader } from "../json/text-reader.js";
import type { CallMeta } from "../protocol/generated/toolgate/v1/CallMeta.js";
import type { OutputDelta__Output } from "../protocol/generated/toolgate/v1/OutputDelta.js";
import type { ProviderCall } from "../protocol/generated/toolgate/v1/ProviderCall.js";
import type { Terminal__Output } from "../protocol/generated/toolgate/v1/Terminal.js";
import { loadProtocol, type Protocol } from "../protocol/load.js";
import { ResultChecks } from "../providers/check-result.js";
import { ValidatorCache } from "../schemas/validator-cache.js";
import type { AdmittedCall, CallEvent, CallHandle, CallStatus, Cancellation } from "../sdk/call.js";
import { readDelta, readHandle, readTerminal, resultOf } from "../sdk/call-from-wire.js";
import type { CallOptions, InvokeOptions } from "../sdk/call-options.js";
import { CallsInHand } from "../sdk/calls-in-hand.js";
import type { JsonOptions } from "../sdk/connection-options.js";
import { DeltaOutput } from "../sdk/delta-output.js";
import { ifDefined } from "../sdk/if-defined.js";
import { type DecodeJson, decodeRaw, decoderOf } from "../sdk/json-bytes.js";
import { allowMany } from "../sdk/linked-signal.js";
import { outputLimits } from "../sdk/output-limits.js";
import { prepareCall } from "../sdk/prepare-call.js";
import type { ProviderLogger, SchemaWarning } from "../sdk/provider.js";
import type { Outgoing } from "../sdk/provider-link.js";
import { ProviderLog } from "../sdk/provider-log.js";
import type { RequestOptions } from "../sdk/request-options.js";
import type { ToolCode } from "../sdk/running-call.js";
import type { LogLevel } from "../sdk/tool-log.js";
import type { AsRaw, FollowOptions, Toolgate } from "../sdk/toolgate.js";
import { type CallHead, type Ending, makeHead } from "../store/calls/call-record.js";

/** As the registry has them by default. */
const MAX_PAYLOAD_BYTES = 1_048_576;
const MAX_RESULT_BYTES = 3_145_728;
const RETENTION_MS = 3_600_000;
const CALLER = callerName(ANONYMOUS);
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_IN_FLIGHT = 10_000;
/** How long after its deadline a call whose tool goes on is given up, in milliseconds. */
const OVERDUE_MS = 1_000;
const NO_TRACE = {};
const PROVIDER = { client: "provider" };

/** `integers` holds for tools and their callers alike. */
export interface TestToolsetOptions extends JsonOptions {
  /** Gets what tools log and throw, as a provider's logger does; standard error gets warnings and errors when absent. */
  readonly logger?: ProviderLogger;
  /** As `logOutput` of `serveToolset`. */
  readonly logOutput?: LogLevel;
  /** The attempt that calls are delivered as; 1 when absent. */
  readonly attempt?: number;
  /** How long a call may take when its caller does not say, in milliseconds; 30,000 when absent. */
  readonly defaultTimeoutMs?: number;
}

/** A toolset in this process, called like one behind a gateway. */
export interface TestToolset
  extends Pick<Toolgate, "invoke" | "call" | "follow" | "getCall" | "cancel" | "close" | typeof Symbol.asyncDispose> {
  /** The contract's digest, as the registry has it. */
  readonly digest: string;
  /** What is ignored in the schemas. */
  readonly warnings: readonly SchemaWarning[];
}

export interface MemoryGatewaySetup extends TestToolsetOptions {
  readonly sealed: SealedContract;
  readonly tools: ReadonlyMap<string, ToolCode>;
  readonly warnings: readonly SchemaWarning[];
}

/** A call, from its admission on; it is kept until the gateway is closed. */
interface Held {
  readonly head: CallHead;
  readonly handle: CallHandle;
  readonly request: string;
  /** As bytes, like all that is kept of a call: each reader says how it reads JSON. */
  readonly deltas: OutputDelta__Output[];
  readonly ended: Deferred<void>;
  /** The provider has it: what happens to it from here on is the tool's doing. */
  delivered: boolean;
  terminal: Terminal__Output | undefined;
  /** Settles with the next piece of output, or the end. */
  news: Deferred<void>;
  stop: "CANCELLED" | "DEADLINE_EXCEEDED" | undefined;
  overdue: NodeJS.Timeout | undefined;
}

/** One toolset's gateway and provider in one process, with their own code for all that is decided about a call. */
export class MemoryGateway implements TestToolset {
  readonly digest: string;
  readonly warnings: readonly SchemaWarning[];
  readonly #setup: MemoryGatewaySetup;
  readonly #protocol: Protocol = loadProtocol();
  readonly #validators = new ValidatorCache({ maxContracts: 1, trusted: true });
  readonly #payloads = new PayloadChecks(this.#validators);
  readonly #results = new ResultChecks({
    validators: this.#validators,
    texts: new TextReader({ monotonicMs: () => performance.now() }),
    maxResultBytes: MAX_RESULT_BYTES,
    clock: { nowMs: Date.now },
  });
  readonly #epoch: ReturnType<typeof epochOf>;
  readonly #provider: CallsInHand;
  readonly #decode: DecodeJson;
  readonly #calls = new Map<string, Held>();
  readonly #runId = randomUUID();
  #closing: Promise<void> | undefined;

  constructor(setup: MemoryGatewaySetup) {
    this.#setup = setup;
    this.#decode = decoderOf(setup.integers ?? "number");
    this.digest = setup.sealed.digest;
    this.warnings = setup.warnings;
    this.#epoch = epochOf(setup.sealed);
    const { name } = setup.sealed.contract;
    const limits = outputLimits({}, undefined);
    const output = new DeltaOutput();
    const receive = (item: Outgoing) => this.#receive(item);
    output.use({ writable: true, push: receive });
    const logs = new ProviderLog(name, setup.logger, setup.logOutput);
    for (const { tool, path, message } of setup.warnings) logs.schemaWarning(tool, path, message);
    this.#provider = new CallsInHand({
      tools: setup.tools,
      maxInFlight: MAX_IN_FLIGHT,
      limits: () => limits,
      decode: this.#decode,
      output,
      logs,
      onOutcome: receive,
    });
  }

  invoke(toolset: string, tool: string, payload: unknown, options: InvokeOptions<RawJson> & AsRaw): Promise<RawJson>;
  invoke<Result = unknown>(toolset: string, tool: string, payload?: unknown, options?: InvokeOptions): Promise<Result>;
  async invoke<Result>(
    toolset: string,
    tool: string,
    payload?: unknown,
    options: InvokeOptions & Partial<AsRaw> = {},
  ): Promise<Result> {
    const { signal, onDelta, onUnchecked, raw } = options;
    const { callId } = await this.call(toolset, tool, payload, options);
    try {
      for await (const event of this.#events(callId, { ...ifDefined("signal", signal), ...ifDefined("raw", raw) })) {
        if (event.kind === "terminal") {
          const { terminal } = event;
          if (terminal.kind === "result" && terminal.unchecked) onUnchecked?.(callId);
          return resultOf(terminal) as Result; // the caller's word, as the interface says
        }
        const { kind: _kind, ...delta } = event;
        onDelta?.(delta.data, delta);
      }
    } catch (error) {
      if (this.#calls.get(callId)?.terminal === undefined) this.#stop(callId, "CANCELLED");
      throw error;
    }
    throw new ToolgateError("INTERNAL", "the call's stream ended without its terminal");
  }

  async call(toolset: string, tool: string, payload?: unknown, options: CallOptions = {}): Promise<AdmittedCall> {
    const { signal } = options;
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw new ToolgateError("CANCELLED", "The toolset was closed.");
    const { CallTool: callTool } = this.#protocol.Gateway.service;
    const { spec: wire } = prepareCall(toolset, tool, payload, options, this.#runId);
    const spec = readCallSpec(
      callTool.requestDeserialize(callTool.requestSerialize({ call: wire })).call,
      NO_TRACE,
      DEFAULT_TENANT,
    );
    const held = await this.#admit(spec);
    if (signal !== undefined && held.isNew) {
      allowMany(signal);
      const cancel = () => this.#stop(held.call.handle.callId, "CANCELLED");
      signal.addEventListener("abort", cancel, { once: true });
      void held.call.ended.promise.then(() => signal.removeEventListener("abort", cancel));
      if (signal.aborted) cancel();
    }
    return { ...held.call.handle, repeated: !held.isNew };
  }

  follow(callId: string, options: FollowOptions & AsRaw): AsyncGenerator<CallEvent<RawJson>, void, void>;
  follow(callId: string, options?: FollowOptions): AsyncGenerator<CallEvent, void, void>;
  follow(callId: string, options: FollowOptions & Partial<AsRaw> = {}): AsyncGenerator<CallEvent, void, void> {
    return this.#events(callId, options);
  }

  async *#events(
    callId: string,
    { cursor = "", signal, raw }: FollowOptions & Partial<AsRaw>,
  ): AsyncGenerator<CallEvent, void, void> {
    const decode = this.#decoder(raw);
    const held = this.#find(callId);
    let next = Number(cursor === "" ? 0 : cursor);
    const aborted = deferred<void>();
    const onAbort = () => aborted.resolve();
    if (signal !== undefined) allowMany(signal);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        signal?.throwIfAborted();
        const delta = held.deltas[next];
        if (delta !== undefined) {
          next += 1;
          yield { kind: "delta", ...readDelta(delta, decode) };
        } else if (held.terminal !== undefined) {
          yield { kind: "terminal", terminal: readTerminal(held.terminal, decode) };
          return;
        } else await Promise.race([held.news.promise, aborted.promise]);
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  getCall(callId: string, options: RequestOptions & AsRaw): Promise<CallStatus<RawJson>>;
  getCall(callId: string, options?: RequestOptions): Promise<CallStatus>;
  async getCall(callId: string, { signal, raw }: RequestOptions & Partial<AsRaw> = {}): Promise<CallStatus> {
    signal?.throwIfAborted();
    const { handle, terminal, stop } = this.#find(callId);
    return {
      ...handle,
      state: terminal === undefined ? "claimed" : "ended",
      attempt: this.#attempt,
      cancelRequested: stop === "CANCELLED",
      ...ifDefined("terminal", terminal && readTerminal(terminal, this.#decoder(raw))),
    };
  }

  cancel(callId: string, options: RequestOptions & AsRaw): Promise<Cancellation<RawJson>>;
  cancel(callId: string, options?: RequestOptions): Promise<Cancellation>;
  async cancel(callId: string, { signal, raw }: RequestOptions & Partial<AsRaw> = {}): Promise<Cancellation> {
    signal?.throwIfAborted();
    const held = this.#find(callId);
    if (held.terminal === undefined) this.#stop(callId, "CANCELLED");
    if (held.terminal === undefined) return { state: "claimed" };
    return { state: "ended", terminal: readTerminal(held.terminal, this.#decoder(raw)) };
  }

  #decoder(raw: true | undefined): DecodeJson {
    return raw === true ? decodeRaw : this.#decode;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #attempt(): number {
    return this.#setup.attempt ?? 1;
  }

  async #end(): Promise<void> {
    this.#provider.stopAll();
    for (const [callId, held] of this.#calls) {
      if (held.terminal === undefined) this.#settle(callId, { kind: "outcome_unknown", reason: "PROVIDER_LOST" });
    }
    this.#provider.abandonAll("STOPPING");
    await this.#validators.stop();
  }

  /** @throws ToolgateError as a node refuses a call. */
  async #admit(spec: CallSpec): Promise<{ readonly call: Held; readonly isNew: boolean }> {
    const tool = this.#toolOf(spec);
    const body = parsePayload(spec.payload, MAX_PAYLOAD_BYTES);
    await this.#payloads.check(this.#epoch, tool, body, undefined);
    const { runId, toolCallId } = spec.meta;
    const id =
      runId === undefined || toolCallId === undefined
        ? randomCallId(0, randomBytes)
        : derivedCallId(0, "", spec.toolset, runId, toolCallId);
    const request = requestDigest(spec);
    const known = this.#calls.get(id);
    if (known !== undefined) {
      if (known.request === request) return { call: known, isNew: false };
      const message = "a call with the same run_id and tool_call_id exists, and asks for something else";
      throw new ToolgateError("CALL_CONFLICT", message);
    }
    const most = tool.timeoutMs ?? Number.POSITIVE_INFINITY;
    const asked = spec.timeoutMs === 0 ? (this.#setup.defaultTimeoutMs ?? DEFAULT_TIMEOUT_MS) : spec.timeoutMs;
    const call = this.#hold(id, spec, tool.delivery, request, Math.min(asked, most));
    return { call, isNew: true };
  }

  #toolOf(spec: CallSpec) {
    const { contract, digest } = this.#setup.sealed;
    if (spec.toolset !== contract.name) {
      throw new ToolgateError(
        "UNKNOWN_TOOLSET",
        `the toolset that is tested is "${contract.name}", not "${spec.toolset}"`,
      );
    }
    if (spec.expectDigest !== undefined && spec.expectDigest !== digest) {
      throw new ToolgateError(
        "DIGEST_MISMATCH",
        `"${contract.name}" has not the expected contract: its digest is ${digest}`,
      );
    }
    const tool = this.#epoch.tool(spec.tool);
    if (tool !== undefined) return tool;
    const near = nearNames(
      spec.tool,
      contract.tools.map(({ name }) => name),
    );
    throw new ToolgateError("UNKNOWN_TOOL", `"${contract.name}" has no tool "${spec.tool}"${didYouMean(near)}`);
  }

  #hold(id: CallId, spec: CallSpec, delivery: CallHead["delivery"], request: string, timeoutMs: number): Held {
    const { toolset, tool, meta, payload } = spec;
    const { digest } = this.#setup.sealed;
    const admittedMs = Date.now();
    const deadlineMs = admittedMs + timeoutMs;
    const epoch = 1 as Epoch; // the one that there is
    const times = { admittedMs, deadlineMs, retentionMs: RETENTION_MS };
    const head = makeHead({ toolset, tool, epoch, digest, delivery, ...times, caller: CALLER });
    const { GetCall: getCall } = this.#protocol.Gateway.service;
    const answer = getCall.responseDeserialize(
      getCall.responseSerialize({ handle: writeHandle(id, head, DEFAULT_TENANT) }),
    );
    if (answer.handle === null) throw new ToolgateError("INTERNAL", "the handle was lost on its way");
    const held: Held = {
      head,
      handle: readHandle(answer.handle),
      request,
      deltas: [],
      ended: deferred(),
      delivered: false,
      terminal: undefined,
      news: deferred(),
      stop: undefined,
      overdue: setTimeout(() => this.#overran(id), timerMs(timeoutMs + OVERDUE_MS)),
    };
    this.#calls.set(id, held);
    const wireMeta: CallMeta = meta;
    const delivered = {
      callId: id,
      tool,
      payloadJson: payload,
      attempt: this.#attempt,
      timeoutMs,
      deadlineMs,
      meta: wireMeta,
    };
    // Not in the turn of the admission: the caller has its handle before the tool runs, as over a connection.
    setImmediate(() => this.#deliver(delivered));
    return held;
  }

  #deliver(call: ProviderCall): void {
    const { Attach: attach } = this.#protocol.Registry.service;
    for (const wire of attach.responseDeserialize(attach.responseSerialize({ calls: [call] })).calls) {
      const held = this.#calls.get(wire.callId);
      if (held === undefined || held.terminal !== undefined) continue;
      held.delivered = true;
      this.#provider.take(wire);
    }
  }

  /** What the provider sends. */
  #receive(item: Outgoing): void {
    if (item.kind === "delta") {
      const { callId = "", attempt = 1, dataJson } = item.delta;
      const held = this.#calls.get(callId);
      if (held === undefined || held.terminal !== undefined) return;
      const bytes = Buffer.from(dataJson ?? "");
      held.deltas.push({ dataJson: bytes, cursor: String(held.deltas.length + 1), attempt });
      this.#notify(held);
    } else if (item.kind === "result") {
      const { Attach: attach } = this.#protocol.Registry.service;
      for (const result of attach.requestDeserialize(attach.requestSerialize({ results: [item.result] })).results) {
        const held = this.#calls.get(result.callId);
        if (held === undefined) continue;
        const { tool } = held.head;
        const answer = readAnswer(result);
        const checked = Promise.resolve(this.#results.read(answer, () => PROVIDER)).then((read) =>
          this.#results.check(this.#epoch, tool, held.head.text, answer, read, PROVIDER.client),
        );
        void checked.then(({ kind, reason, body, unchecked }) => {
          // A provider stops because it was told to, or because its own timer was first to see that the deadline passed.
          const why = kind === "cancelled" ? (held.stop ?? "DEADLINE_EXCEEDED") : reason;
          this.#settle(result.callId, { kind, reason: why, body, unchecked: unchecked !== undefined });
        });
      }
    }
  }

  #stop(callId: string, why: "CANCELLED" | "DEADLINE_EXCEEDED"): void {
    const held = this.#calls.get(callId);
    if (held === undefined || held.terminal !== undefined) return;
    held.stop ??= why;
    if (held.delivered) this.#provider.abort(callId, this.#attempt, why === "CANCELLED" ? "CANCELLED" : "DEADLINE");
    else this.#settle(callId, { kind: "not_executed", reason: why });
  }

  /** Its tool did not stop when the deadline passed. */
  #overran(callId: string): void {
    this.#settle(callId, { kind: "outcome_unknown", reason: "DEADLINE_EXCEEDED" });
    this.#provider.abort(callId, this.#attempt, "FENCED");
  }

  #settle(callId: string, end: Pick<Ending, "kind" | "reason"> & Partial<Pick<Ending, "body" | "unchecked">>): void {
    const held = this.#calls.get(callId);
    if (held === undefined || held.terminal !== undefined) return;
    clearTimeout(held.overdue);
    const ending = { body: Buffer.alloc(0), unchecked: false, ...end, attempt: this.#attempt, endedAtMs: Date.now() };
    const { GetCall: getCall } = this.#protocol.Gateway.service;
    const wire = { terminal: writeTerminal(parseCallId(callId), ending) };
    const { terminal } = getCall.responseDeserialize(getCall.responseSerialize(wire));
    if (terminal === null) throw new ToolgateError("INTERNAL", "the terminal was lost on its way");
    held.terminal = terminal;
    held.ended.resolve();
    this.#provider.settled(callId, this.#attempt);
    this.#notify(held);
  }

  #notify(held: Held): void {
    const { news } = held;
    held.news = deferred();
    news.resolve();
  }

  #find(callId: string): Held {
    const held = this.#calls.get(callId);
    if (held === undefined) throw new ToolgateError("UNKNOWN_CALL", `no call ${callId} is known`);
    return held;
  }
}

/** What the checks look at of an epoch. */
function epochOf({ contract, digest }: SealedContract) {
  return {
    toolset: contract.name,
    digest,
    contract: () => contract,
    tool: (name: string) => contract.tools.find((tool) => tool.name === name),
  };
}
