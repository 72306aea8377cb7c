import type { Environment } from "./environment.js";
import type { Sources } from "./settings.js";

/** What TOOLGATE_TRACES may be. A user and password have no place there: headers are OTEL_EXPORTER_OTLP_HEADERS. */
export const TRACES_PATTERN = "^$|^off$|^https?://[^\\s/?#@]+(/[^\\s?#]*)?$";
export const TRACES_RULE = 'must be a URL without a user, as in "http://127.0.0.1:4318", or off';

/** Where a collector takes traces, below its base: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request */
const TRACES_PATH = "/v1/traces";

/** The URL that spans are sent to; undefined where nothing is traced. A URL without a path is a collector's base. */
export function tracesUrl(setting: string): string | undefined {
  if (setting === "" || setting === "off") return undefined;
  const url = new URL(setting);
  if (url.pathname === "/") url.pathname = TRACES_PATH;
  return url.href;
}

/**
 * The same sources, with what OpenTelemetry's own variables name as a collector where nothing else is said:
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function withOpenTelemetry(sources: Sources): Sources {
  const { env, flags = {} } = sources;
  if (flags.traces !== undefined || (env.TOOLGATE_TRACES ?? "") !== "") return sources;
  const url = namedByOpenTelemetry(env);
  return url === undefined ? sources : { ...sources, env: { ...env, TOOLGATE_TRACES: url } };
}

function namedByOpenTelemetry(env: Environment): string | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none") return undefined;
  const own = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?.trim() ?? "";
  if (own !== "") return own;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT?.trim() ?? "";
  return base === "" ? undefined : base.replace(/\/*$/, TRACES_PATH);
}
