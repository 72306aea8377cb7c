import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Logger } from "../logger.js";
import type { FaultLog } from "../recurring-faults.js";
import type { AttemptSpan, CallSpan, TracedAttempt, TracedCall } from "./node-spans.js";
import { isSampled } from "./trace-context.js";

export interface NodeTracesSettings {
  /** Where spans go: the URL of a collector's OTLP/HTTP traces. */
  readonly url: string;
  /** Of calls that come without trace context, the share that is traced: 0 to 1. */
  readonly ratio: number;
  /** The most calls that the node admits, and the most that it delivers, as traced ones in a second. */
  readonly maxPerSecond: number;
  readonly version: string;
  readonly node: string;
  readonly registry: string;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  /** Unix milliseconds by Redis's clock, as far as they are known. */
  readonly redisNowMs: () => number;
  readonly log: Logger;
  readonly faults: FaultLog;
}

/** How long a node that stops waits for the collector to take what is left, in milliseconds. */
const FLUSH_MS = 3_000;
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
    try {
      const { exportSpans } = await import("./export-spans.js");
      const { NodeSpans } = await import("./node-spans.js");
      const { tracer, stop } = exportSpans({ url, version, node, registry, onFailure });
      this.#stopExport = stop;
      this.#spans = new NodeSpans(tracer, redisNowMs);
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error; // Node's own code; absent on others
      throw new ToolgateError(
        "INVALID_CONFIG",
        `Traces are to go to ${url}, and what sends them is not installed. Install it:
    npm install @opentelemetry/sdk-trace-base@2 @opentelemetry/exporter-trace-otlp-http@0.223
  or trace nothing: TOOLGATE_TRACES=off`,
        { cause: error },
      );
    }
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
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    await Promise.race([this.#stopExport?.(), late]);
    clearTimeout(timer);
  }
}
