import type { IncomingHttpHeaders } from "node:http";
import { arch, platform, release } from "node:os";
import type { Readable } from "node:stream";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { LogLevel, RootLogger } from "../../observe/logger.js";
import { formatFor, writeExposition } from "../../observe/metrics/exposition.js";
import type { MetricsRegistry } from "../../observe/metrics/metrics-registry.js";
import type { ShownSetting } from "../../observe/shown-config.js";
import { VERSION } from "../../version.js";
import type { NodeHealth } from "./node-health.js";
import type { OpsNeed } from "./ops-access.js";
import { Profiles } from "./profiles.js";

/** What a route is asked. */
export interface OpsRequest {
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Aborted when the caller has gone, or the node stops. */
  readonly signal: AbortSignal;
  /** Whether the caller may hear what this is needed for. */
  readonly allows: (need: OpsNeed) => Promise<boolean>;
}

/** What a route answers. */
export interface OpsAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Readable;
  /** What a browser or curl calls the file. */
  readonly file?: string;
}

/** One thing that the ops listener does. */
export interface OpsRoute {
  readonly needs: OpsNeed;
  handle(request: OpsRequest): Promise<OpsAnswer>;
}

export interface OpsRouteParts {
  readonly metrics: MetricsRegistry;
  readonly health: () => Promise<NodeHealth>;
  readonly log: RootLogger;
  /** What the node was told, without secrets. */
  readonly settings: () => readonly ShownSetting[];
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";
const LEVELS: readonly LogLevel[] = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
/** The longest profile, and the longest that a changed level can hold before it goes back by itself, in seconds. */
const MOST_PROFILE_S = 60;
const MOST_LEVEL_S = 86_400;

/** The routes by method and path; there are no others. */
export function opsRoutes({ metrics, health, log, settings }: OpsRouteParts): ReadonlyMap<string, OpsRoute> {
  const profiles = new Profiles();
  const configured = log.level;
  let reverting: NodeJS.Timeout | undefined;

  const setLevel = (level: LogLevel, seconds: number | undefined): void => {
    clearTimeout(reverting);
    const from = log.level;
    // Said at both levels, so that neither leaves a gap unexplained.
    log.info({ event: "log_level_changed", from, to: level, seconds });
    log.level = level;
    log.info({ event: "log_level_changed", from, to: level, seconds });
    if (seconds !== undefined) reverting = setTimeout(() => setLevel(configured, undefined), seconds * 1_000).unref();
  };
  const levelAnswer = (): OpsAnswer => ({ status: 200, type: TEXT, body: `${log.level}\n` });

  return new Map<string, OpsRoute>([
    [
      "GET /metrics",
      {
        needs: "metrics",
        async handle({ headers }) {
          const format = formatFor(headers.accept);
          return { status: 200, type: format.contentType, body: writeExposition(await metrics.collect(), format) };
        },
      },
    ],
    ["GET /livez", { needs: "nothing", handle: async () => ({ status: 200, type: TEXT, body: "ok\n" }) }],
    [
      "GET /readyz",
      {
        needs: "nothing",
        async handle() {
          const { ready } = await health();
          return { status: ready ? 200 : 503, type: TEXT, body: ready ? "ok\n" : "not ready\n" };
        },
      },
    ],
    [
      "GET /healthz",
      {
        needs: "nothing",
        async handle({ allows }) {
          const { ready, parts } = await health();
          const details = (await allows("metrics")) ? { version: VERSION, parts } : {};
          const body = `${JSON.stringify({ status: ready ? "ok" : "not ready", ...details })}\n`;
          return { status: ready ? 200 : 503, type: JSON_TYPE, body };
        },
      },
    ],
    [
      "GET /config",
      {
        needs: "operate",
        handle: async () => ({
          status: 200,
          type: JSON_TYPE,
          body: `${JSON.stringify({ version: VERSION, node: process.version, os: `${platform()} ${release()} ${arch()}`, settings: settings() })}\n`,
        }),
      },
    ],
    ["GET /loglevel", { needs: "operate", handle: async () => levelAnswer() }],
    [
      "PUT /loglevel",
      {
        needs: "operate",
        async handle({ body, query }) {
          const level = LEVELS.find((known) => known === body.trim());
          if (level === undefined)
            throw new ToolgateError("INVALID_REQUEST", `the body must be one of ${LEVELS.join(", ")}`);
          setLevel(level, query.has("seconds") ? secondsOf(query, MOST_LEVEL_S, 0) : undefined);
          return levelAnswer();
        },
      },
    ],
    [
      "GET /debug/cpu",
      {
        needs: "operate",
        async handle({ query, signal }) {
          const body = await profiles.cpu(1_000 * secondsOf(query, MOST_PROFILE_S, 10), signal);
          return { status: 200, type: JSON_TYPE, body, file: "toolgate.cpuprofile" };
        },
      },
    ],
    [
      "GET /debug/allocations",
      {
        needs: "operate",
        async handle({ query, signal }) {
          const body = await profiles.allocations(1_000 * secondsOf(query, MOST_PROFILE_S, 10), signal);
          return { status: 200, type: JSON_TYPE, body, file: "toolgate.heapprofile" };
        },
      },
    ],
    [
      "GET /debug/heap",
      {
        needs: "operate",
        async handle() {
          log.warn({ event: "heap_snapshot" });
          return { status: 200, type: JSON_TYPE, body: profiles.heap(), file: "toolgate.heapsnapshot" };
        },
      },
    ],
  ]);
}

/** The query's `seconds`, from one to `most`. @throws ToolgateError INVALID_REQUEST */
function secondsOf(query: URLSearchParams, most: number, unlessSaid: number): number {
  const text = query.get("seconds");
  if (text === null) return unlessSaid;
  const seconds = Number(text);
  if (!/^\d{1,6}$/.test(text) || seconds < 1 || seconds > most)
    throw new ToolgateError("INVALID_REQUEST", `seconds must be a whole number from 1 to ${most}`);
  return seconds;
}
