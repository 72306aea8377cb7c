import type { ProviderCall__Output } from "../protocol/generated/toolgate/v1/ProviderCall.js";
import type { ProviderLogger } from "./provider.js";
import { LOG_LEVELS, type LogDelta, type LogLevel, type ToolLog } from "./tool-log.js";

/** Where lines go that must not be lost, of a provider without a logger. */
const STDERR: ProviderLogger = {
  info: () => {},
  warn: (fields, message) => console.error(`toolgate: ${message}`, fields),
  error: (fields, message) => console.error(`toolgate: ${message}`, fields),
};

/** The lines that a provider's tools log, and those about them. Payloads and results are in none that is made here. */
export class ProviderLog {
  readonly #toolset: string;
  readonly #logger: ProviderLogger;
  readonly #outputFrom: LogLevel | undefined;

  /**
   * @param logger standard error, for warnings and errors alone, when absent.
   * @param outputFrom the least level of lines that go to their call's output too; none do when absent.
   */
  constructor(toolset: string, logger: ProviderLogger | undefined, outputFrom: LogLevel | undefined) {
    this.#toolset = toolset;
    this.#logger = logger ?? STDERR;
    this.#outputFrom = outputFrom;
  }

  /** @param emit takes a line that goes to the call's output. */
  of(call: ProviderCall__Output, emit: (delta: LogDelta) => void): ToolLog {
    const write = (level: LogLevel) => (fields: object, message: string) => {
      this.#write(level, { ...fields, ...this.#ids(call) }, message);
      if (this.#outputFrom === undefined || LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.#outputFrom)) return;
      const about = Object.keys(fields).length === 0 ? {} : { fields };
      emit({ log: { level, message, ...about } });
    };
    return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  }

  /** A tool threw what is no ToolFailure: its stack is for the provider alone. */
  threw(call: ProviderCall__Output, error: unknown): void {
    this.#write("error", { ...this.#ids(call), err: error }, "the tool threw an error");
  }

  /** Something in a schema is ignored. */
  schemaWarning(tool: string, path: string, message: string): void {
    this.#write(
      "warn",
      { toolset: this.#toolset, tool, path },
      `schema of ${this.#toolset}/${tool}: ${path} ${message}`,
    );
  }

  #ids({ tool, callId, attempt, meta }: ProviderCall__Output): object {
    const { runId = "", toolCallId = "" } = meta ?? {};
    return {
      toolset: this.#toolset,
      tool,
      callId,
      attempt,
      ...(runId === "" ? {} : { runId }),
      ...(toolCallId === "" ? {} : { toolCallId }),
    };
  }

  /** A logger that fails must not end what it logs. One without a level gets the line at the next that it has. */
  #write(level: LogLevel, fields: object, message: string): void {
    const logger = this.#logger;
    try {
      if (level === "debug") logger.debug?.(fields, message);
      else if (level === "error" && logger.error !== undefined) logger.error(fields, message);
      else logger[level === "info" ? "info" : "warn"](fields, message);
    } catch {
      // the line is lost
    }
  }
}
