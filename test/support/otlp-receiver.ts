import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { until } from "./until.js";

/** A span as it came, with what it says of its process. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty where it has none. */
  readonly parentSpanId: string;
  readonly name: string;
  /** As OTLP numbers them: internal 1, server 2, client 3, producer 4, consumer 5. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A metric as it came, with what it says of its process. */
export interface ReceivedMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, unknown>>;
    readonly startMs: number;
    /** Of a histogram, how many observations there were. */
    readonly value: number;
    readonly sum?: number;
    /** How many observations fell between the bound before and each bound, and above all bounds. */
    readonly buckets?: readonly number[];
    readonly bounds?: readonly number[];
  }[];
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A collector of traces and metrics by OTLP/HTTP in JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
export interface OtlpReceiver {
  /** A collector's base, as TOOLGATE_TRACES and TOOLGATE_METRICS_PUSH take it. */
  readonly url: string;
  /** All spans that have come, in order. */
  readonly spans: readonly ReceivedSpan[];
  /** What came of metrics, in order: each time all of a process. */
  readonly metrics: readonly (readonly ReceivedMetric[])[];
  /** All bodies of traces that have come, as they came. */
  readonly bodies: readonly string[];
  /** Waits until a trace has so many spans, and returns them. */
  trace(traceId: string, spans: number): Promise<readonly ReceivedSpan[]>;
  /** The same for the trace that has a span with this attribute. */
  traceWith(attribute: string, value: unknown, spans: number): Promise<readonly ReceivedSpan[]>;
  stop(): Promise<void>;
}

interface WireValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly boolValue?: boolean;
  readonly doubleValue?: number;
}
type WireAttributes = readonly { readonly key: string; readonly value: WireValue }[];
interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: WireAttributes;
  readonly events?: readonly { readonly name: string; readonly attributes?: WireAttributes }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number };
}
interface WireRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: WireAttributes };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

interface WirePoint {
  readonly attributes?: WireAttributes;
  readonly startTimeUnixNano: string;
  readonly asDouble?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly bucketCounts?: readonly number[];
  readonly explicitBounds?: readonly number[];
}
interface WirePoints {
  readonly dataPoints: readonly WirePoint[];
  /** 2: what it adds up to since its start. */
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
}
interface WireMetrics {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: WireAttributes };
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string;
        readonly unit?: string;
        readonly sum?: WirePoints;
        readonly gauge?: WirePoints;
        readonly histogram?: WirePoints;
      }[];
    }[];
  }[];
}

const attributesOf = (wire: WireAttributes = []) =>
  Object.fromEntries(
    wire.map(({ key, value: { stringValue, intValue, boolValue, doubleValue } }) => [
      key,
      stringValue ?? boolValue ?? doubleValue ?? Number(intValue),
    ]),
  );

function spansOf(body: string): ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(body) as WireRequest; // the exporter's own form
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId ?? "",
        name: span.name,
        kind: span.kind,
        startMs: Number(span.startTimeUnixNano) / 1e6,
        endMs: Number(span.endTimeUnixNano) / 1e6,
        attributes: attributesOf(span.attributes),
        events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: attributesOf(attributes) })),
        links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
        status: span.status?.code ?? 0,
        resource: attributesOf(resource.attributes),
      })),
    ),
  );
}

function metricsOf(body: string): ReceivedMetric[] {
  const { resourceMetrics } = JSON.parse(body) as WireMetrics; // the exporter's own form
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.map(({ name, unit = "", sum, gauge, histogram }) => {
        const { dataPoints, aggregationTemporality, isMonotonic } = sum ?? gauge ?? histogram ?? { dataPoints: [] };
        if (gauge === undefined && aggregationTemporality !== 2) throw new Error(`${name} is not cumulative`);
        if (sum !== undefined && isMonotonic !== true) throw new Error(`${name} is no counter`);
        return {
          ...{ name, unit },
          kind: histogram !== undefined ? "histogram" : gauge !== undefined ? "gauge" : "counter",
          points: dataPoints.map((point) => ({
            attributes: attributesOf(point.attributes),
            startMs: Number(point.startTimeUnixNano) / 1e6,
            value: Number(point.asDouble ?? point.count),
            ...(histogram === undefined
              ? {}
              : { sum: point.sum ?? 0, buckets: point.bucketCounts ?? [], bounds: point.explicitBounds ?? [] }),
          })),
          resource: attributesOf(resource.attributes),
        } as const;
      }),
    ),
  );
}

/** Starts a collector on a free port of the loopback interface. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const metrics: ReceivedMetric[][] = [];
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.method === "POST" && request.url === "/v1/traces") {
      bodies.push(body);
      spans.push(...spansOf(body));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    } else if (request.method === "POST" && request.url === "/v1/metrics") {
      metrics.push(metricsOf(body));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    } else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // it listens on a port
  const enough = (what: string, count: number, ofIt: (span: ReceivedSpan) => boolean) =>
    until(`${count} spans of ${what}`, () => {
      const found = spans.filter(ofIt);
      if (found.length >= count) return found;
      throw new Error(`there are ${found.length}: ${found.map(({ name }) => name).join(", ")}`);
    });
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    metrics,
    bodies,
    trace: (traceId, count) => enough(`the trace ${traceId}`, count, (span) => span.traceId === traceId),
    traceWith: async (attribute, value, count) => {
      const one = await until(`a span with ${attribute} ${value}`, () =>
        spans.find(({ attributes }) => attributes[attribute] === value),
      );
      return enough(`the trace with ${attribute} ${value}`, count, ({ traceId }) => traceId === one.traceId);
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
