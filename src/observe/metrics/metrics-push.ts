import type { Logger } from "../logger.js";
import { flushed, loadExporter, type OtlpSource } from "../otlp.js";
import type { FaultLog } from "../recurring-faults.js";
import type { MetricsRegistry } from "./metrics-registry.js";

export interface MetricsPushSettings extends OtlpSource {
  /** Where metrics go: the URL of a collector's OTLP/HTTP metrics. */
  readonly url: string;
  /** How often, in milliseconds. */
  readonly intervalMs: number;
  readonly metrics: MetricsRegistry;
  readonly log: Logger;
  readonly faults: FaultLog;
}

/** Sends a node's metrics to a collector. Only a node that has somewhere to send them has one of these, and loads OpenTelemetry. */
export class MetricsPush {
  readonly #settings: MetricsPushSettings;
  #stopExport: (() => Promise<void>) | undefined;

  constructor(settings: MetricsPushSettings) {
    this.#settings = settings;
  }

  /** @throws ToolgateError INVALID_CONFIG where what sends metrics is not installed. */
  async start(): Promise<void> {
    const { url, intervalMs, log, faults, ...more } = this.#settings;
    const { exportMetrics } = await loadExporter(() => import("./export-metrics.js"), {
      ...{ signal: "Metrics", url, instead: "TOOLGATE_METRICS_PUSH=off" },
      packages: "@opentelemetry/sdk-metrics@2 @opentelemetry/exporter-metrics-otlp-http@0.223",
    });
    const onFailure = (error: unknown): void => faults.warn({ event: "metrics_not_sent", error }, intervalMs);
    this.#stopExport = exportMetrics({ ...more, url, intervalMs, onFailure });
    log.info({ event: "metrics_push_started", url, intervalMs });
  }

  /** Sends what they are now, as far as the collector takes it in time. Idempotent. */
  async stop(): Promise<void> {
    const stopExport = this.#stopExport;
    this.#stopExport = undefined;
    await flushed(stopExport?.());
  }
}
