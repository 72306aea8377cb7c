import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { otlpUrl } from "../../src/config/otlp-url.js";

const urlOf = (env: Readonly<Record<string, string>>) => otlpUrl("traces", parseConfig({ env }).traces);
const metricsUrlOf = (env: Readonly<Record<string, string>>) => otlpUrl("metrics", parseConfig({ env }).metricsPush);

test.each([
  [{}, undefined],
  [{ TOOLGATE_TRACES: "http://collector:4318" }, "http://collector:4318/v1/traces"],
  [{ TOOLGATE_TRACES: "http://collector:4318/" }, "http://collector:4318/v1/traces"],
  [{ TOOLGATE_TRACES: "https://collector/own/path" }, "https://collector/own/path"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }, "http://collector:4318/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/base/" }, "http://collector:4318/base/v1/traces"],
  [
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://t:1/x", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" },
    "http://t:1/x",
  ],
  [{ TOOLGATE_TRACES: "http://own:1", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, "http://own:1/v1/traces"],
  [{ TOOLGATE_TRACES: "off", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, undefined],
  [{ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, undefined],
  [{ OTEL_SDK_DISABLED: "True", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, undefined],
])("%j sends spans to %j", (env, url) => {
  expect(urlOf(env)).toBe(url);
});

test.each([
  [{}, undefined],
  [{ TOOLGATE_TRACES: "http://collector:4318" }, undefined],
  [{ TOOLGATE_METRICS_PUSH: "http://collector:4318" }, "http://collector:4318/v1/metrics"],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/base/" }, "http://collector:4318/base/v1/metrics"],
  [
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://m:1/x", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" },
    "http://m:1/x",
  ],
  [{ TOOLGATE_METRICS_PUSH: "off", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, undefined],
  [{ OTEL_METRICS_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, undefined],
])("%j sends metrics to %j", (env, url) => {
  expect(metricsUrlOf(env)).toBe(url);
});

test("each signal has the collector that its own setting names, or else OpenTelemetry's variables", () => {
  const env = { TOOLGATE_TRACES: "http://own:1", OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" };
  expect([urlOf(env), metricsUrlOf(env)]).toEqual(["http://own:1/v1/traces", "http://c:4318/v1/metrics"]);
});

test.each(["collector:4318", "ftp://collector", "http://user:secret@collector", "http://", "http://c/?a=1"])(
  "%j is refused",
  (traces) => {
    expect(() => urlOf({ TOOLGATE_TRACES: traces })).toThrow(/TOOLGATE_TRACES must be a URL/);
  },
);

test.each(["-1", "1.5", "half", "1e-3", "0.0000000001"])("no share is %j", (ratio) => {
  expect(() => parseConfig({ env: { TOOLGATE_TRACE_RATIO: ratio } })).toThrow(/TOOLGATE_TRACE_RATIO must be a share/);
});

test.each(["0", "1", "0.05", ".5", "1.0"])("a share is %j", (ratio) => {
  expect(Number(parseConfig({ env: { TOOLGATE_TRACE_RATIO: ratio } }).traceRatio)).toBe(Number(ratio));
});
