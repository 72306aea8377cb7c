import { randomUUID } from "node:crypto";
import type { ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { RawJson } from "../json/raw-json.js";
import type { CallHandle__Output } from "../protocol/generated/toolgate/v1/CallHandle.js";
import type { CallState } from "../protocol/generated/toolgate/v1/CallState.js";
import type { CallToolResponse__Output } from "../protocol/generated/toolgate/v1/CallToolResponse.js";
import type { CancelCallResponse__Output } from "../protocol/generated/toolgate/v1/CancelCallResponse.js";
import type { GetCallResponse__Output } from "../protocol/generated/toolgate/v1/GetCallResponse.js";
import type { GetDeadCallResponse__Output } from "../protocol/generated/toolgate/v1/GetDeadCallResponse.js";
import type { GetRegistryResponse__Output } from "../protocol/generated/toolgate/v1/GetRegistryResponse.js";
import type { GetToolsetResponse__Output } from "../protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { HealthFilter } from "../protocol/generated/toolgate/v1/HealthFilter.js";
import type { ListCallsRequest } from "../protocol/generated/toolgate/v1/ListCallsRequest.js";
import type { ListCallsResponse__Output } from "../protocol/generated/toolgate/v1/ListCallsResponse.js";
import type { ListDeadCallsResponse__Output } from "../protocol/generated/toolgate/v1/ListDeadCallsResponse.js";
import type { ListToolsetsResponse__Output } from "../protocol/generated/toolgate/v1/ListToolsetsResponse.js";
import type { PurgeDeadCallsResponse__Output } from "../protocol/generated/toolgate/v1/PurgeDeadCallsResponse.js";
import type { RedriveDeadCallResponse__Output } from "../protocol/generated/toolgate/v1/RedriveDeadCallResponse.js";
import type { SearchResponse__Output } from "../protocol/generated/toolgate/v1/SearchResponse.js";
import type { TerminalKind } from "../protocol/generated/toolgate/v1/TerminalKind.js";
import type { Access } from "./access.js";
import { AccessClient } from "./access-client.js";
import type { Audit } from "./audit.js";
import { AuditClient } from "./audit-client.js";
import { BatchedSession } from "./batched-session.js";
import type {
  AdmittedCall,
  CallEvent,
  CallHandle,
  CallStatus,
  CallSummary,
  Cancellation,
  EndedCallSummary,
} from "./call.js";
import { readCallSummary, readDelta, readEndedCall, readHandle, readState, readTerminal } from "./call-from-wire.js";
import type { CallOptions, InvokeOptions } from "./call-options.js";
import type { OnCallWarning } from "./call-warnings.js";
import type { DeadCall } from "./dead-call.js";
import type { Documents } from "./documents.js";
import { DocumentsClient } from "./documents-client.js";
import { ifDefined } from "./if-defined.js";
import { type DecodeJson, decodeRaw } from "./json-bytes.js";
import { linkSignals } from "./linked-signal.js";
import type { Nodes } from "./nodes.js";
import { PayloadCheck } from "./payload-check.js";
import { prepareCall, repeatOf } from "./prepare-call.js";
import { readHit, readSummary, readToolset, readWatchEvents } from "./read-catalog.js";
import { readDeadCall } from "./read-dead-call.js";
import { type RegistryInfo, readRegistry } from "./registry-info.js";
import type { NodeClients } from "./remote-node.js";
import { type Send, type SendOptions, sendRequest } from "./request.js";
import type { RequestOptions } from "./request-options.js";
import type { Requests } from "./requests.js";
import { resumedStream } from "./resumed-stream.js";
import type { OutgoingSpan } from "./sdk-spans.js";
import { SnapshotAssembler } from "./snapshot-assembler.js";
import type { Timing } from "./timing.js";
import type {
  AgentSession,
  AsRaw,
  FollowOptions,
  GetOptions,
  ListCallsOptions,
  ListEndedCallsOptions,
  ListOptions,
  SearchOptions,
  Toolgate,
  ToolsetFilter,
  WatchOptions,
} from "./toolgate.js";
import type { DamagedToolset, SearchHit, Toolset, ToolsetSummary, WatchEvent } from "./toolset.js";
import { tracing } from "./tracing.js";

/** How long one node may take to answer a request that asks for something it knows, in milliseconds. */
const ANSWER_MS = 10_000;
/** How many toolsets a page has. */
const PAGE_SIZE = 200;

/** What a client is made of. */
export interface ClientSetup {
  readonly nodes: Nodes;
  readonly timing: Timing;
  readonly patienceMs: number;
  /** Reads results, output, details and payloads that are not asked for as RawJson. */
  readonly decode: DecodeJson;
  readonly onWarning: OnCallWarning;
}

export class Client implements Toolgate {
  readonly access: Access;
  readonly documents: Documents;
  readonly audit: Audit;
  readonly #nodes: Nodes;
  readonly #timing: Timing;
  readonly #patienceMs: number;
  readonly #decode: DecodeJson;
  readonly #payloads: PayloadCheck;
  readonly #onWarning: OnCallWarning;
  readonly #runId = randomUUID();
  readonly #sessions = new Set<AgentSession>();
  readonly #closed = new AbortController();
  #shared: AgentSession | undefined;
  #closing: Promise<void> | undefined;

  constructor({ nodes, timing, patienceMs, decode, onWarning }: ClientSetup) {
    this.#nodes = nodes;
    this.#timing = timing;
    this.#patienceMs = patienceMs;
    this.#decode = decode;
    this.#onWarning = onWarning;
    const requests: Requests = {
      read: (signal, send) => this.#read(signal, send),
      write: (signal, send) => this.#ask(signal, false, send),
      stream: (signal, open) => this.#resumed(signal, open),
    };
    this.access = new AccessClient(requests);
    this.documents = new DocumentsClient(requests, decode);
    this.audit = new AuditClient(requests);
    this.#payloads = new PayloadCheck(async () => (await this.registry()).limits, timing);
  }

  get node(): string {
    return this.#nodes.current;
  }

  async registry({ signal }: RequestOptions = {}): Promise<RegistryInfo> {
    return readRegistry(
      await this.#read<GetRegistryResponse__Output>(signal, ({ catalog }, ...rest) => catalog.getRegistry({}, ...rest)),
    );
  }

  async *list({ signal, ...filter }: ListOptions = {}): AsyncGenerator<ToolsetSummary, void, void> {
    let pageToken = "";
    do {
      const page = await this.#read<ListToolsetsResponse__Output>(signal, ({ catalog }, ...rest) =>
        catalog.listToolsets({ ...wireFilter(filter), pageSize: PAGE_SIZE, pageToken }, ...rest),
      );
      for (const summary of page.toolsets) yield readSummary(summary, page.stale);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  async damaged({ signal }: RequestOptions = {}): Promise<readonly DamagedToolset[]> {
    const page = await this.#read<ListToolsetsResponse__Output>(signal, ({ catalog }, ...rest) =>
      catalog.listToolsets({ pageSize: 1 }, ...rest),
    );
    return page.quarantined.map(({ name, reason }) => ({ name, reason }));
  }

  async get(name: string, { epoch, tools = [], signal }: GetOptions = {}): Promise<Toolset> {
    const answer = await this.#read<GetToolsetResponse__Output>(signal, ({ catalog }, ...rest) =>
      catalog.getToolset({ name, epoch: epoch ?? 0, tools: [...tools] }, ...rest),
    );
    const toolset = readToolset(answer);
    if (toolset === undefined) throw new ToolgateError("INTERNAL", `The node answered without ${name}'s contract.`);
    return toolset;
  }

  async search(query: string, { limit, signal, ...filter }: SearchOptions = {}): Promise<SearchHit[]> {
    const answer = await this.#read<SearchResponse__Output>(signal, ({ catalog }, ...rest) =>
      catalog.search({ ...wireFilter(filter), query, pageSize: limit ?? 0 }, ...rest),
    );
    return answer.hits.map((hit) => readHit(hit, answer.stale));
  }

  async *watch({ toolsets, revision = "", signal }: WatchOptions = {}): AsyncGenerator<WatchEvent, void, void> {
    let seen = revision;
    let assembler = new SnapshotAssembler();
    const open = ({ catalog }: NodeClients, metadata: Metadata) => {
      assembler = new SnapshotAssembler(); // what a lost stream had begun comes anew
      return catalog.watch({ revision: seen, toolsets: [...(toolsets ?? [])] }, metadata);
    };
    const startAnew = () => {
      seen = ""; // what became visible has no change that a later revision would tell of
    };
    for await (const message of this.#resumed(signal, open, startAnew)) {
      const whole = assembler.add(message);
      if (whole === undefined) continue;
      yield* readWatchEvents(whole);
      if (whole.revision !== "") seen = whole.revision;
    }
  }

  invoke(toolset: string, tool: string, payload: unknown, options: InvokeOptions<RawJson> & AsRaw): Promise<RawJson>;
  invoke<Result = unknown>(toolset: string, tool: string, payload?: unknown, options?: InvokeOptions): Promise<Result>;
  invoke<Result>(toolset: string, tool: string, payload?: unknown, options?: InvokeOptions): Promise<Result> {
    this.#shared ??= this.session();
    return this.#shared.invoke<Result>(toolset, tool, payload, options);
  }

  call(toolset: string, tool: string, payload?: unknown, options: CallOptions = {}): Promise<AdmittedCall> {
    const span = tracing()?.call(toolset, tool, options);
    if (span === undefined) return this.#call(toolset, tool, payload, options, undefined);
    return span.over(this.#call(toolset, tool, payload, { ...options, ...span.context }, span));
  }

  async #call(
    toolset: string,
    tool: string,
    payload: unknown,
    options: CallOptions,
    span: OutgoingSpan | undefined,
  ): Promise<AdmittedCall> {
    const call = prepareCall(toolset, tool, payload, options, this.#runId);
    await this.#payloads.fits(call.payloadBytes);
    const startedMs = this.#timing.monotonicMs();
    let lostNodes = 0;
    const send: Send<CallToolResponse__Output> = ({ gateway }, ...rest) => {
      const left = call.timeoutMs === undefined ? undefined : call.timeoutMs - this.#timing.monotonicMs() + startedMs;
      return gateway.callTool({ call: repeatOf(call, left, lostNodes) }, ...rest);
    };
    // With the wait policy, the answer may take as long as the call.
    const attemptMs = options.wait === true ? {} : { attemptMs: ANSWER_MS };
    const onNodeLost = (): void => {
      lostNodes++;
      span?.retried("NODE_UNREACHABLE");
    };
    const asking = { ...attemptMs, onNodeLost };
    const { handle, repeatedRequest } = await this.#ask(options.signal, call.repeatable, send, asking);
    if (handle === null) throw new ToolgateError("INTERNAL", "The node answered without the call's handle.");
    this.#warn(handle);
    span?.named(handle.callId);
    return { ...readHandle(handle), repeated: repeatedRequest };
  }

  follow(callId: string, options: FollowOptions & AsRaw): AsyncGenerator<CallEvent<RawJson>, void, void>;
  follow(callId: string, options?: FollowOptions): AsyncGenerator<CallEvent, void, void>;
  async *follow(
    callId: string,
    { cursor = "", signal, raw }: FollowOptions & Partial<AsRaw> = {},
  ): AsyncGenerator<CallEvent, void, void> {
    const decode = this.#decoder(raw);
    let seen = cursor;
    const open = ({ gateway }: NodeClients, metadata: Metadata) =>
      gateway.followCall({ callId, cursor: seen }, metadata);
    for await (const message of this.#resumed(signal, open)) {
      for (const wire of message.deltas) {
        if (wire.cursor === seen) continue;
        seen = wire.cursor; // before it is passed on: what was seen once is never asked for again
        yield { kind: "delta", ...readDelta(wire, decode) };
      }
      if (message.terminal !== null) {
        yield { kind: "terminal", terminal: readTerminal(message.terminal, decode) };
        return;
      }
    }
  }

  getCall(callId: string, options: RequestOptions & AsRaw): Promise<CallStatus<RawJson>>;
  getCall(callId: string, options?: RequestOptions): Promise<CallStatus>;
  async getCall(callId: string, { signal, raw }: RequestOptions & Partial<AsRaw> = {}): Promise<CallStatus> {
    const answer = await this.#read<GetCallResponse__Output>(signal, ({ gateway }, ...rest) =>
      gateway.getCall({ callId }, ...rest),
    );
    const { handle, state, attempt, cancelRequested, terminal, admittedAtMs } = answer;
    if (handle === null) throw new ToolgateError("INTERNAL", "The node answered without the call's handle.");
    const ended = terminal === null ? undefined : readTerminal(terminal, this.#decoder(raw));
    return {
      ...readHandle(handle),
      state: readState(state),
      attempt,
      cancelRequested,
      ...ifDefined("admittedAt", admittedAtMs === 0 ? undefined : new Date(admittedAtMs)),
      ...ifDefined("terminal", ended),
    };
  }

  async *listCalls({
    toolset = "",
    tool = "",
    principal = "",
    state,
    signal,
  }: ListCallsOptions = {}): AsyncGenerator<CallSummary, void, void> {
    const filter = { toolset, tool, principal, state: CALL_STATE_FILTERS[state ?? "any"] };
    for await (const page of this.#callPages(filter, signal)) {
      for (const wire of page.calls) {
        const summary = readCallSummary(wire, new Date(page.timeMs));
        if (summary !== undefined) yield summary;
      }
    }
  }

  async *listEndedCalls({
    toolset = "",
    tool = "",
    principal = "",
    kinds = [],
    minTotalMs = 0,
    since,
    signal,
  }: ListEndedCallsOptions = {}): AsyncGenerator<EndedCallSummary, void, void> {
    const filter: ListCallsRequest = {
      ...{ toolset, tool, principal, minTotalMs },
      state: "CALL_STATE_ENDED",
      kinds: kinds.map((kind) => KIND_FILTERS[kind]),
      sinceMs: since?.getTime() ?? 0,
    };
    for await (const page of this.#callPages(filter, signal)) {
      for (const wire of page.calls) {
        const summary = readEndedCall(wire, page.sampled);
        if (summary !== undefined) yield summary;
      }
    }
  }

  async *#callPages(
    filter: ListCallsRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ListCallsResponse__Output, void, void> {
    let pageToken = "";
    do {
      const page = await this.#read<ListCallsResponse__Output>(signal, ({ gateway }, ...rest) =>
        gateway.listCalls({ ...filter, pageSize: PAGE_SIZE, pageToken }, ...rest),
      );
      yield page;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  cancel(callId: string, options: RequestOptions & AsRaw): Promise<Cancellation<RawJson>>;
  cancel(callId: string, options?: RequestOptions): Promise<Cancellation>;
  async cancel(callId: string, { signal, raw }: RequestOptions & Partial<AsRaw> = {}): Promise<Cancellation> {
    const answer = await this.#read<CancelCallResponse__Output>(signal, ({ gateway }, ...rest) =>
      gateway.cancelCall({ callId }, ...rest),
    );
    const ended = answer.terminal === null ? undefined : readTerminal(answer.terminal, this.#decoder(raw));
    return { state: readState(answer.state), ...ifDefined("terminal", ended) };
  }

  async unregister(name: string, epoch: number, { signal }: RequestOptions = {}): Promise<void> {
    // Not repeated once it was sent: the repeat would find nothing, and say so.
    await this.#ask(signal, false, ({ registry }, ...rest) => registry.unregister({ name, epoch }, ...rest));
  }

  async promote(name: string, epoch: number, { signal }: RequestOptions = {}): Promise<void> {
    await this.#ask(signal, false, ({ registry }, ...rest) => registry.promote({ name, epoch }, ...rest));
  }

  async *deadCalls(toolset: string, { signal }: RequestOptions = {}): AsyncGenerator<DeadCall, void, void> {
    let pageToken = "";
    do {
      const page = await this.#read<ListDeadCallsResponse__Output>(signal, ({ deadCalls }, ...rest) =>
        deadCalls.listDeadCalls({ toolset, pageSize: PAGE_SIZE, pageToken }, ...rest),
      );
      for (const call of page.calls) yield readDeadCall(call);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  getDeadCall(toolset: string, id: string, options: RequestOptions & AsRaw): Promise<DeadCall & { payload: RawJson }>;
  getDeadCall(toolset: string, id: string, options?: RequestOptions): Promise<DeadCall & { payload: unknown }>;
  async getDeadCall(
    toolset: string,
    id: string,
    { signal, raw }: RequestOptions & Partial<AsRaw> = {},
  ): Promise<DeadCall & { payload: unknown }> {
    const answer = await this.#read<GetDeadCallResponse__Output>(signal, ({ deadCalls }, ...rest) =>
      deadCalls.getDeadCall({ toolset, id }, ...rest),
    );
    if (answer.call === null) throw new ToolgateError("INTERNAL", "The node answered without the dead call.");
    return { ...readDeadCall(answer.call), payload: this.#decoder(raw)(answer.payloadJson) };
  }

  async redrive(toolset: string, id: string, { signal }: RequestOptions = {}): Promise<CallHandle> {
    // Not repeated once it was sent: the dead call may be gone, and the repeat would say so.
    const { handle } = await this.#ask<RedriveDeadCallResponse__Output>(signal, false, ({ deadCalls }, ...rest) =>
      deadCalls.redriveDeadCall({ toolset, id }, ...rest),
    );
    if (handle === null) throw new ToolgateError("INTERNAL", "The node answered without the call's handle.");
    return readHandle(handle);
  }

  async purgeDeadCalls(toolset: string, ids: readonly string[] = [], { signal }: RequestOptions = {}): Promise<number> {
    const answer = await this.#ask<PurgeDeadCallsResponse__Output>(signal, false, ({ deadCalls }, ...rest) =>
      deadCalls.purgeDeadCalls({ toolset, ids: [...ids] }, ...rest),
    );
    return answer.purged;
  }

  session(): AgentSession {
    const session = new BatchedSession({
      nodes: this.#nodes,
      timing: this.#timing,
      patienceMs: this.#patienceMs,
      runId: this.#runId,
      decode: this.#decode,
      payloads: this.#payloads,
      warn: (handle) => this.#warn(handle),
      cancelById: (callId) => this.cancel(callId).then(ignore, ignore), // best effort: it may have ended, or be gone
      onClose: (closed) => this.#sessions.delete(closed),
    });
    this.#sessions.add(session);
    if (this.#closing !== undefined) void session.close();
    return session;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #warn({ callId, toolset, tool, warnings }: CallHandle__Output): void {
    for (const message of warnings) {
      try {
        this.#onWarning({ message, toolset, tool, callId });
      } catch {
        // called, and that is all: an observer must not end what it observes
      }
    }
  }

  #decoder(raw: true | undefined): DecodeJson {
    return raw === true ? decodeRaw : this.#decode;
  }

  async #end(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()));
    this.#closed.abort(new ToolgateError("CANCELLED", "The client was closed.", { executed: "unknown" }));
    this.#nodes.close();
  }

  /** A request that changes nothing, or that does no more the second time. */
  #read<Answer>(signal: AbortSignal | undefined, send: Send<Answer>): Promise<Answer> {
    return this.#ask(signal, true, send, { attemptMs: ANSWER_MS });
  }

  async #ask<Answer>(
    signal: AbortSignal | undefined,
    repeatable: boolean,
    send: Send<Answer>,
    options: Pick<SendOptions, "attemptMs" | "onNodeLost"> = { attemptMs: ANSWER_MS },
  ): Promise<Answer> {
    const giveUpAtMs = this.#timing.monotonicMs() + this.#patienceMs;
    const linked = linkSignals(signal, this.#closed.signal);
    try {
      return await sendRequest(this.#nodes, send, { signal: linked.signal, giveUpAtMs, repeatable, ...options });
    } finally {
      linked.release();
    }
  }

  /** A stream that goes on at another node, until it is left, its signal aborts or the client is closed. */
  async *#resumed<Message>(
    signal: AbortSignal | undefined,
    open: (clients: NodeClients, metadata: Metadata) => ClientReadableStream<Message>,
    onAccessChanged?: () => void,
  ): AsyncGenerator<Message, void, void> {
    const linked = linkSignals(signal, this.#closed.signal);
    try {
      const options = {
        signal: linked.signal,
        patienceMs: this.#patienceMs,
        timing: this.#timing,
        ...ifDefined("onAccessChanged", onAccessChanged),
      };
      yield* resumedStream(this.#nodes, open, options);
    } finally {
      linked.release();
    }
  }
}

function ignore(): void {}

function wireFilter({ tags, health }: ToolsetFilter): { readonly tags: string[]; readonly health: HealthFilter } {
  return { tags: [...(tags ?? [])], health: HEALTH_FILTERS[health ?? "any"] };
}

const CALL_STATE_FILTERS = {
  any: "CALL_STATE_UNSPECIFIED",
  queued: "CALL_STATE_QUEUED",
  claimed: "CALL_STATE_CLAIMED",
} as const satisfies Record<string, CallState>;

const KIND_FILTERS = {
  result: "TERMINAL_KIND_RESULT",
  tool_error: "TERMINAL_KIND_TOOL_ERROR",
  not_executed: "TERMINAL_KIND_NOT_EXECUTED",
  cancelled: "TERMINAL_KIND_CANCELLED",
  outcome_unknown: "TERMINAL_KIND_OUTCOME_UNKNOWN",
  attempts_exhausted: "TERMINAL_KIND_ATTEMPTS_EXHAUSTED",
} as const satisfies Record<EndedCallSummary["kind"], TerminalKind>;

const HEALTH_FILTERS = {
  any: "HEALTH_FILTER_UNSPECIFIED",
  healthy: "HEALTH_FILTER_HEALTHY",
  unhealthy: "HEALTH_FILTER_UNHEALTHY",
} as const satisfies Record<string, HealthFilter>;
