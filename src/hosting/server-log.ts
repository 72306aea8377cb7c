import { wholeText } from "../json/lone-surrogates.js";
import { TokenBucket } from "../limits/token-bucket.js";
import { LineSplitter } from "./line-splitter.js";

/** The longest line that is passed on, in characters. */
const MAX_LINE_CHARACTERS = 2_000;
/** Lines at once, and lines per second after that. */
const BURST = 200;
const PER_SECOND = 20;
/** How many of the last lines are kept to explain a death. */
const KEPT_LINES = 10;

/** Takes what an MCP server writes to its stderr, and passes on a bounded part of it, line by line. */
export class ServerLog {
  readonly #write: (line: string) => void;
  readonly #now: () => number;
  readonly #bucket: TokenBucket;
  readonly #last: string[] = [];
  #suppressed = 0;
  readonly #splitter: LineSplitter;

  constructor(write: (line: string) => void, now: () => number) {
    this.#write = write;
    this.#now = now;
    this.#bucket = new TokenBucket(BURST, PER_SECOND, now());
    this.#splitter = new LineSplitter(4 * MAX_LINE_CHARACTERS, {
      line: (bytes) => this.#take(bytes.toString("utf8")),
      oversized: (head, _tail, bytes) => this.#take(`${head.toString("utf8")}… (${bytes} bytes)`),
    });
  }

  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  end(): void {
    this.#splitter.end();
  }

  /** The last lines, oldest first. */
  get tail(): readonly string[] {
    return this.#last;
  }

  #take(text: string): void {
    const line = printable(text).trimEnd();
    if (line === "") return;
    this.#last.push(line);
    if (this.#last.length > KEPT_LINES) this.#last.shift();
    if (!this.#bucket.take(this.#now())) {
      this.#suppressed += 1;
      return;
    }
    if (this.#suppressed > 0) this.#write(`(${this.#suppressed} lines left out: more than ${PER_SECOND} a second)`);
    this.#suppressed = 0;
    this.#write(line);
  }
}

/** Makes text from a stranger safe for a terminal and a log: no control characters, no halves of characters, bounded. */
export function printable(text: string, maxCharacters: number = MAX_LINE_CHARACTERS): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const clean = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
  return wholeText(clean.length <= maxCharacters ? clean : `${clean.slice(0, maxCharacters)}…`);
}
