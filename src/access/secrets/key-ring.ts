import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { ToolgateError } from "../../errors/toolgate-error.js";

/*
 * A key ring is a file with a key on each line: an id, a space, and 32 random bytes in base64url or base64; what begins with # is a
 * comment. The first key is the one that seals and signs; the others open and verify what earlier ones did. To rotate, put a new line on
 * top, on every node; take a line away when nothing is sealed by its key any more.
 *
 * No key is used as it is: each purpose has its own, derived by HKDF-SHA-256.
 */

const MAX_FILE_BYTES = 65_536;
const MAX_KEYS = 64;
const KEY_BYTES = 32;
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/;
const KEY_TEXT = /^[A-Za-z0-9_+/-]{43}=?$/;

const SEALED_FORMAT = "1";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A code over data, and the key that made it. */
export interface Signature {
  readonly keyId: string;
  /** HMAC-SHA-256 in base64url. */
  readonly mac: string;
}

/** A secret that was sealed, or why it cannot be had. */
export type OpenedSecret =
  | { readonly kind: "opened"; readonly secret: Buffer }
  | { readonly kind: "unreadable"; readonly why: string };

/** Keys of a registry that are not in Redis. It never shows one. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: string;
  readonly #randomBytes: (size: number) => Buffer;
  /** By purpose and key. */
  readonly #derived = new Map<string, Buffer>();

  /** @param keys by id, the newest first; at least one, each of 32 bytes. */
  constructor(keys: ReadonlyMap<string, Buffer>, randomBytes: (size: number) => Buffer) {
    const [current] = keys.keys();
    if (current === undefined) throw new RangeError("a key ring without keys");
    this.#keys = keys;
    this.#current = current;
    this.#randomBytes = randomBytes;
  }

  /** The key that seals and signs now. */
  get currentId(): string {
    return this.#current;
  }

  /**
   * Encrypts a secret by AES-256-GCM: `1.<key id>.<nonce>.<what is sealed, and its tag>`, in base64url.
   *
   * @param context what it is for, such as the document that has it: it opens with the same one only.
   */
  seal(secret: Buffer, context: string): string {
    const nonce = this.#randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#keyFor("seal", this.#current), nonce);
    cipher.setAAD(associated(this.#current, context));
    const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
    return `${SEALED_FORMAT}.${this.#current}.${nonce.toString("base64url")}.${sealed.toString("base64url")}`;
  }

  /**
   * Decrypts what `seal` made, with any key of the ring. Unreadable is what was sealed with a key that is not in it, was changed, or was
   * sealed for something else.
   */
  open(text: string, context: string): OpenedSecret {
    const [format, keyId = "", nonce = "", sealed = "", ...rest] = text.split(".");
    if (format !== SEALED_FORMAT || rest.length > 0 || !KEY_ID.test(keyId)) return unreadable("it is not of this form");
    if (!this.#keys.has(keyId)) return unreadable(`the key ring has no key "${keyId}"`);
    const [nonceBytes, bytes] = [Buffer.from(nonce, "base64url"), Buffer.from(sealed, "base64url")];
    if (nonceBytes.length !== NONCE_BYTES || bytes.length < TAG_BYTES) return unreadable("it is not of this form");
    const decipher = createDecipheriv("aes-256-gcm", this.#keyFor("seal", keyId), nonceBytes, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(associated(keyId, context));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    try {
      const opened = decipher.update(bytes.subarray(0, bytes.length - TAG_BYTES));
      return { kind: "opened", secret: Buffer.concat([opened, decipher.final()]) };
    } catch {
      return unreadable("it was changed, or sealed for something else");
    }
  }

  /** Whether something is sealed with another key than the newest: then it is to be sealed anew. */
  isOutdated(text: string): boolean {
    return text.split(".")[1] !== this.#current;
  }

  /** Signs data with the newest key. */
  sign(purpose: string, data: Buffer | string): Signature {
    return { keyId: this.#current, mac: this.#mac(purpose, this.#current, data).toString("base64url") };
  }

  /** Whether data has this signature; `unknown key` where the ring has not that key. */
  verify(purpose: string, data: Buffer | string, { keyId, mac }: Signature): "valid" | "invalid" | "unknown key" {
    if (!this.#keys.has(keyId)) return "unknown key";
    const [expected, given] = [this.#mac(purpose, keyId, data), Buffer.from(mac, "base64url")];
    return given.length === expected.length && timingSafeEqual(given, expected) ? "valid" : "invalid";
  }

  /** The newest key, for one purpose. */
  derive(purpose: string): { readonly keyId: string; readonly key: Buffer } {
    return { keyId: this.#current, key: this.#keyFor(purpose, this.#current) };
  }

  #mac(purpose: string, keyId: string, data: Buffer | string): Buffer {
    return createHmac("sha256", this.#keyFor(purpose, keyId)).update(data).digest();
  }

  #keyFor(purpose: string, keyId: string): Buffer {
    const name = `${keyId} ${purpose}`;
    let key = this.#derived.get(name);
    if (key === undefined) {
      const material = this.#keys.get(keyId);
      if (material === undefined) throw new RangeError("a key that is not in the ring");
      key = Buffer.from(hkdfSync("sha256", material, Buffer.alloc(0), `toolgate ${purpose}`, KEY_BYTES));
      this.#derived.set(name, key);
    }
    return key;
  }
}

/**
 * Reads the text of a key ring.
 *
 * @throws ToolgateError INVALID_CONFIG, naming the line and never what is on it
 */
export function parseKeyRing(text: string, randomBytes: (size: number) => Buffer): KeyRing {
  const keys = new Map<string, Buffer>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [id = "", key = "", ...rest] = line.trim().split(/\s+/);
    const fault = faultOf(id, key, rest.length > 0, keys);
    if (fault !== undefined) throw invalid(`line ${index + 1} of the key ring ${fault}`);
    keys.set(id, Buffer.from(key, "base64"));
  }
  if (keys.size === 0) throw invalid("the key ring has no key");
  return new KeyRing(keys, randomBytes);
}

function faultOf(id: string, key: string, more: boolean, keys: ReadonlyMap<string, Buffer>): string | undefined {
  if (more || !KEY_ID.test(id) || !KEY_TEXT.test(key)) {
    return "must be an id of at most 32 letters, digits, underscores and dashes, a space, and 32 bytes in base64";
  }
  if (keys.has(id)) return "has the id of another line";
  if (keys.size === MAX_KEYS) return `is over the limit of ${MAX_KEYS} keys`;
  return undefined;
}

/** Reads a key ring's file. @throws ToolgateError INVALID_CONFIG */
export function readKeyRing(file: string, randomBytes: (size: number) => Buffer): KeyRing {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // what fs throws
    throw invalid(`the key ring "${file}" cannot be read: ${code ?? "unknown error"}`);
  }
  if (text.length > MAX_FILE_BYTES) throw invalid(`the key ring "${file}" is over ${MAX_FILE_BYTES} bytes`);
  return parseKeyRing(text, randomBytes);
}

const associated = (keyId: string, context: string): Buffer =>
  Buffer.from(`${SEALED_FORMAT} ${keyId} ${context}`, "utf8");

function invalid(message: string): ToolgateError {
  return new ToolgateError("INVALID_CONFIG", message);
}

function unreadable(why: string): OpenedSecret {
  return { kind: "unreadable", why };
}
