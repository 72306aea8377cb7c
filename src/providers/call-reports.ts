import { isRedisUnavailable } from "../errors/redis-errors.js";
import type { CallId } from "../identity/call-id.js";
import type { ToolsetName } from "../identity/names.js";
import type { Logger } from "../observe/logger.js";
import type { CallMetrics } from "../observe/metrics/call-metrics.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import { sampledPlaceIn, traceFields, traceIdOf, traceparentAt } from "../observe/traces/trace-context.js";
import type { CallOutbox } from "../store/calls/call-outbox.js";
import { type Ending, parseHead } from "../store/calls/call-record.js";
import type { ProviderEnd } from "./check-result.js";
import type { CallInHand, ProviderSession } from "./provider-session.js";
import type { ProviderSessions } from "./provider-sessions.js";

export interface CallReportsSettings {
  readonly sessions: ProviderSessions;
  readonly outboxOf: (toolset: ToolsetName) => CallOutbox;
  readonly log: Logger;
  readonly faults: FaultLog;
  /** Names the traces of calls that have ended; absent where nothing is measured. */
  readonly metrics?: Pick<CallMetrics, "exemplify"> | undefined;
}

/** How long to wait before a result is handed in again while Redis is away, in milliseconds. */
const RETRY_MS = 200;
/** How often a result is handed in that Redis, though it is there, cannot take. */
const MAX_REFUSALS = 25;
/** Bytes of output on their way to Redis above which a provider is asked to pause. */
const OUTPUT_HIGH_BYTES = 1_048_576;

/** What a log line names a call by: itself, and its trace where it has one. */
const namesOf = ({ id, meta }: CallInHand) => ({ call: id, ...traceFields(meta) });

/** What providers say about the calls that they run, on its way to Redis. */
export class CallReports {
  readonly #settings: CallReportsSettings;

  constructor(settings: CallReportsSettings) {
    this.#settings = settings;
  }

  /** The call that a provider speaks of, if it still runs it through this session. */
  running(session: ProviderSession, id: CallId, attempt: number): CallInHand | undefined {
    const call = session.inHand.get(id);
    return call?.attempt === attempt && call.stage === "running" ? call : undefined;
  }

  /** Hands output on; the provider is asked to pause while too much of it is on its way. */
  append(session: ProviderSession, call: CallInHand, data: Buffer): void {
    session.outputBytes += data.length;
    session.arrived(data.length);
    if (!session.outputPaused && session.outputBytes > OUTPUT_HIGH_BYTES) session.pauseOutput(true);
    call.output = this.#settings
      .outboxOf(session.lease.toolset)
      .append({ id: call.id, owner: session.owner, attempt: call.attempt, data })
      .then(
        (answer) => {
          if (answer === "over") {
            this.abort(session, call, { kind: "tool_error", reason: "OUTPUT_TOO_LARGE", body: Buffer.alloc(0) });
          } else if (answer === "fenced") session.cancel(call.id, "FENCED");
        },
        // It may be there or not, and saying it twice would be worse: the result still comes.
        (error: unknown) => this.#settings.faults.warn({ event: "output_lost", ...namesOf(call), error }),
      )
      .finally(() => {
        session.outputBytes -= data.length;
        session.handled(data.length);
        if (session.outputPaused && session.outputBytes < OUTPUT_HIGH_BYTES / 2) session.pauseOutput(false);
      });
  }

  /**
   * Judges what a provider answered, as soon as that can be judged, and ends the call with it. Never rejects.
   *
   * @param bytes what the answer takes until then.
   * @param judge neither throws nor rejects.
   */
  async answer(
    session: ProviderSession,
    call: CallInHand,
    bytes: number,
    judge: () => ProviderEnd | Promise<ProviderEnd>,
  ): Promise<void> {
    session.arrived(bytes);
    session.settling(call);
    const judged = judge();
    // No promise on the usual way: the schema is cheap.
    const end = judged instanceof Promise ? await judged : judged;
    if (end.unchecked !== undefined)
      this.#settings.faults.warn({
        event: "result_unchecked",
        ...namesOf(call),
        tool: call.tool,
        error: end.unchecked,
      });
    await this.complete(session, call, end);
    session.handled(bytes);
  }

  /** Ends a call with what its provider answered, and tells the provider when that is settled. */
  async complete(session: ProviderSession, call: CallInHand, end: ProviderEnd): Promise<void> {
    const { sessions, outboxOf, log, faults } = this.#settings;
    session.settling(call);
    // Its slot is free: there may be another call for it.
    sessions.pump(session);
    // Nothing of a call comes after its end.
    if (call.output !== undefined) await call.output;
    const { kind, reason, body } = end;
    const unchecked = end.unchecked !== undefined;
    const completion = { id: call.id, owner: session.owner, attempt: call.attempt, kind, reason, body, unchecked };
    for (let refusals = 0; session.state.kind !== "closed"; ) {
      try {
        const answer = await outboxOf(session.lease.toolset).complete(completion);
        if (answer.kind === "gone") sessions.missed(call);
        // Before it is settled, which forgets the call.
        if (answer.kind === "accepted") {
          call.span?.ended(answer.ending);
          this.#exemplify(session, call, answer.ending);
        }
        sessions.settled(session, call, answer.kind === "accepted");
        return;
      } catch (error) {
        // The provider keeps the result until it is settled, so it is safe to try until then, here or where it attaches next.
        faults.warn({ event: "complete_failed", ...namesOf(call), error });
        if (!isRedisUnavailable(error) && ++refusals === MAX_REFUSALS) {
          log.error({ event: "result_given_up", ...namesOf(call), error });
          sessions.settled(session, call, false);
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  /** The script has counted the call; of one that is traced, the metric names its trace. */
  #exemplify({ lease }: ProviderSession, { tool, head, meta }: CallInHand, { endedAtMs }: Ending): void {
    const { metrics } = this.#settings;
    const place = metrics === undefined ? -1 : sampledPlaceIn(meta);
    if (place < 0) return;
    const value = Math.max(0, endedAtMs - parseHead(head).admittedMs) / 1_000;
    const traceId = traceIdOf(traceparentAt(meta, place));
    metrics?.exemplify(lease.toolset, tool, { traceId, value, atMs: endedAtMs });
  }

  /** Ends a call that its provider's channel does not take: it did not run, unless an earlier attempt of it may have. */
  undeliverable(session: ProviderSession, call: CallInHand): void {
    if (call.stage === "settling" || session.inHand.get(call.id) !== call) return;
    const kind = call.attempt === 1 ? "not_executed" : "outcome_unknown";
    const message =
      "The call is larger than its provider's channel takes: send less, or let the provider take larger messages (Hello.max_message_bytes).";
    const end: ProviderEnd = { kind, reason: "MESSAGE_TOO_LARGE", body: Buffer.from(JSON.stringify({ message })) };
    void this.complete(session, call, end);
  }

  /** Ends a call whose output breaks a rule, and tells its provider to stop. */
  abort(session: ProviderSession, call: CallInHand, end: ProviderEnd): void {
    if (call.stage === "settling") return;
    session.cancel(call.id, "OUTPUT_LIMIT");
    void this.complete(session, call, end);
  }
}
