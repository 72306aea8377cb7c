import type { Environment } from "./environment.js";
import type { Sources } from "./settings.js";

/** What TOOLGATE_TRACES and its like may be. A user and password have no place there: headers are OTEL_EXPORTER_OTLP_HEADERS. */
export const OTLP_PATTERN = "^$|^off$|^https?://[^\\s/?#@]+(/[^\\s?#]*)?$";
export const OTLP_RULE = 'must be a URL without a user, as in "http://127.0.0.1:4318", or off';

/** What a node sends to collectors, each with a setting of its own. */
export type OtlpSignal = "traces" | "metrics";

const SETTINGS = {
  traces: { key: "traces", variable: "TOOLGATE_TRACES" },
  metrics: { key: "metricsPush", variable: "TOOLGATE_METRICS_PUSH" },
} as const satisfies Record<OtlpSignal, { readonly key: string; readonly variable: string }>;

/** Where a collector takes a signal, below its base: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request */
const pathOf = (signal: OtlpSignal): string => `/v1/${signal}`;

/** The URL that a signal is sent to; undefined where it is not sent. A URL without a path is a collector's base. */
export function otlpUrl(signal: OtlpSignal, setting: string): string | undefined {
  if (setting === "" || setting === "off") return undefined;
  const url = new URL(setting);
  if (url.pathname === "/") url.pathname = pathOf(signal);
  return url.href;
}

/**
 * The same sources, with what OpenTelemetry's own variables name as a collector where nothing else is said:
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function withOpenTelemetry(sources: Sources): Sources {
  const { env, flags = {} } = sources;
  const named: Record<string, string> = {};
  for (const signal of ["traces", "metrics"] as const) {
    const { key, variable } = SETTINGS[signal];
    if (flags[key] !== undefined || (env[variable] ?? "") !== "") continue;
    const url = namedByOpenTelemetry(signal, env);
    if (url !== undefined) named[variable] = url;
  }
  return { ...sources, env: { ...env, ...named } };
}

function namedByOpenTelemetry(signal: OtlpSignal, env: Environment): string | undefined {
  const word = signal.toUpperCase();
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env[`OTEL_${word}_EXPORTER`] === "none") return undefined;
  const own = env[`OTEL_EXPORTER_OTLP_${word}_ENDPOINT`]?.trim() ?? "";
  if (own !== "") return own;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() ?? "";
  return base === "" ? undefined : base.replace(/\/*$/, pathOf(signal));
}
