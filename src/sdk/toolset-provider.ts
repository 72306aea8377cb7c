import { type Deferred, deferred } from "../async/deferred.js";
import { LARGEST_MESSAGE_BYTES } from "../config/message-limits.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Contract } from "../protocol/generated/toolgate/v1/Contract.js";
import type { GoAway__Output } from "../protocol/generated/toolgate/v1/GoAway.js";
import type { GoAwayReason__Output } from "../protocol/generated/toolgate/v1/GoAwayReason.js";
import type { LeaseRef } from "../protocol/generated/toolgate/v1/LeaseRef.js";
import type { RegisterOptions } from "../protocol/generated/toolgate/v1/RegisterOptions.js";
import type { RegisterResponse__Output } from "../protocol/generated/toolgate/v1/RegisterResponse.js";
import type { ReleaseResponse__Output } from "../protocol/generated/toolgate/v1/ReleaseResponse.js";
import type { Welcome__Output } from "../protocol/generated/toolgate/v1/Welcome.js";
import { CallsInHand } from "./calls-in-hand.js";
import { CLIENT_VERSION } from "./client-version.js";
import { DeltaOutput } from "./delta-output.js";
import type { DecodeJson } from "./json-bytes.js";
import { allowMany } from "./linked-signal.js";
import type { Nodes } from "./nodes.js";
import { type OutputLimits, outputLimits } from "./output-limits.js";
import type {
  GoAwayReason,
  Provider,
  ProviderClosed,
  ProviderEvent,
  ProviderLogger,
  ProviderStateKind,
  SchemaWarning,
  SkippedPart,
  StopOptions,
} from "./provider.js";
import { type Outgoing, ProviderLink } from "./provider-link.js";
import { ProviderLog } from "./provider-log.js";
import { type Lease, leaseOf, nextState, type ProviderChange, type ProviderState } from "./provider-state.js";
import { readEpochState } from "./read-catalog.js";
import type { Node } from "./remote-node.js";
import { mayRetryElsewhere, sendRequest, sendToNode } from "./request.js";
import { readCancelReason, type ToolCode } from "./running-call.js";
import { settlesWithin, sleep, type Timing } from "./timing.js";
import type { LogLevel } from "./tool-log.js";
import type { EpochState } from "./toolset.js";
import { withoutSkipped } from "./wire-contract.js";

/**
 * A provider: registers, attaches, serves, and does so again when something was lost.
 *
 * One loop holds the connection (`#serve`); calls run beside it and outlive it. There is one *current* session at most,
 * to which results and output go, and there may be *former* ones, whose nodes are stopping: they stay open until the
 * next session is welcomed, so that nothing waits for the move. A result stays in hand until the gateway has settled it,
 * and is sent anew on each session; the gateway knows it by call and attempt.
 *
 * The end has one way too (`#shutDown`): drain, wait for what is in hand, abort what still runs, wait for it to say how it
 * ended, give the lease back, close. In that order, since a lease that is given back tells the gateway that no more results
 * come: a call that has not said anything by then has an unknown outcome, or runs again if it is idempotent.
 */

/** How long one node may take to register a toolset, which compiles every schema, in milliseconds. */
const REGISTER_MS = 30_000;
/** How long giving the lease back may take: it ends by itself, too. */
const RELEASE_MS = 2000;
/** How long tools may take to stop after the last request to, and their calls' ends to be settled. */
const ABORT_MS = 1000;
/** How long a node may take to end a session that was drained and has nothing in hand, in milliseconds. */
const DRAINED_SESSION_MS = 2_000;
/** How long calls in hand may go on when a provider is stopped. */
const GRACE_MS = 10_000;

/** Over how long those register anew that lose their leases at the same moment, in milliseconds. */
const SPREAD_MS = 500;
/** A node is left alone for at most this many times as long as it asked for; see `Nodes`. */
const LONGEST_WAIT = 1.5;

