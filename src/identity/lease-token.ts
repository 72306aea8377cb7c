import { createHash } from "node:crypto";

declare const brand: unique symbol;

/** What is kept of a lease token: enough to recognise it, and not enough to use it. */
export type LeaseTokenHash = string & { readonly [brand]: "LeaseTokenHash" };

/**
 * Hashes a lease token, so that a reader of Redis cannot act as its provider.
 *
 * @param token as `Register` made it: 192 random bits. Such a secret cannot be guessed, so it needs neither salt nor a slow hash.
 * @returns its SHA-256 in base64url, 43 characters.
 */
export function hashLeaseToken(token: string): LeaseTokenHash {
  return createHash("sha256").update(token).digest("base64url") as LeaseTokenHash; // made here only
}
