import { createHmac, hash } from "node:crypto";

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** Up to this many bytes the payload is copied behind the key: two hashes at once take a third of the time of an HMAC object's. */
const COPIED_BYTES = 4_096;

/**
 * Digests of calls' arguments: HMAC-SHA-256 over the payload's bytes, as `<key id>.<base64url>`. Equal arguments have equal digests as long
 * as the key is the same; without the key, none can be guessed.
 */
export class ArgumentsDigest {
  readonly #keyId: string;
  readonly #key: Buffer;
  readonly #inner = Buffer.alloc(BLOCK_BYTES + COPIED_BYTES);
  readonly #outer = Buffer.alloc(BLOCK_BYTES + HASH_BYTES);

  /** @param key of 32 bytes. */
  constructor({ keyId, key }: { readonly keyId: string; readonly key: Buffer }) {
    if (key.length !== HASH_BYTES) throw new RangeError("a key of another length");
    this.#keyId = keyId;
    this.#key = key;
    // HMAC as RFC 2104 has it.
    for (let at = 0; at < BLOCK_BYTES; at++) {
      this.#inner[at] = (key[at] ?? 0) ^ 0x36;
      this.#outer[at] = (key[at] ?? 0) ^ 0x5c;
    }
  }

  /** The digest of a payload, as one word. */
  of(payload: Buffer): string {
    return `${this.#keyId}.${this.#mac(payload)}`;
  }

  #mac(payload: Buffer): string {
    if (payload.length > COPIED_BYTES) return createHmac("sha256", this.#key).update(payload).digest("base64url");
    payload.copy(this.#inner, BLOCK_BYTES);
    const inner = hash("sha256", this.#inner.subarray(0, BLOCK_BYTES + payload.length), "binary");
    this.#outer.write(inner, BLOCK_BYTES, "latin1");
    return hash("sha256", this.#outer, "base64url");
  }
}
