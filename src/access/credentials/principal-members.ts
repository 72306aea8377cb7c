import type { BodyReader } from "../../documents/body-reader.js";

/** The most roles that a document gives, and the most attributes. */
export const MAX_ROLES = 32;
const MAX_ATTRIBUTES = 32;
const MAX_ATTRIBUTE = 256;

/** What a principal's id may be where an administrator chooses it; a role's name likewise. */
export const PRINCIPAL_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const NAME_RULE = "must be letters, digits, dots, underscores and dashes, begin with a letter or digit, at most 128";

/** The attributes of a principal of which nothing is said. */
const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({});

/** Reads a text that must match a pattern. @param rule what is expected, as "must be …" */
export function readMatch(reader: BodyReader, value: unknown, pointer: string, pattern: RegExp, rule: string): string {
  if (typeof value === "string" && pattern.test(value)) return value;
  reader.add(pointer, rule);
  return "";
}

/** Reads the id of a principal, or the name of a role. */
export function readName(reader: BodyReader, value: unknown, pointer: string): string {
  return readMatch(reader, value, pointer, PRINCIPAL_ID, NAME_RULE);
}

/**
 * Reads a list of roles; an empty one gives a principal that may do nothing. Whether there are such roles is asked when they are used:
 * one that is gone gives nothing.
 */
export function readRoles(reader: BodyReader, value: unknown, pointer: string): readonly string[] {
  return reader.list(value, pointer, { most: MAX_ROLES }).map(([role, place]) => readName(reader, role, place));
}

/** Reads what is said of a principal besides, for conditions: texts by name. Absent, it is nothing. */
export function readAttributes(reader: BodyReader, value: unknown, pointer: string): Readonly<Record<string, string>> {
  if (value === undefined) return NO_ATTRIBUTES;
  const entries = reader.entries(value, pointer);
  if (entries.length > MAX_ATTRIBUTES) reader.add(pointer, `must have at most ${MAX_ATTRIBUTES} members`);
  const read: Record<string, string> = Object.create(null); // so that no name means more than itself
  for (const [name, one] of entries.slice(0, MAX_ATTRIBUTES)) {
    if (!PRINCIPAL_ID.test(name)) reader.add(pointer, `has a member whose name ${NAME_RULE}`);
    else read[name] = reader.text(one, `${pointer}/${name}`, MAX_ATTRIBUTE);
  }
  return read;
}

/** Reads milliseconds since 1970. */
export function readInstant(reader: BodyReader, value: unknown, pointer: string): number {
  return reader.integer(value, pointer, 0, Number.MAX_SAFE_INTEGER);
}

/** A content without one of its members; what is no object is left as it is. */
export function without(body: unknown, name: string): unknown {
  if (!isObject(body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([key]) => key !== name));
}

/**
 * A content with one of its members as a former content has it, where it lacks it; else the content itself. The members stand in the order of
 * the former one, so that what was shown and not edited is the same to the byte.
 */
export function withMember(body: unknown, former: unknown, name: string): unknown {
  if (!isObject(body) || !isObject(former) || Object.hasOwn(body, name) || !Object.hasOwn(former, name)) return body;
  const members = new Map(
    Object.entries(former).flatMap(([key, value]) => {
      if (key === name) return [[key, value] as const];
      return Object.hasOwn(body, key) ? [[key, body[key]] as const] : [];
    }),
  );
  for (const [key, value] of Object.entries(body)) members.set(key, value);
  return Object.fromEntries(members);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
