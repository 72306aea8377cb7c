import pino from "pino";
import { LogFile, type LogFileOptions } from "./log-file.js";
import { LogOutput } from "./log-output.js";
import { loggable } from "./loggable.js";
import type { SecretValues } from "./secret-values.js";

/** The least important lines that are written; `silent` writes none. */
export type LogLevel = "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";

/** One event: a word for programs, and what it was about. Never payloads, results, tokens or passwords. */
export interface LogFields {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Writes one line per event. What is written is bounded and redacted by `loggable`. */
export interface Logger {
  debug(fields: LogFields, message?: string): void;
  info(fields: LogFields, message?: string): void;
  warn(fields: LogFields, message?: string): void;
  error(fields: LogFields, message?: string): void;
  /** A logger whose every line has these fields too; a line's own field wins. */
  child(fields: Readonly<Record<string, unknown>>): Logger;
}

/** Where lines go: one string with its line feed at a time. */
export interface LogSink {
  write(line: string): void;
}

/** The levels of lines. */
type LineLevel = "debug" | "info" | "warn" | "error";

/** What became of lines since the logger was made. */
export interface LogCounters {
  /** Written, by level; what a slow reader left is among them. */
  readonly lines: Readonly<Record<LineLevel, number>>;
  /** Not written, since nothing read them in time. */
  readonly dropped: number;
}

/** A logger, its level and its end. */
export interface RootLogger extends Logger {
  /** The least important lines that are written; it can be changed, and holds for its children too. */
  level: LogLevel;
  readonly counters: LogCounters;
  /** Resolves when all lines have been handed to the system, or after a second; idempotent. Later lines are dropped. */
  stop(): Promise<void>;
}

/** A logger that writes nothing. */
export const SILENT_LOGGER: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => SILENT_LOGGER,
};

/**
 * A logger of JSON lines, to standard output unless said otherwise, and to a file besides where one is named.
 *
 * @throws ToolgateError INVALID_CONFIG when the file cannot be written to
 *
 * Writing never blocks and its buffer is bounded, see `LogOutput`; what is dropped of it is counted in a line.
 */
export function createLogger(options: {
  readonly level: LogLevel;
  /** Fields of every line, such as the node's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** 1 for standard output, 2 for standard error, or a sink of the caller's. */
  readonly to?: 1 | 2 | LogSink;
  /** A file that has the same lines. */
  readonly file?: LogFileOptions | undefined;
  /** What no line may have, by value. */
  readonly secrets?: SecretValues;
}): RootLogger {
  const { level, fields = {}, to = 1, file, secrets } = options;
  const counters = { lines: { debug: 0, info: 0, warn: 0, error: 0 }, dropped: 0 };
  const dropped = (count: number): void => {
    counters.dropped += count;
    log.warn({ event: "log_lines_dropped", count });
  };
  const destinations = [
    ...(typeof to === "number" ? [new LogOutput(to, dropped)] : []),
    ...(file === undefined ? [] : [new LogOutput(new LogFile(file), dropped)]),
  ];
  const sinks: readonly LogSink[] = typeof to === "number" ? destinations : [to, ...destinations];
  const [only] = sinks;
  const output = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Nothing else gets at the values: `loggable` has already made them plain.
      serializers: { err: (value: unknown) => value },
    },
    sinks.length === 1 && only !== undefined ? only : toAll(sinks),
  );
  let stopped = false;

  const write = (at: LineLevel, bound: object, own: LogFields, message: string | undefined) => {
    if (stopped || !output.isLevelEnabled(at)) return;
    counters.lines[at]++;
    output[at](loggable({ ...bound, ...own, ...(message === undefined ? {} : { message }) }, secrets));
  };
  const bind = (bound: Readonly<Record<string, unknown>>): Logger => ({
    debug: (own, message) => write("debug", bound, own, message),
    info: (own, message) => write("info", bound, own, message),
    warn: (own, message) => write("warn", bound, own, message),
    error: (own, message) => write("error", bound, own, message),
    child: (more) => bind({ ...bound, ...more }),
  });
  const log = bind(fields);

  let stopping: Promise<void> | undefined;
  return {
    ...log,
    counters,
    get level() {
      return output.level as LogLevel; // it was given as one
    },
    set level(to) {
      output.level = to;
    },
    stop: () => {
      stopping ??= end();
      return stopping;
    },
  };

  async function end(): Promise<void> {
    stopped = true;
    await Promise.all(destinations.map((destination) => destination.end()));
  }
}

/** Writes each line to several. */
function toAll(sinks: readonly LogSink[]): LogSink {
  return {
    write(line) {
      for (const sink of sinks) sink.write(line);
    },
  };
}
