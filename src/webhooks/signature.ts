import { createHmac, hash } from "node:crypto";

/*
 * Messages are signed as Standard Webhooks has it (https://www.standardwebhooks.com), so that receivers verify them with its libraries:
 * the headers webhook-id, webhook-timestamp (Unix seconds) and webhook-signature, a list of `v1,` and HMAC-SHA256 in Base64 over
 * `<id>.<timestamp>.<body>`. Written here: it is a line of node:crypto, and the library of that name brings hashes in JavaScript.
 */

/** What a secret begins with in writing; what follows is its bytes in Base64. */
const PREFIX = "whsec_";
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** A secret's length, in bytes. */
const LEAST = 24;
const MOST = 64;

/** What a message is signed with. */
export type SigningSecret = Buffer;

/** Reads a secret; undefined for what is none: `whsec_` and 24 to 64 bytes in Base64. */
export function parseSigningSecret(text: string): SigningSecret | undefined {
  const encoded = text.startsWith(PREFIX) ? text.slice(PREFIX.length) : "";
  if (!BASE64.test(encoded)) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.length >= LEAST && bytes.length <= MOST ? bytes : undefined;
}

/** The id of what a webhook is told of a call: the same in each attempt, so that a receiver tells a repeat by it. */
export function messageId(callId: string, webhook: string): string {
  return `msg_${hash("sha256", `${callId} ${webhook}`, "base64url").slice(0, 32)}`;
}

/**
 * The headers that prove a message.
 *
 * @param nowMs when it is sent, in Unix milliseconds
 * @param secrets at least one; the message has a signature by each
 */
export function signedHeaders(
  id: string,
  nowMs: number,
  body: Buffer,
  secrets: readonly SigningSecret[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  const signatures = secrets.map(
    (secret) => `v1,${createHmac("sha256", secret).update(`${id}.${timestamp}.`).update(body).digest("base64")}`,
  );
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}
