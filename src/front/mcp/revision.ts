import type { IncomingHttpHeaders } from "node:http";
import { INVALID_PARAMS, type Members, type Message, readObject, textOf } from "./message.js";
import { type Reply, rpcError } from "./reply.js";

/*
 * Which revision of MCP a request is written in (https://modelcontextprotocol.io/specification/versioning). Each request says so by
 * itself: since 2026-07-28 in its `_meta`, before that by the header that follows `initialize`.
 */

/** The revision whose requests stand alone: no session, no opening. */
export const MODERN = "2026-07-28";
/** Those before it, newest first. */
export const LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26"] as const;
export const SUPPORTED: readonly string[] = [MODERN, ...LEGACY];

export type LegacyRevision = (typeof LEGACY)[number];
export type Revision = typeof MODERN | LegacyRevision;

/** What a request says of itself beside its parameters. */
export interface Envelope {
  readonly revision: Revision;
  readonly meta: Members;
  /** What its client can do, as it says in each modern request; nothing is known of a legacy one. */
  readonly capabilities: Members;
}

const PREFIX = "io.modelcontextprotocol/";
export const META = {
  version: `${PREFIX}protocolVersion`,
  capabilities: `${PREFIX}clientCapabilities`,
  serverInfo: `${PREFIX}serverInfo`,
  subscription: `${PREFIX}subscriptionId`,
} as const;

/** Codes of the specification. */
const HEADER_MISMATCH = -32_020;
export const MISSING_CAPABILITY = -32_021;
const UNSUPPORTED_VERSION = -32_022;

/** A legacy request without the header is of the first revision that had this transport. */
const UNSAID: LegacyRevision = "2025-03-26";
const NONE: Members = new Map();

/**
 * Reads what a request says of itself, and refuses one whose headers say something else: what stands in between may have gone by them.
 *
 * @returns the refusal, where it is one
 */
export function readEnvelope({ method, params }: Message, headers: IncomingHttpHeaders): Envelope | Reply {
  const meta = readObject(params.get("_meta"));
  if (typeof meta === "string") return rpcError(INVALID_PARAMS, `params/_meta ${meta}.`, { status: 400 });
  const said = headerOf(headers, "mcp-protocol-version");
  const version = meta?.get(META.version);
  if (version === undefined && said !== MODERN) return legacyEnvelope(method, said, meta ?? NONE);
  const revision = textOf(version);
  if (revision === undefined) return missing(META.version, "a text");
  if (!isModern(revision)) return (said && differs("mcp-protocol-version", said, revision)) || unsupported(revision);
  const capabilities = readObject(meta?.get(META.capabilities));
  if (typeof capabilities !== "object") return missing(META.capabilities, "an object");
  const refusal =
    differs("mcp-protocol-version", said, revision) ??
    differs("mcp-method", headerOf(headers, "mcp-method"), method) ??
    nameMismatch(method, params, headers);
  return refusal ?? { revision, meta: meta ?? NONE, capabilities };
}

/** The revision that an `initialize` gets: the one that it asks for, or the newest that has one. */
export function negotiated(asked: string | undefined): LegacyRevision {
  return LEGACY.find((revision) => revision === asked) ?? LEGACY[0];
}

/** Whether a revision is the one whose requests stand alone. */
export function isModern(revision: string): revision is typeof MODERN {
  return revision === MODERN;
}

function legacyEnvelope(method: string, said: string | undefined, meta: Members): Envelope | Reply {
  const revision = said === undefined || method === "initialize" ? UNSAID : LEGACY.find((known) => known === said);
  return revision === undefined ? unsupported(said ?? "") : { revision, meta, capabilities: NONE };
}

/** The parameter that a header repeats. */
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** What a request names that its headers repeat. */
export function nameOf(method: string, params: Members): string | undefined {
  const parameter = Object.hasOwn(NAMED_BY, method) ? NAMED_BY[method] : undefined;
  return parameter === undefined ? undefined : textOf(params.get(parameter));
}

function nameMismatch(method: string, params: Members, headers: IncomingHttpHeaders): Reply | undefined {
  const name = nameOf(method, params);
  return name === undefined ? undefined : differs("mcp-name", headerOf(headers, "mcp-name"), name);
}

/** The refusal of a request whose header says something else than its body; nothing where they say the same. */
export function differs(header: string, sent: string | undefined, wanted: string): Reply | undefined {
  if (sent === undefined) return mismatch(header, "is missing");
  const value = decodeHeader(sent);
  if (value === undefined) return mismatch(header, "is malformed");
  return value === wanted ? undefined : mismatch(header, "says something else than the body");
}

export function mismatch(header: string, why: string): Reply {
  return rpcError(HEADER_MISMATCH, `The header ${header} ${why}.`, { status: 400 });
}

const ENCODED = /^=\?base64\?(.*)\?=$/i;

const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;

/** A text as a header says it: as Base64 where it could not stand there as it is. */
export function encodeHeader(text: string): string {
  return PLAIN.test(text) && !ENCODED.test(text) ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
}

/** What a header says: what is not printable ASCII comes as Base64, whole. @returns nothing for what is malformed */
export function decodeHeader(value: string): string | undefined {
  const encoded = ENCODED.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.toString("base64") !== encoded) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Node joins a header that is there twice, by a comma: it then is equal to nothing. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value.trim() : undefined;
}

function missing(field: string, what: string): Reply {
  return rpcError(INVALID_PARAMS, `params/_meta needs ${field}, ${what}.`, { status: 400 });
}

function unsupported(requested: string): Reply {
  return rpcError(UNSUPPORTED_VERSION, "This revision of MCP is not served here.", {
    status: 400,
    data: { supported: SUPPORTED, requested: requested.slice(0, 64) },
  });
}
