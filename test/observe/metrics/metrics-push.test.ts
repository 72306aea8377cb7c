import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "../../../src/observe/logger.js";
import { MetricsPush } from "../../../src/observe/metrics/metrics-push.js";
import { MetricsRegistry } from "../../../src/observe/metrics/metrics-registry.js";
import { startToolgate } from "../../cmd/run-toolgate.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { type OtlpReceiver, startOtlpReceiver } from "../../support/otlp-receiver.js";
import { until } from "../../support/until.js";

expectNoLeaks();

let collector: OtlpReceiver;
let faults: object[];
beforeEach(async () => {
  collector = await startOtlpReceiver();
  faults = [];
});
afterEach(() => collector.stop());

async function started(metrics: MetricsRegistry, path = "/v1/metrics", intervalMs = 3_600_000): Promise<MetricsPush> {
  const push = new MetricsPush({
    ...{ url: `${collector.url}${path}`, intervalMs, metrics },
    ...{ version: "1.2.3", node: "n-1", registry: "default" },
    log: createLogger({ level: "silent" }),
    faults: { warn: (fields) => void faults.push(fields) },
  });
  await push.start();
  return push;
}

test("counters, gauges and histograms come as such, with their units, from the start of the process", async () => {
  const metrics = new MetricsRegistry();
  const refusals = metrics.counters("toolgate_refusals_total")("call", "FORBIDDEN");
  metrics.read("toolgate_held_bytes", () => 12);
  metrics.read("toolgate_node_ready", () => undefined);
  const seconds = metrics.histograms("toolgate_redis_script_seconds", [0.5, 1])("ADMIT");
  for (const value of [0.25, 1, 7]) seconds.observe(value);
  const push = await started(metrics);
  // What is counted before the end is sent at the end.
  refusals.add(3);
  await push.stop();
  await push.stop();
  expect(collector.metrics).toHaveLength(1);
  const [batch = []] = collector.metrics;
  const startMs = expect.closeTo(performance.timeOrigin, 0);
  expect(batch.filter(({ points }) => points.length > 0)).toEqual(
    [
      {
        ...{ name: "toolgate_refusals_total", kind: "counter", unit: "" },
        points: [{ attributes: { verb: "call", reason: "FORBIDDEN" }, startMs, value: 3 }],
      },
      {
        ...{ name: "toolgate_redis_script_seconds", kind: "histogram", unit: "s" },
        points: [
          {
            attributes: { script: "ADMIT" },
            ...{ startMs, value: 3, sum: 8.25, buckets: [1, 1, 1], bounds: [0.5, 1] },
          },
        ],
      },
      {
        ...{ name: "toolgate_held_bytes", kind: "gauge", unit: "By" },
        points: [{ attributes: {}, startMs, value: 12 }],
      },
    ].map((metric) => ({
      ...metric,
      resource: expect.objectContaining({
        "service.name": "toolgate",
        "service.namespace": "default",
        "service.instance.id": "n-1",
        "service.version": "1.2.3",
      }),
    })),
  );
  expect(faults).toEqual([]);
});

test("they are sent again and again", async () => {
  const push = await started(new MetricsRegistry(), "/v1/metrics", 1_000);
  await until("they have come twice", () => collector.metrics.length >= 2);
  await push.stop();
});

test("what a collector does not take is a fault, and keeps nobody from stopping", async () => {
  const push = await started(new MetricsRegistry(), "/elsewhere");
  await push.stop();
  expect(faults).toMatchObject([{ event: "metrics_not_sent", error: expect.any(Error) }]);
});

test("a node that lacks what sends metrics does not start, and says how to install it", async () => {
  const absent = `export async function resolve(specifier, context, next) {
    if (!specifier.startsWith("@opentelemetry/sdk-metrics")) return next(specifier, context);
    throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  }`;
  const register = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(absent)}");`;
  const env = {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(register)}`,
    TOOLGATE_METRICS_PUSH: collector.url,
    REDIS_URL: "redis://127.0.0.1:1",
  };
  const { code, stderr } = await startToolgate(["serve", "--listen", "127.0.0.1:0"], { env }).ended;
  expect(code).toBe(2);
  expect(stderr).toContain("npm install @opentelemetry/sdk-metrics@2 @opentelemetry/exporter-metrics-otlp-http@0.223");
  expect(stderr).toContain("TOOLGATE_METRICS_PUSH=off");
});