const GO_AWAY_REASONS = {
  GO_AWAY_REASON_UNSPECIFIED: "node_draining",
  GO_AWAY_REASON_NODE_DRAINING: "node_draining",
  GO_AWAY_REASON_RETIRED: "retired",
  GO_AWAY_REASON_LEASE_LOST: "lease_lost",
  GO_AWAY_REASON_REPLACED: "replaced",
  GO_AWAY_REASON_UNREGISTERED: "unregistered",
} as const satisfies Record<GoAwayReason__Output, GoAwayReason>;

/** Why a lease is gone for good, by the cause that a node names; for others the provider registers anew. */
const LEASE_ENDS: ReadonlyMap<string, ProviderClosed> = new Map([
  ["replaced", { kind: "replaced" }],
  ["gone", { kind: "retired" }],
  ["unregistered", { kind: "unregistered" }],
]);

/** What a provider is made of. */
export interface ProviderSetup {
  readonly contract: Contract;
  readonly tools: ReadonlyMap<string, ToolCode>;
  readonly registration: RegisterOptions;
  readonly providerId: string;
  readonly incarnation: string;
  readonly maxInFlight: number;
  /** The largest outputs that are wanted, where the registry allows as much. */
  readonly limits: Partial<OutputLimits>;
  /** Reads payloads. */
  readonly decode: DecodeJson;
  readonly nodes: Nodes;
  readonly timing: Timing;
  readonly connectTimeoutMs: number;
  readonly logger: ProviderLogger | undefined;
  readonly logOutput: LogLevel | undefined;
  readonly onEvent: ((event: ProviderEvent) => void) | undefined;
}

/** Why a session is not the current one any more. */
type SessionOver =
  /** Attach again: the session was lost, or its node is stopping. */
  | { readonly kind: "again"; readonly cause: string; readonly refusal?: ToolgateError }
  | { readonly kind: "lease_lost" }
  /** Serve no more. */
  | { readonly kind: "leave"; readonly reason: ProviderClosed; readonly graceMs: number };

interface Registered {
  readonly epoch: number;
  readonly digest: string;
  readonly warnings: readonly SchemaWarning[];
  readonly skipped: readonly SkippedPart[];
}

export class ToolsetProvider implements Provider {
  readonly name: string;
  readonly providerId: string;
  readonly incarnation: string;
  readonly closed: Promise<ProviderClosed>;
  readonly #setup: ProviderSetup;
  readonly #output = new DeltaOutput();
  readonly #calls: CallsInHand;
  readonly #logs: ProviderLog;
  readonly #halt = new AbortController();
  readonly #callable = deferred();
  readonly #closing: Deferred<ProviderClosed> = deferred();
  readonly #former = new Set<ProviderLink>();
  #state: ProviderState = { kind: "connecting", lease: undefined };
  #current: ProviderLink | undefined;
  /** Settles when the session that was welcomed last has ended. */
  #currentOver: Promise<void> = Promise.resolve();
  /** Output that a lost session did not send. */
  #unsent: readonly Outgoing[] = [];
  #registered: Registered = { epoch: 0, digest: "", warnings: [], skipped: [] };
  /** What is registered: the toolset without what was left out when it was registered first. */
  #contract: Contract;
  #epochState: EpochState = "candidate";
  #limits: OutputLimits;
  #wasServed = false;
  #renewedKey = false;
  #ending: Promise<void> | undefined;
  #loop: Promise<void> | undefined;

