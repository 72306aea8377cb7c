import { type HrTime, ValueType } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type MetricData,
  type MetricProducer,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { type OtlpSource, resourceAttributes } from "../otlp.js";
import type { Histogram } from "./histogram.js";
import type { MetricFamily, MetricsRegistry, Point } from "./metrics-registry.js";

/*
 * Sends metrics to a collector by OTLP/HTTP. Loaded only by nodes that do, since these packages are installed only where they are wanted.
 * What OpenTelemetry's own variables say of headers, timeouts, compression and certificates (OTEL_EXPORTER_OTLP_*) its packages read
 * themselves.
 *
 * The node's own registry is the source, by the bridge that the specification has for such
 * (https://opentelemetry.io/docs/specs/otel/metrics/sdk/#metricproducer): so names, labels, their budget and values are those of a scrape.
 */

export interface MetricDestination extends OtlpSource {
  readonly url: string;
  /** How often, in milliseconds. */
  readonly intervalMs: number;
  readonly metrics: MetricsRegistry;
  /** Metrics were not taken; later ones say the same and more. */
  readonly onFailure: (error: unknown) => void;
}

/** The instrumentation scope of all metrics. */
const SCOPE = "toolgate";
/** How long one sending may take, in milliseconds; no longer than until the next one. */
const SEND_WITHIN_MS = 30_000;
/** Units as OpenTelemetry writes them (https://ucum.org), by the last word of a metric's name. */
const UNITS: Readonly<Record<string, string>> = { seconds: "s", bytes: "By" };

/** Sends metrics from now on; what is returned sends them once more, and ends it. */
export function exportMetrics({
  url,
  intervalMs,
  metrics,
  onFailure,
  ...source
}: MetricDestination): () => Promise<void> {
  const collector = new OTLPMetricExporter({ url });
  const exporter: PushMetricExporter = {
    export: (batch, done) =>
      collector.export(batch, (result) => {
        if (result.error !== undefined) onFailure(result.error);
        done(result);
      }),
    shutdown: () => collector.shutdown(),
    forceFlush: () => collector.forceFlush(),
  };
  const provider = new MeterProvider({
    resource: resourceFromAttributes(resourceAttributes(source)),
    readers: [
      new PeriodicExportingMetricReader({
        exporter,
        exportIntervalMillis: intervalMs,
        exportTimeoutMillis: Math.min(SEND_WITHIN_MS, intervalMs),
        metricProducers: [producerOf(metrics, source.version)],
      }),
    ],
  });
  return () => provider.shutdown().catch(() => {}); // what was not taken was said
}

function producerOf(metrics: MetricsRegistry, version: string): MetricProducer {
  // All that a node counts, it counts from its start.
  const startTime = toHrTime(performance.timeOrigin);
  const resource = resourceFromAttributes({}); // the provider's stands for it
  return {
    async collect() {
      const families = await metrics.collect();
      const times = { startTime, endTime: toHrTime(Date.now()) };
      const scopeMetrics = [
        { scope: { name: SCOPE, version }, metrics: families.map((family) => toMetric(family, times)) },
      ];
      return { resourceMetrics: { resource, scopeMetrics }, errors: [] };
    },
  };
}

interface Times {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

function toMetric({ name, declaration, points }: MetricFamily, times: Times): MetricData {
  const unit = UNITS[/_([a-z]+?)(?:_total)?$/.exec(name)?.[1] ?? ""] ?? "";
  const common = {
    descriptor: { name, description: declaration.help, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const about = ({ labels }: Point) => ({
    ...times,
    attributes: Object.fromEntries(declaration.labels.map((label, place) => [label, labels[place] ?? ""])),
  });
  if (declaration.kind === "histogram") {
    const dataPoints = points.flatMap((point) =>
      "histogram" in point ? [{ ...about(point), value: toHistogram(point.histogram) }] : [],
    );
    return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints };
  }
  const dataPoints = points.flatMap((point) => ("value" in point ? [{ ...about(point), value: point.value }] : []));
  return declaration.kind === "counter"
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
}

function toHistogram({ bounds, counts, count, sum }: Histogram) {
  return { buckets: { boundaries: [...bounds], counts: [...counts] }, count, sum };
}

/** Seconds and nanoseconds. */
function toHrTime(unixMs: number): HrTime {
  const seconds = Math.floor(unixMs / 1_000);
  return [seconds, Math.round((unixMs - seconds * 1_000) * 1e6)];
}
