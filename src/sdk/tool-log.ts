/** How much a line matters, least first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * What a tool logs with. A line goes to the provider's logger with the toolset, the tool and the call's ids; with `logOutput` of
 * `serveToolset` also to the call's output, as a LogDelta. What is logged is the tool's to choose: nothing is hidden here.
 *
 * @param fields what the line is about; the ids' own names are taken.
 */
export interface ToolLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A line of a tool's log in the output of its call. */
export interface LogDelta {
  readonly log: {
    readonly level: LogLevel;
    readonly message: string;
    /** What the tool said the line is about; absent when that is nothing, or has no JSON form. */
    readonly fields?: object;
  };
}

/** Whether a piece of a call's output is a line of the tool's log. */
export function isLogDelta(data: unknown): data is LogDelta {
  if (typeof data !== "object" || data === null || !("log" in data)) return false;
  const { log } = data;
  if (typeof log !== "object" || log === null || !("level" in log) || !("message" in log)) return false;
  return LOG_LEVELS.some((level) => level === log.level) && typeof log.message === "string";
}
