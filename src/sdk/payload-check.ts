import { MESSAGE_OVERHEAD_BYTES, SMALLEST_MESSAGE_BYTES } from "../config/message-limits.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { RegistryLimits } from "./registry-info.js";
import type { Timing } from "./timing.js";

/** A payload of this many bytes fits into a message of any registry. Most are smaller, and cost nothing here. */
const SURELY_FITS_BYTES = SMALLEST_MESSAGE_BYTES / 2;
/** How long what a node has said of its registry is relied on, in milliseconds: nodes may come back with other settings. */
const KNOWN_FOR_MS = 60_000;
/** What a node takes that is too old to tell: the default of its settings. */
const USUAL: PayloadLimits = { maxPayloadBytes: Number.POSITIVE_INFINITY, maxMessageBytes: 8 * 1_048_576 };

type PayloadLimits = Pick<RegistryLimits, "maxPayloadBytes" | "maxMessageBytes">;

/**
 * Refuses payloads that the registry does not take before they are sent: a message over a node's limit ends the session that
 * it comes on, for all of its calls.
 */
export class PayloadCheck {
  readonly #ask: () => Promise<PayloadLimits>;
  readonly #timing: Timing;
  #known: { readonly limits: Promise<PayloadLimits>; readonly atMs: number } | undefined;

  /** @param ask asks a node for its registry's limits. */
  constructor(ask: () => Promise<PayloadLimits>, timing: Timing) {
    this.#ask = ask;
    this.#timing = timing;
  }

  /**
   * Undefined when the payload fits for sure; else a promise that rejects when it does not.
   *
   * @throws ToolgateError PAYLOAD_TOO_LARGE, NODE_UNREACHABLE
   */
  fits(bytes: number): Promise<void> | undefined {
    return bytes <= SURELY_FITS_BYTES ? undefined : this.#check(bytes);
  }

  async #check(bytes: number): Promise<void> {
    const { maxPayloadBytes, maxMessageBytes } = await this.#limits();
    const most = Math.min(maxPayloadBytes, maxMessageBytes - MESSAGE_OVERHEAD_BYTES);
    if (bytes <= most) return;
    throw new ToolgateError("PAYLOAD_TOO_LARGE", `The payload has ${bytes} bytes; the registry takes at most ${most}.`);
  }

  #limits(): Promise<PayloadLimits> {
    const now = this.#timing.monotonicMs();
    if (this.#known !== undefined && now - this.#known.atMs < KNOWN_FOR_MS) return this.#known.limits;
    const limits = this.#ask().catch((error: unknown) => {
      this.#known = undefined;
      if (error instanceof ToolgateError && error.reason === "UNSUPPORTED") return USUAL;
      throw error;
    });
    this.#known = { limits, atMs: now };
    return limits;
  }
}
