import { createHash } from "node:crypto";
import { invalidField } from "../identity/names.js";

/*
 * A page token names the last item of a page, not a count of items, so that a list which changes meanwhile neither
 * repeats nor skips what stayed. It is bound to the question: with another one it would point to nowhere.
 */

const VERSION = 1;
/** Tokens hold two names at most; what is longer never came from a node. */
const MAX_TOKEN_CHARACTERS = 1_024;

/** Where a page ended: texts and numbers, in the order that the list defines. */
export type PagePosition = readonly (string | number)[];

/** Makes the token for the page after a position. */
export function sealPageToken(question: unknown, position: PagePosition): string {
  return Buffer.from(JSON.stringify([VERSION, fingerprint(question), ...position]), "utf8").toString("base64url");
}

/**
 * Opens a token.
 *
 * @param shape the types of the position's parts.
 * @throws ToolgateError INVALID_REQUEST when it is not a token of this question.
 */
export function openPageToken<const Shape extends readonly ("string" | "number")[]>(
  token: string,
  question: unknown,
  shape: Shape,
): { [Index in keyof Shape]: Shape[Index] extends "string" ? string : number } {
  const [version, asked, ...position] = readToken(token);
  const fits = position.length === shape.length && position.every((part, index) => typeof part === shape[index]);
  if (version !== VERSION || !fits)
    throw invalidField("page_token", "must be the next_page_token of an earlier answer");
  if (asked !== fingerprint(question)) {
    throw invalidField("page_token", "belongs to another request; only page_size may change between pages");
  }
  // The types were compared with the shape just now.
  return position as { [Index in keyof Shape]: Shape[Index] extends "string" ? string : number };
}

function readToken(token: string): readonly unknown[] {
  if (token.length > MAX_TOKEN_CHARACTERS) return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString("utf8"));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function fingerprint(question: unknown): string {
  return createHash("sha256").update(JSON.stringify(question)).digest("base64url").slice(0, 12);
}
