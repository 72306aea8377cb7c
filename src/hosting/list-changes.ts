import { type Deferred, deferred } from "../async/deferred.js";

/** Servers that load plugins announce each of them: the list is read so long after the first, in milliseconds. */
const FIRST_MS = 250;
const MOST_MS = 30_000;
/** After so long without an announcement the next one counts as the first again, in milliseconds. */
const QUIET_MS = 60_000;

/**
 * When to read a server's list of tools again. Each reading may make a new contract, and a new epoch, for the whole cluster; so
 * the more readings there were while announcements keep coming, the longer the next one is put off, from 0.25 s, doubled each
 * time, to 30 s. An announcement always has a reading after it, so that the last one counts.
 */
export class ListChanges {
  readonly #now: () => number;
  #due: Deferred<void> = deferred();
  #timer: NodeJS.Timeout | undefined;
  #inARow = 0;
  #announcedAtMs = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Resolves when the list is to be read. */
  get due(): Promise<void> {
    return this.#due.promise;
  }

  /** The server says that its tools have changed, or those that it has could not be registered. */
  announce(): void {
    const nowMs = this.#now();
    if (nowMs - this.#announcedAtMs >= QUIET_MS) this.#inARow = 0;
    this.#announcedAtMs = nowMs;
    if (this.#timer !== undefined) return; // that reading is still to come
    const delayMs = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(this.#inARow, 16));
    this.#inARow += 1;
    const due = this.#due;
    this.#timer = setTimeout(() => due.resolve(), delayMs);
  }

  /** The list is read now: what is announced from here on is another change. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = deferred();
  }
}
