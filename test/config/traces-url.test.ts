import { expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { tracesUrl } from "../../src/config/traces-url.js";

const urlOf = (env: Readonly<Record<string, string>>) => tracesUrl(parseConfig({ env }).traces);

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
