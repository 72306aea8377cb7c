/** What stands in the place of a secret. */
const HIDDEN = "[hidden]";
/** Shorter texts are no secrets, and stand in other words; longer ones are found by how they begin. */
const SHORTEST = 8;
const LONGEST = 512;
/** The most values that are known at once; the oldest is forgotten. */
const MOST_VALUES = 256;

/** Credentials by their form: API keys and session tokens, JWTs, and what follows the name of an authentication scheme. */
const FORMS =
  /tg_(key|session)_([a-z0-9]{12})_[0-9A-Za-z_]+|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|(Bearer|Basic)(?: |%20)+[\w.~+/=-]{8,}/g;

/**
 * The secrets that a process was given or made, by value, and the forms of those that pass through it: none reaches a log line, whatever
 * text it stands in. The number of values and their lengths are bounded.
 */
export class SecretValues {
  readonly #values = new Set<string>();

  /** The longest text that a value can take. */
  static readonly longest: number = LONGEST;

  /** Hides a value from now on; of a very long one its beginning. */
  add(value: string): void {
    const known = value.slice(0, LONGEST);
    if (known.length < SHORTEST || this.#values.has(known)) return;
    const [oldest] = this.#values;
    if (this.#values.size >= MOST_VALUES && oldest !== undefined) this.#values.delete(oldest);
    this.#values.add(known);
  }

  /** A text without secrets. The id of a key is none. */
  redact(text: string): string {
    let redacted = text.replace(FORMS, (_whole, kind?: string, id?: string, scheme?: string) =>
      kind !== undefined ? `tg_${kind}_${id}_${HIDDEN}` : scheme !== undefined ? `${scheme} ${HIDDEN}` : HIDDEN,
    );
    for (const value of this.#values) {
      if (redacted.includes(value)) redacted = redacted.replaceAll(value, HIDDEN);
    }
    return redacted;
  }
}
