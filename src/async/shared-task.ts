/** One task for all that wait for it, which ends when the last of them has left. */
export class SharedTask<Answer> {
  readonly #unneeded = new AbortController();
  readonly #answer: Promise<Answer>;
  #waiting = 0;

  /** @param run begins at once; its signal is aborted when nothing waits for the answer any more. */
  constructor(run: (unneeded: AbortSignal) => Promise<Answer>) {
    this.#answer = run(this.#unneeded.signal);
    this.#answer.catch(() => {}); // those that wait hear of it
  }

  /** All that waited for it have left: it ends without an answer, and another one is needed. */
  get isAbandoned(): boolean {
    return this.#unneeded.signal.aborted;
  }

  /**
   * Waits for the answer.
   *
   * @throws what the task throws; the signal's reason when it aborts first.
   */
  async join(signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted();
    this.#waiting++;
    let onAbort = (): void => {};
    const left = new Promise<never>((_resolve, reject) => {
      onAbort = () => {
        if (--this.#waiting === 0) this.#unneeded.abort(signal?.reason);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([this.#answer, left]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
