import { LRUCache } from "lru-cache";

/** How long an answer is given to others, in milliseconds: a health that ends by time may be reported this much too late. */
const SHARED_MS = 500;
/** About how many bytes all answers may have, as their messages; as objects they take some times as much. */
const MAX_BYTES = 16_777_216;

interface SharedAnswer {
  readonly answer: Promise<object>;
  /** What it was made from. */
  readonly source: unknown;
  readonly untilMs: number;
  readonly bytes: number;
}

/**
 * Makes an answer that many ask for at once only once: by the first request, for all that ask the same while what it was made from
 * is current.
 */
export class SharedAnswers {
  readonly #monotonicMs: () => number;
  readonly #answers = new LRUCache<string, SharedAnswer>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  });
  #purge: NodeJS.Timeout | undefined;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /**
   * @param question names the answer; the same one has the same type.
   * @param source what the answer is made from, by identity: another one makes another answer.
   * @param bytesOf about how large an answer is.
   * @returns an answer that must not be changed, for others have it too.
   */
  async get<Answer extends object>(
    question: string,
    source: unknown,
    make: () => Promise<Answer>,
    bytesOf: (answer: Answer) => number,
  ): Promise<Answer> {
    const known = this.#answers.get(question);
    if (known !== undefined && known.source === source && known.untilMs > this.#monotonicMs())
      return known.answer as Promise<Answer>; // of the same question
    const answer = make();
    const made: SharedAnswer = { answer, source, untilMs: this.#monotonicMs() + SHARED_MS, bytes: 1 };
    this.#answers.set(question, made);
    this.#purgeLater();
    try {
      const bytes = Math.max(1, bytesOf(await answer));
      if (this.#answers.peek(question) === made) this.#answers.set(question, { ...made, bytes });
    } catch {
      if (this.#answers.peek(question) === made) this.#answers.delete(question);
    }
    return answer;
  }

  /** Drops answers after the last request for them has gone. */
  #purgeLater(): void {
    this.#purge ??= setTimeout(() => {
      this.#purge = undefined;
      const nowMs = this.#monotonicMs();
      for (const [question, { untilMs }] of [...this.#answers.entries()])
        if (untilMs <= nowMs) this.#answers.delete(question);
      if (this.#answers.size > 0) this.#purgeLater();
    }, SHARED_MS).unref();
  }
}
