import type { Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import { type OtlpSource, resourceAttributes } from "../otlp.js";
import { SCOPE } from "./conventions.js";

/*
 * Sends spans to a collector by OTLP/HTTP. Loaded only by nodes that trace, since these packages are installed only where they are
 * wanted. What OpenTelemetry's own variables say of batches (OTEL_BSP_*), headers, timeouts and certificates (OTEL_EXPORTER_OTLP_*)
 * its packages read themselves.
 */

export interface SpanDestination extends OtlpSource {
  readonly url: string;
  /** A batch of spans was not taken; it is lost. */
  readonly onFailure: (error: unknown) => void;
}

/** Makes what records a node's spans; `stop` sends what is left. */
export function exportSpans({ url, onFailure, ...source }: SpanDestination): {
  readonly tracer: Tracer;
  readonly stop: () => Promise<void>;
} {
  const collector = new OTLPTraceExporter({ url });
  const exporter: SpanExporter = {
    export: (spans, done) =>
      collector.export(spans, (result) => {
        if (result.error !== undefined) onFailure(result.error);
        done(result);
      }),
    shutdown: () => collector.shutdown(),
    forceFlush: () => collector.forceFlush(),
  };
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(resourceAttributes(source)),
    // What is sampled is decided before a span is asked for.
    sampler: new AlwaysOnSampler(),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  return {
    tracer: provider.getTracer(SCOPE, source.version),
    stop: () => provider.shutdown().catch(() => {}), // what was not taken was said
  };
}