  constructor(setup: ProviderSetup) {
    this.#setup = setup;
    this.#contract = setup.contract;
    this.name = setup.contract.name ?? "";
    this.providerId = setup.providerId;
    this.incarnation = setup.incarnation;
    this.closed = this.#closing.promise;
    const { tools, maxInFlight, limits, decode } = setup;
    this.#limits = outputLimits(limits, undefined);
    this.#logs = new ProviderLog(this.name, setup.logger, setup.logOutput);
    this.#calls = new CallsInHand({
      tools,
      maxInFlight,
      limits: () => this.#limits,
      decode,
      output: this.#output,
      logs: this.#logs,
      onOutcome: (outcome) => this.#current?.push(outcome),
    });
  }

  get epoch(): number {
    return this.#registered.epoch;
  }

  get digest(): string {
    return this.#registered.digest;
  }

  get warnings(): readonly SchemaWarning[] {
    return this.#registered.warnings;
  }

  get skipped(): readonly SkippedPart[] {
    return this.#registered.skipped;
  }

  get epochState(): EpochState {
    return this.#epochState;
  }

  get state(): ProviderStateKind {
    return this.#state.kind;
  }

  get inHand(): number {
    return this.#calls.size;
  }

  /**
   * Registers and attaches; resolves when a node has recorded that it answers pings, so that it can be called.
   *
   * @throws ToolgateError when it is refused, or no node answers in time; the signal's reason when it aborts first.
   */
  async start(signal: AbortSignal | undefined): Promise<void> {
    const giveUp = () => void this.#shutDown({ kind: "stopped" }, 0);
    signal?.throwIfAborted();
    if (signal !== undefined) allowMany(signal);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#loop = this.#serve().catch((error: unknown) => {
      // The loop does not wait for the end that it asks for: the end waits for the loop.
      if (!this.#halt.signal.aborted) void this.#shutDown({ kind: "failed", error: asToolgateError(error) }, 0);
    });
    const closed = await Promise.race([this.#callable.promise, this.closed]);
    signal?.removeEventListener("abort", giveUp);
    if (closed === undefined) {
      const stop = () => void this.stop();
      signal?.addEventListener("abort", stop, { once: true });
      void this.closed.then(() => signal?.removeEventListener("abort", stop));
      return;
    }
    signal?.throwIfAborted();
    if (closed.kind === "failed") throw closed.error;
    throw new ToolgateError("CANCELLED", `${this.name} was ${closed.kind} before it was served.`);
  }

  async drain(): Promise<void> {
    this.#startDraining();
    await Promise.race([this.#drained(), this.closed]);
  }

  async stop({ graceMs = GRACE_MS }: StopOptions = {}): Promise<void> {
    await this.#shutDown({ kind: "stopped" }, graceMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #change(change: ProviderChange): void {
    this.#state = nextState(this.#state, change);
  }

  /** Holds the connection until the provider is shut down. */
  async #serve(): Promise<void> {
    const signal = this.#halt.signal;
    const { timing } = this.#setup;
    let sinceMs = timing.monotonicMs();
    let lastRefusal: ToolgateError | undefined;
    let busyInARow = 0;
    // A node that says when to come again does answer: the time for that begins anew then.
    const noteRefusal = (refusal: ToolgateError | undefined): void => {
      busyInARow = refusal?.reason === "NODE_BUSY" ? busyInARow + 1 : 0;
      if (refusal === undefined || busyInARow === 0) return;
      const { message, retryAfterMs = 0 } = refusal;
      sinceMs = timing.monotonicMs() + LONGEST_WAIT * retryAfterMs;
      // One other node may have less to do. To ask each of them, again and again, is what keeps all of them busy.
      if (busyInARow > 1) this.#setup.nodes.allBusy(message, retryAfterMs);
    };
    for (;;) {
      signal.throwIfAborted();
      // A first start fails for good when it takes too long; a provider that was serving comes back, however long it takes.
      const isFirst = !this.#wasServed;
      const giveUpAtMs = isFirst ? sinceMs + this.#setup.connectTimeoutMs : Number.POSITIVE_INFINITY;
      const node = await this.#setup.nodes.acquire({ signal, giveUpAtMs }).catch((error: unknown) => {
        throw signal.aborted ? error : (lastRefusal ?? error); // a node's own word says more
      });
      if (this.#state.kind === "draining" && (this.#calls.size === 0 || this.#state.lease === undefined)) {
        // Without a lease no node takes results any more. A provider that is being stopped gives its own back, and
        // aborts what is left by itself.
        if (this.#state.lease === undefined && this.#ending === undefined) this.#calls.abandonAll("FENCED");
        return; // nothing needs a session any more; `stop` does the rest
      }
      this.#change({ kind: "found", address: node.address });
      const lease = leaseOf(this.#state) ?? (await this.#register(node, isFirst));
      if (lease instanceof ToolgateError) {
        if (lease.reason !== "NODE_UNREACHABLE") lastRefusal = lease;
        noteRefusal(lease);
        continue;
      }
      const over = await this.#attach(node, lease);
      signal.throwIfAborted();
      switch (over.kind) {
        case "again":
          this.#change({ kind: "detached" });
          this.#setup.nodes.failed(node, over.cause, over.refusal?.retryAfterMs);
          noteRefusal(over.refusal);
          break;
        case "lease_lost":
          this.#change({ kind: "lease_lost" });
          // What took this lease may have taken those of many others at the same moment.
          await sleep(timing.random() * SPREAD_MS, signal);
          break;
        case "leave":
          void this.#shutDown(over.reason, over.graceMs);
          return;
        default:
          over satisfies never;
      }
    }
  }

  /** Gives the error, rather than throwing it, when another attempt may fare better. */
  async #register(node: Node, isFirst: boolean): Promise<Lease | ToolgateError> {
    const { providerId, incarnation, registration, nodes } = this.#setup;
    const request = { contract: this.#contract, providerId, incarnation, options: registration };
    let answer: RegisterResponse__Output;
    const { keyVersion } = node;
    try {
      answer = await sendToNode<RegisterResponse__Output>(
        node,
        ({ registry }, ...rest) => registry.register(request, ...rest),
        this.#halt.signal,
        REGISTER_MS,
      );
    } catch (error) {
      if (!(error instanceof ToolgateError)) throw error;
      if (!this.#renewKey(node, keyVersion, error) && !isPassing(error, isFirst)) throw error;
      nodes.failed(node, error.message, error.retryAfterMs);
      this.#change({ kind: "detached" });
      return error;
    }
    nodes.succeeded(node);
    const { epoch, digest, warnings, leaseToken } = answer;
    const state = readEpochState(answer.state);
    const skipped = [...this.#registered.skipped, ...answer.skipped];
    // Registered anew, it is to be the same contract, even where another node would leave out less.
    this.#contract = withoutSkipped(this.#contract, answer.skipped);
    // The same contract again has nothing new to be warned of.
    if (digest !== this.#registered.digest)
      for (const { tool, path, message } of warnings) this.#logs.schemaWarning(tool, path, message);
    this.#registered = { epoch, digest, warnings, skipped };
    this.#epochState = state;
    const lease = { epoch, token: leaseToken };
    this.#change({ kind: "registered", lease });
    this.#emit({ kind: "registered", epoch, digest, state });
    return lease;
  }

  /**
   * Whether a node refused the credential, and there may be another one by now. At a first start once; a provider that was served
   * waits for the new one of a key that was rotated, however long that takes.
   */
  #renewKey(node: Node, version: number, { reason }: ToolgateError): boolean {
    if (reason !== "UNAUTHENTICATED" || (this.#renewedKey && !this.#wasServed)) return false;
    this.#renewedKey = true;
    return node.renewKey(version);
  }

  /** Opens a session; resolves when it is not the current one any more. */
  #attach(node: Node, lease: Lease): Promise<SessionOver> {
    const { maxInFlight, timing } = this.#setup;
    const over: Deferred<SessionOver> = deferred();
    const gone = deferred();
    let receivedGoAway = false;
    const hello = {
      lease: this.#leaseRef(lease),
      maxInFlight,
      inHand: this.#calls.beginMove(),
      maxMessageBytes: LARGEST_MESSAGE_BYTES,
      clientVersion: CLIENT_VERSION,
    };
    const session: ProviderLink = new ProviderLink(
      node,
      hello,
      {
        welcomed: (welcome) => {
          this.#currentOver = gone.promise;
          this.#welcomed(session, welcome);
        },
        call: (call) => this.#calls.take(call),
        cancel: ({ callId, attempt, reason }) => this.#calls.abort(callId, attempt, readCancelReason(reason)),
        settled: ({ callId, attempt }) => this.#calls.settled(callId, attempt),
        ready: () => this.#callable.resolve(),
        superseded: ({ activeEpoch, activeVersion }) => {
          this.#epochState = "retiring";
          this.#emit({ kind: "superseded", activeEpoch, activeVersion });
        },
        goAway: (goAway) => {
          receivedGoAway = true;
          over.resolve(this.#goAway(session, goAway));
        },
        writable: () => this.#output.pump(),
        ended: (error, unsent) => {
          gone.resolve();
          this.#former.delete(session);
          if (this.#current === session) {
            if (error?.reason === "NODE_UNREACHABLE") this.#calls.nodeLost(unsent);
            this.#current = undefined;
            this.#output.use(undefined);
          } else if (this.#former.size === 0 && this.#current !== undefined) this.#calls.endMove();
          this.#unsent = [...this.#unsent, ...unsent.filter(({ kind }) => kind === "delta")];
          if (!receivedGoAway && !this.#halt.signal.aborted) {
            this.#emit({ kind: "detached", address: node.address, ...(error === undefined ? {} : { error }) });
          }
          const renewed = error !== undefined && this.#renewKey(node, session.keyVersion, error);
          over.resolve(renewed ? { kind: "again", cause: error.message, refusal: error } : afterEnd(error));
        },
      },
      timing,
    );
    this.#former.add(session); // until it is welcomed, it is closed with those
    return over.promise;
  }

  #welcomed(session: ProviderLink, { nodeId, state, fenced, limits }: Welcome__Output): void {
    const { node } = session;
    this.#setup.nodes.succeeded(node);
    this.#former.delete(session);
    if (this.#current !== undefined) this.#former.add(this.#current);
    if (this.#former.size === 0) this.#calls.endMove();
    for (const former of this.#former) void former.close();
    this.#current = session;
    this.#epochState = readEpochState(state);
    this.#limits = outputLimits(this.#setup.limits, limits ?? undefined);
    this.#change({ kind: "welcomed" });
    for (const { callId, attempt } of fenced) this.#calls.abort(callId, attempt, "FENCED");
    if (this.#state.kind === "draining") session.push({ kind: "drain", bytes: 8 });
    const unsent = this.#unsent;
    this.#unsent = [];
    this.#output.use(session, unsent);
    for (const outcome of this.#calls.outcomes()) session.push(outcome);
    this.#emit({ kind: "attached", address: node.address, nodeId, state: this.#epochState });
    this.#wasServed = true;
    // A node that announces no limits is an older one, and does not announce either when calls can come.
    if (limits === null) this.#callable.resolve();
  }

  #goAway(session: ProviderLink, { reason, graceMs }: GoAway__Output): SessionOver {
    const why = GO_AWAY_REASONS[reason] ?? "node_draining"; // one that only newer nodes know: another session will tell
    this.#emit({ kind: "go_away", address: session.node.address, reason: why });
    switch (why) {
      case "node_draining":
        return { kind: "again", cause: "the node is stopping" };
      case "lease_lost":
        return { kind: "lease_lost" };
      case "retired":
      case "unregistered":
      case "replaced":
        return { kind: "leave", reason: { kind: why }, graceMs };
      default:
        return why satisfies never;
    }
  }

  #startDraining(): void {
    if (this.#state.kind === "draining" || this.#state.kind === "closed") return;
    this.#change({ kind: "drain" });
    this.#current?.push({ kind: "drain", bytes: 8 });
    this.#emit({ kind: "draining" });
  }

  /**
   * Nothing is in hand, and nothing can be on its way any more: the node takes calls until it has heard of the drain, and
   * then ends the session. A lease that is given back earlier loses the calls that are just being delivered. A node that
   * does not end it in time is not waited for.
   */
  async #drained(): Promise<void> {
    do {
      await this.#calls.empty();
      await settlesWithin(this.#currentOver, DRAINED_SESSION_MS);
    } while (this.#calls.size > 0);
  }

  #shutDown(reason: ProviderClosed, graceMs: number): Promise<void> {
    this.#ending ??= this.#end(reason, graceMs);
    return this.#ending;
  }

  async #end(reason: ProviderClosed, graceMs: number): Promise<void> {
    this.#startDraining();
    if (graceMs > 0) await settlesWithin(this.#drained(), graceMs);
    this.#calls.stopAll();
    // Where no session can be had any more, no result can be settled.
    const canSettle = reason.kind !== "failed" && leaseOf(this.#state) !== undefined;
    const ended = Promise.all([this.#calls.quiet(), ...(canSettle ? [this.#calls.empty()] : [])]);
    await settlesWithin(ended, ABORT_MS);
    await this.#release();
    this.#calls.abandonAll("STOPPING");
    this.#halt.abort(new ToolgateError("CANCELLED", `${this.name} was stopped.`));
    const sessions = [...this.#former, ...(this.#current === undefined ? [] : [this.#current])];
    await Promise.all(sessions.map((session) => session.close()));
    await this.#loop;
    this.#setup.nodes.close();
    this.#change({ kind: "close", reason });
    this.#emit({ kind: "closed", reason });
    this.#closing.resolve(reason);
  }

  /** Gives the lease back. It ends by itself too, so a failure costs time only. */
  async #release(): Promise<void> {
    const lease = leaseOf(this.#state);
    if (lease === undefined) return;
    const { nodes, timing } = this.#setup;
    const giveUpAtMs = timing.monotonicMs() + RELEASE_MS;
    const options = { signal: this.#halt.signal, giveUpAtMs, repeatable: true, attemptMs: RELEASE_MS };
    try {
      await sendRequest<ReleaseResponse__Output>(
        nodes,
        ({ registry }, ...rest) => registry.release({ lease: this.#leaseRef(lease) }, ...rest),
        options,
      );
    } catch (error) {
      this.#setup.logger?.warn({ toolset: this.name, err: error }, "lease not given back; it will end by itself");
    }
  }

  #leaseRef({ epoch, token }: Lease): LeaseRef {
    const { providerId, incarnation } = this.#setup;
    return { toolset: this.name, epoch, providerId, incarnation, leaseToken: token };
  }

  #emit(event: ProviderEvent): void {
    const { logger, onEvent } = this.#setup;
    const isBad = (event.kind === "detached" && event.error !== undefined) || event.kind === "go_away";
    const { kind, ...fields } = event;
    try {
      logger?.[isBad ? "warn" : "info"]({ toolset: this.name, ...fields }, `provider ${kind.replace("_", " ")}`);
      onEvent?.(event);
    } catch {
      // called, and that is all: an observer must not end what it observes
    }
  }
}

/** What the end of a session means. */
function afterEnd(error: ToolgateError | undefined): SessionOver {
  if (error === undefined) return { kind: "again", cause: "the node ended the session" };
  if (error.reason === "LEASE_LOST") {
    // It ended for good while no session was open that could have said so.
    const reason = LEASE_ENDS.get(error.metadata.cause ?? "");
    return reason === undefined ? { kind: "lease_lost" } : { kind: "leave", reason, graceMs: 0 };
  }
  if (isPassing(error, false)) return { kind: "again", cause: error.message, refusal: error };
  return { kind: "leave", reason: { kind: "failed", error }, graceMs: 0 };
}

/** Whether another attempt may fare better. A fault of a node is no reason to give a toolset up that was served. */
function isPassing(error: ToolgateError, isFirst: boolean): boolean {
  if (mayRetryElsewhere(error, true)) return true;
  if (error.reason === "STORE_UNAVAILABLE" || error.reason === "LIMIT_EXCEEDED") return true;
  return error.reason === "INTERNAL" && !isFirst;
}

function asToolgateError(error: unknown): ToolgateError {
  if (error instanceof ToolgateError) return error;
  return new ToolgateError("INTERNAL", `The provider failed: ${String(error)}`, { cause: error });
}
