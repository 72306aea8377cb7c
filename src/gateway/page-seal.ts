import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { invalidField } from "../identity/names.js";

const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** The first byte of a sealed token; a plain one begins with the bracket of a list. */
const FORMAT = 2;
/** What is longer never came from a node. */
const MAX_TOKEN_CHARACTERS = 2_048;

/**
 * Seals page tokens of lists from which callers are not shown everything: a place in such a list is told by what stands there, and that
 * may be something that they may not see. Every node opens what another has sealed.
 */
export class PageSeal {
  readonly #registryKey: () => Promise<Buffer>;
  readonly #randomBytes: (size: number) => Buffer;
  #key: Promise<Buffer> | undefined;

  /** @param registryKey the registry's own key: the same on every node; asked for when it is first needed, and again where that failed */
  constructor(registryKey: () => Promise<Buffer>, randomBytes: (size: number) => Buffer) {
    this.#registryKey = registryKey;
    this.#randomBytes = randomBytes;
  }

  /** @throws ToolgateError STORE_UNAVAILABLE */
  async seal(token: string): Promise<string> {
    const iv = this.#randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, await this.#derived(), iv);
    const text = Buffer.concat([cipher.update(token, "utf8"), cipher.final()]);
    return Buffer.concat([Buffer.of(FORMAT), iv, cipher.getAuthTag(), text]).toString("base64url");
  }

  /**
   * Opens a sealed token; a plain one, of an earlier version's node, is returned as it is.
   *
   * @throws ToolgateError INVALID_REQUEST where no node of this registry has sealed it; STORE_UNAVAILABLE
   */
  async open(sealed: string): Promise<string> {
    if (sealed.length > MAX_TOKEN_CHARACTERS) throw notSealed();
    const bytes = Buffer.from(sealed, "base64url");
    if (bytes[0] !== FORMAT) return sealed;
    if (bytes.length < 1 + IV_BYTES + TAG_BYTES) throw notSealed();
    const [iv, tag, text] = [
      bytes.subarray(1, 1 + IV_BYTES),
      bytes.subarray(1 + IV_BYTES, 1 + IV_BYTES + TAG_BYTES),
      bytes.subarray(1 + IV_BYTES + TAG_BYTES),
    ];
    const decipher = createDecipheriv(CIPHER, await this.#derived(), iv, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(tag);
    try {
      return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
    } catch {
      throw notSealed();
    }
  }

  #derived(): Promise<Buffer> {
    this.#key ??= this.#registryKey().then(
      (key) => Buffer.from(hkdfSync("sha256", key, Buffer.alloc(0), "toolgate page tokens", KEY_BYTES)),
      (error: unknown) => {
        this.#key = undefined;
        throw error;
      },
    );
    return this.#key;
  }
}

function notSealed(): ReturnType<typeof invalidField> {
  return invalidField("page_token", "must be the next_page_token of an earlier answer");
}
