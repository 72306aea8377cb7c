import { once } from "node:events";
import pino from "pino";
import { loggable } from "./loggable.js";

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

/** A logger and its end. */
export interface RootLogger extends Logger {
  /** Resolves when all lines have been handed to the system, or after a second; idempotent. Later lines are dropped. */
  stop(): Promise<void>;
}

/** The most text that waits for a slow reader, in bytes; what comes on top is dropped, and counted in a line. */
const MAX_BUFFERED_BYTES = 1_048_576;
const STOP_WAIT_MS = 1_000;

/** A logger that writes nothing. */
export const SILENT_LOGGER: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => SILENT_LOGGER,
};

/**
 * A logger of JSON lines, to standard output unless said otherwise.
 *
 * Writing never blocks and its buffer is bounded, so neither a slow nor a stopped reader can stall or fill the process.
 * What is buffered is flushed when the process exits.
 */
export function createLogger(options: {
  readonly level: LogLevel;
  /** Fields of every line, such as the node's name. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** 1 for standard output, 2 for standard error, or a sink of the caller's. */
  readonly to?: 1 | 2 | LogSink;
}): RootLogger {
  const { level, fields = {}, to = 1 } = options;
  const destination = typeof to === "number" ? bufferedOutput(to) : undefined;
  const output = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Nothing else gets at the values: `loggable` has already made them plain.
      serializers: { err: (value: unknown) => value },
    },
    destination ?? (to as LogSink), // not a number on this side of the question above
  );
  let stopped = false;

  const write = (
    at: "debug" | "info" | "warn" | "error",
    bound: object,
    own: LogFields,
    message: string | undefined,
  ) => {
    if (stopped || !output.isLevelEnabled(at)) return;
    output[at](loggable({ ...bound, ...own, ...(message === undefined ? {} : { message }) }));
  };
  const bind = (bound: Readonly<Record<string, unknown>>): Logger => ({
    debug: (own, message) => write("debug", bound, own, message),
    info: (own, message) => write("info", bound, own, message),
    warn: (own, message) => write("warn", bound, own, message),
    error: (own, message) => write("error", bound, own, message),
    child: (more) => bind({ ...bound, ...more }),
  });
  const log = bind(fields);

  let dropped = 0;
  destination?.on("drop", () => dropped++);
  destination?.on("drain", () => {
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    log.warn({ event: "log_lines_dropped", count });
  });

  let stopping: Promise<void> | undefined;
  return {
    ...log,
    stop: () => {
      stopping ??= end();
      return stopping;
    },
  };

  async function end(): Promise<void> {
    stopped = true;
    if (destination === undefined) return;
    const closed = once(destination, "close", { signal: AbortSignal.timeout(STOP_WAIT_MS) });
    destination.end();
    await closed.catch(() => {}); // nobody reads: the rest of the lines has no one to go to
  }
}

/**
 * pino's own output, with its buffer bounded. It is flushed at exit by pino, survives a reader that went away, and its
 * `minLength` of 0 means that a line does not wait for others.
 */
function bufferedOutput(fd: 1 | 2) {
  return pino.destination({ dest: fd, sync: false, minLength: 0, maxLength: MAX_BUFFERED_BYTES });
}
