import { TokenBucket } from "../limits/token-bucket.js";
import { printable } from "./server-log.js";

/** How important a message is, as the mount's log has it. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The levels of MCP (those of RFC 5424), each as the nearest one of the mount's log. */
const LEVELS: ReadonlyMap<unknown, LogLevel> = new Map([
  ["debug", "debug"],
  ["info", "info"],
  ["notice", "info"],
  ["warning", "warn"],
  ["error", "error"],
  ["critical", "error"],
  ["alert", "error"],
  ["emergency", "error"],
]);

/** Messages at once, and messages per second after that. */
const BURST = 200;
const PER_SECOND = 20;
/** The longest message that is passed on, in characters. */
const MAX_CHARACTERS = 2_000;

/** Takes what an MCP server logs by `notifications/message`, and passes on a bounded part of it. */
export class ServerMessages {
  readonly #write: (level: LogLevel, message: string) => void;
  readonly #now: () => number;
  readonly #bucket: TokenBucket;
  #suppressed = 0;

  constructor(write: (level: LogLevel, message: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
    this.#bucket = new TokenBucket(BURST, PER_SECOND, now());
  }

  /** Takes the parameters of one notification: `level`, `logger` and `data`, which is any JSON. */
  take({ level, logger, data }: { readonly [key: string]: unknown }): void {
    if (!this.#bucket.take(this.#now())) {
      this.#suppressed += 1;
      return;
    }
    if (this.#suppressed > 0) {
      this.#write("info", `(${this.#suppressed} messages left out: more than ${PER_SECOND} a second)`);
      this.#suppressed = 0;
    }
    const message = textOf(data).slice(0, 2 * MAX_CHARACTERS);
    const source = typeof logger === "string" && logger !== "" ? `${printable(logger, 100)}: ` : "";
    this.#write(LEVELS.get(level) ?? "info", printable(`${source}${message}`, MAX_CHARACTERS));
  }
}

function textOf(data: unknown): string {
  if (typeof data === "string") return data;
  try {
    return JSON.stringify(data) ?? "";
  } catch {
    return "(data that nests too deeply to be shown)"; // JSON.parse takes more levels than JSON.stringify
  }
}
