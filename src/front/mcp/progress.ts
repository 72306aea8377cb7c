import { parseJson } from "../../json/parse-json.js";
import type { Members } from "./message.js";
import type { Notification } from "./reply.js";

/** What a client tells the progress of its requests apart by. */
export type ProgressToken = string | number;

/** The longest message of a notification, in characters. */
const MAX_MESSAGE = 4_096;
const MAX_TOKEN_BYTES = 1_024;

/** The token of a request. @returns null for what is none */
export function readProgressToken(meta: Members): ProgressToken | undefined | null {
  const bytes = meta.get("progressToken");
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_TOKEN_BYTES) return null;
  const token: unknown = JSON.parse(bytes.toString("utf8"));
  return typeof token === "string" || Number.isSafeInteger(token) ? (token as ProgressToken) : null; // as just seen
}

/**
 * The output of a call as notifications of progress. Output that is a report of progress itself, as mounted servers make it, is handed on;
 * any other is counted, and is the message. Progress only ever grows
 * (https://modelcontextprotocol.io/specification/2026-07-28/basic/utilities/progress): what does not is left out.
 */
export class ProgressReports {
  readonly #token: ProgressToken;
  #last = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(token: ProgressToken) {
    this.#token = token;
  }

  /** @param data a piece of output, in JSON: bytes, or their Base64 */
  next(data: Uint8Array | string | undefined): Notification | undefined {
    const bytes = typeof data === "string" ? Buffer.from(data, "base64") : Buffer.from(data ?? []);
    const text = bytes.toString("utf8");
    const value: unknown = text === "" ? null : parseJson(text, "number");
    this.#count++;
    const report = isReport(value) ? value : { progress: this.#count, message: messageOf(value, text) };
    if (!(report.progress > this.#last)) return undefined;
    this.#last = report.progress;
    return { method: "notifications/progress", params: { ...report, progressToken: this.#token } };
  }
}

interface Report {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

const REPORTED = new Set(["progress", "total", "message"]);

function isReport(value: unknown): value is Report {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { progress, total, message } = value as Partial<Record<keyof Report, unknown>>;
  return (
    typeof progress === "number" &&
    (total === undefined || typeof total === "number") &&
    (message === undefined || typeof message === "string") &&
    Object.keys(value).every((key) => REPORTED.has(key))
  );
}

function messageOf(value: unknown, text: string): string {
  return (typeof value === "string" ? value : text).slice(0, MAX_MESSAGE);
}
