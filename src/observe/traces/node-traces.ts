import type { Logger } from "../logger.js";
import { flushed, loadExporter, type OtlpSource } from "../otlp.js";
import type { FaultLog } from "../recurring-faults.js";
import type { AttemptSpan, CallSpan, TracedAttempt, TracedCall } from "./node-spans.js";
import { isSampled } from "./trace-context.js";

export interface NodeTracesSettings extends OtlpSource {
  /** Where spans go: the URL of a collector's OTLP/HTTP traces. */
  readonly url: string;
  /** Of calls that come without trace context, the share that is traced: 0 to 1. */
  readonly ratio: number;
  /** The most calls that the node admits, and the most that it delivers, as traced ones in a second. */
  readonly maxPerSecond: number;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  /** Unix milliseconds by Redis's clock, as far as they are known. */
  readonly redisNowMs: () => number;
  readonly log: Logger;
  readonly faults: FaultLog;
}

const SECOND_MS = 1_000;

/** Counts what is let through in a second: callers decide what is sampled, so a node bounds what it lets them cost. */
class SecondsBudget {
  readonly #most: number;
  readonly #monotonicMs: () => number;
  #endsAtMs = 0;
  #left = 0;

  constructor(most: number, monotonicMs: () => number) {
    this.#most = most;
    this.#monotonicMs = monotonicMs;
  }

  spend(): boolean {
    const nowMs = this.#monotonicMs();
    if (nowMs >= this.#endsAtMs) {
      this.#endsAtMs = nowMs + SECOND_MS;
      this.#left = this.#most;
    }
    return this.#left-- > 0;
  }
}

/**
 * The spans of a node. Only a node that has somewhere to send them has one of these, and loads OpenTelemetry; of a call that is not
 * sampled, nothing is made.
 */
export class NodeTraces {
  readonly #settings: NodeTracesSettings;
  readonly #admitted: SecondsBudget;
  readonly #delivered: SecondsBudget;
  #spans: import("./node-spans.js").NodeSpans | undefined;
  #stopExport: (() => Promise<void>) | undefined;

  constructor(settings: NodeTracesSettings) {
    this.#settings = settings;
    this.#admitted = new SecondsBudget(settings.maxPerSecond, settings.monotonicMs);
    this.#delivered = new SecondsBudget(settings.maxPerSecond, settings.monotonicMs);
  }

  /** @throws ToolgateError INVALID_CONFIG where what sends spans is not installed. */
  async start(): Promise<void> {
    const { url, ratio, version, node, registry, log, faults, redisNowMs } = this.#settings;
    const onFailure = (error: unknown): void => faults.warn({ event: "traces_not_sent", error });
    const { exportSpans, NodeSpans } = await loadExporter(
      async () => ({ ...(await import("./export-spans.js")), ...(await import("./node-spans.js")) }),
      {
        ...{ signal: "Traces", url, instead: "TOOLGATE_TRACES=off" },
        packages: "@opentelemetry/sdk-trace-base@2 @opentelemetry/exporter-trace-otlp-http@0.223",
      },
    );
    const { tracer, stop } = exportSpans({ url, version, node, registry, onFailure });
    this.#stopExport = stop;
    this.#spans = new NodeSpans(tracer, redisNowMs);
    log.info({ event: "traces_started", url, ratio });
  }

  /**
   * Whether a call that is to be placed is traced, so that of others nothing need be described.
   *
   * @param traceparent that of the call; where there is none, chance decides.
   */
  samples(traceparent: string | undefined): boolean {
    if (traceparent !== undefined) return isSampled(traceparent);
    const { ratio, random } = this.#settings;
    return ratio > 0 && random() < ratio;
  }

  /** Begins the spans of a sampled call that is to be placed; undefined where too many are traced, or none yet. */
  call(call: TracedCall): CallSpan | undefined {
    return this.#admitted.spend() ? this.#spans?.call(call) : undefined;
  }

  /** Begins the span of a sampled call's attempt; undefined where too many are traced, or none yet. */
  attempt(attempt: TracedAttempt): AttemptSpan | undefined {
    return this.#delivered.spend() ? this.#spans?.attempt(attempt) : undefined;
  }

  /** Sends what is left, as far as the collector takes it in time. */
  async stop(): Promise<void> {
    this.#spans = undefined;
    await flushed(this.#stopExport?.());
  }
}
