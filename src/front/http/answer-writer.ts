import type { ServerResponse } from "node:http";
import type { HeldForStream } from "../listening/held-bytes.js";
import { PIECE_BYTES } from "../listening/held-bytes.js";

/** What every answer has, whatever it is: nothing of it is a page, and nothing of it is kept by what is in between. */
export const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** How often a silent stream of events shows a sign of life, in milliseconds: what is in between drops connections that are silent. */
const SIGN_OF_LIFE_MS = 15_000;
const SIGN_OF_LIFE = ": \n\n";

/**
 * Up to this a body goes out along with the head, in bytes: Node joins the two where both are text, and one write to the socket costs a
 * small answer less than two that are gathered.
 */
const ONE_WRITE_BYTES = 4_096;

/** Writes what is answered to one request, and counts what its peer has not taken of it. */
export class AnswerWriter {
  readonly #response: ServerResponse;
  readonly #held: HeldForStream | undefined;
  readonly #more: Readonly<Record<string, string>>;
  #alive: NodeJS.Timeout | undefined;
  #over = false;

  /** @param more headers of all of the request's answers */
  constructor(response: ServerResponse, held: HeldForStream | undefined, more: Readonly<Record<string, string>>) {
    this.#response = response;
    this.#held = held;
    this.#more = more;
  }

  /** Whether an answer has begun. */
  get begun(): boolean {
    return this.#response.headersSent;
  }

  /** Whether the connection has gone. */
  get gone(): boolean {
    return this.#response.destroyed;
  }

  /** Writes a whole answer, in pieces: that a peer has taken one is progress. */
  async whole(
    status: number,
    headers: Readonly<Record<string, string>>,
    contentType: string,
    body: Buffer | undefined,
  ): Promise<void> {
    const length = body?.length ?? 0;
    this.#response.writeHead(status, {
      ...SECURITY_HEADERS,
      ...this.#more,
      ...headers,
      ...(body === undefined ? {} : { "content-type": contentType }),
      ...(status === 204 ? {} : { "content-length": String(length) }),
    });
    if (body === undefined || length <= PIECE_BYTES) {
      this.#count(length);
      if (body === undefined || length > ONE_WRITE_BYTES) this.#response.end(body);
      else this.#response.end(body.toString("latin1"), "latin1"); // each byte a character, and back
      return;
    }
    for (let from = 0; from < length && !this.#response.destroyed; from += PIECE_BYTES)
      await this.#write(body.subarray(from, from + PIECE_BYTES));
    this.#response.end();
  }

  /** Begins a stream of events. */
  beginEvents(): void {
    this.#response.writeHead(200, {
      ...SECURITY_HEADERS,
      ...this.#more,
      "content-type": "text/event-stream",
      "x-accel-buffering": "no", // nginx would gather them
    });
    this.#response.flushHeaders();
    this.#alive = setInterval(() => this.#signOfLife(), SIGN_OF_LIFE_MS).unref();
    this.#response.once("close", () => clearInterval(this.#alive));
  }

  /** Writes an event, and resolves when its peer has taken it or is gone. */
  event(id: string | undefined, event: string, data: string): Promise<void> {
    // A line break is white space in JSON, and begins another line of data here: a reader puts them together again.
    const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
    const text = `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\n${lines.join("")}\n`;
    return this.#write(Buffer.from(text));
  }

  endEvents(): void {
    clearInterval(this.#alive);
    if (!this.#over) this.#response.end();
    this.#over = true;
  }

  /** The peer takes nothing: the connection is of no more use. */
  cut(): void {
    this.#response.destroy();
  }

  #signOfLife(): void {
    if (this.#response.writableNeedDrain) return; // what waits is one
    this.#response.write(SIGN_OF_LIFE);
  }

  #count(bytes: number): void {
    this.#held?.sent();
    this.#held?.count(bytes);
  }

  #write(bytes: Buffer): Promise<void> {
    if (this.#response.destroyed || this.#over) return Promise.resolve();
    this.#count(bytes.length);
    return new Promise((resolve) => {
      const done = (): void => {
        this.#response.off("close", done);
        this.#held?.count(-bytes.length);
        this.#held?.taken();
        resolve();
      };
      this.#response.once("close", done); // nothing calls back for a write that a closed connection has left
      this.#response.write(bytes, done);
    });
  }
}
