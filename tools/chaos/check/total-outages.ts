import type { Outage } from "./evidence.js";

/** A stretch of time. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** When no gateway could do anything: Redis was away, or every gateway was out. In order, none touching another. */
export function totalOutages(outages: readonly Outage[], gateways: number): Span[] {
  const store = outages.filter(({ who }) => who === "store");
  const others = outages.filter(({ who }) => who !== "store");
  const edges = [...new Set(others.flatMap(({ fromMs, toMs }) => [fromMs, toMs]))].sort((a, b) => a - b);
  const spans: Span[] = store.map(({ fromMs, toMs }) => ({ fromMs, toMs }));
  for (const [index, fromMs] of edges.entries()) {
    const toMs = edges[index + 1];
    if (toMs === undefined) break;
    const out = new Set(others.filter((one) => one.fromMs <= fromMs && one.toMs >= toMs).map(({ who }) => who));
    if (out.size >= gateways) spans.push({ fromMs, toMs });
  }
  return merged(spans);
}

/** Whether two stretches share a moment. */
export function overlap(a: Span, b: Span): boolean {
  return a.fromMs <= b.toMs && b.fromMs <= a.toMs;
}

function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = result.at(-1);
    if (last !== undefined && span.fromMs <= last.toMs) {
      result[result.length - 1] = { fromMs: last.fromMs, toMs: Math.max(last.toMs, span.toMs) };
    } else result.push(span);
  }
  return result;
}
