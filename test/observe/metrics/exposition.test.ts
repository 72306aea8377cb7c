import { expect, test } from "vitest";
import { formatFor, writeExposition } from "../../../src/observe/metrics/exposition.js";
import { MetricsRegistry } from "../../../src/observe/metrics/metrics-registry.js";

async function exposed(accept: string): Promise<string> {
  const registry = new MetricsRegistry();
  registry.counters("toolgate_refusals_total")("call", "FORBIDDEN").add(2);
  registry.read("toolgate_node_info", () => [[['a"b', "back\\slash", "line\nfeed"], 1]]);
  registry.read("toolgate_node_ready", () => 1);
  registry.read("toolgate_held_bytes", () => undefined);
  const seconds = registry.histograms("toolgate_redis_script_seconds", [0.5, 1])("ADMIT");
  for (const value of [0.25, 1, 7]) seconds.observe(value);
  seconds.exemplify({ traceId: "0af7651916cd43dd8448eb211c80319c", value: 7, atMs: 1_700_000_000_000 });
  return writeExposition(await registry.collect(), formatFor(accept));
}

test("OpenMetrics names counters without their suffix, has units and exemplars, and says where it ends", async () => {
  expect(await exposed("application/openmetrics-text; version=1.0.0,text/plain;q=0.5")).toBe(`\
# HELP toolgate_refusals What the node refused, by what it would have been: calls, registrations, changes, logins (no verb).
# TYPE toolgate_refusals counter
toolgate_refusals_total{verb="call",reason="FORBIDDEN"} 2
# HELP toolgate_node_info Always 1; says which node this is.
# TYPE toolgate_node_info gauge
toolgate_node_info{node="a\\"b",registry="back\\\\slash",version="line\\nfeed"} 1
# HELP toolgate_node_ready 1 while the node takes requests, as /readyz says.
# TYPE toolgate_node_ready gauge
toolgate_node_ready 1
# HELP toolgate_redis_script_seconds Round trips of scripts, from sending to the answer.
# TYPE toolgate_redis_script_seconds histogram
# UNIT toolgate_redis_script_seconds seconds
toolgate_redis_script_seconds_bucket{script="ADMIT",le="0.5"} 1
toolgate_redis_script_seconds_bucket{script="ADMIT",le="1.0"} 2
toolgate_redis_script_seconds_bucket{script="ADMIT",le="+Inf"} 3 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 7 1700000000.000
toolgate_redis_script_seconds_sum{script="ADMIT"} 8.25
toolgate_redis_script_seconds_count{script="ADMIT"} 3
# EOF
`);
});

test("Prometheus's own format has neither", async () => {
  const text = await exposed("*/*");
  expect(text).toContain("# TYPE toolgate_refusals_total counter\n");
  expect(text).not.toMatch(/trace_id|# UNIT|# EOF/);
});

test.each([
  [undefined, "prometheus"],
  ["text/plain", "prometheus"],
  ["application/openmetrics-text;version=1.0.0;q=0.9, text/plain;q=0.1", "openmetrics"],
  ["application/openmetrics-text;q=0, text/plain", "prometheus"],
])("what accepts %s gets %s", (accept, kind) => {
  expect(formatFor(accept).kind).toBe(kind);
});

test("a metric has one source", () => {
  const registry = new MetricsRegistry();
  registry.read("toolgate_node_ready", () => 1);
  expect(() => registry.read("toolgate_node_ready", () => 0)).toThrow("toolgate_node_ready has a source already");
});
