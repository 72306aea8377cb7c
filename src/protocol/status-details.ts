import { Metadata, status } from "@grpc/grpc-js";
import { ERROR_CODES, type ErrorReason, type Executed, isErrorReason } from "../errors/codes.js";
import { ToolgateError, type Violation } from "../errors/toolgate-error.js";
import { loadProtocol } from "./load.js";

/**
 * The one way out of, and the one way back into, the process for errors: a ToolgateError becomes a gRPC status with
 * `google.rpc` details in the trailer `grpc-status-details-bin`, and back.
 *
 * Both the message and the details travel in HTTP/2 headers, for which common peers grant 8 KiB in all: details of
 * 240 kB were seen never to arrive. So everything is bounded here, and cut rather than dropped where that makes sense.
 * See https://grpc.io/docs/guides/error/ and
 * https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto.
 */

/** The trailer that carries `google.rpc.Status`. */
export const DETAILS_TRAILER = "grpc-status-details-bin";
/** The most UTF-8 bytes of message text. */
export const MAX_MESSAGE_BYTES = 1024;
/** The most bytes of encoded details; 4 KiB in Base64, as they travel. */
export const MAX_DETAILS_BYTES = 3072;

const DOMAIN = "toolgate";
const FAULT = "A fault of the node.";
const TYPE_PREFIX = "type.googleapis.com/google.rpc.";
/** The message is in the status already; this copy is for readers of the details alone. */
const MAX_MESSAGE_COPY_BYTES = 256;
const MAX_VIOLATION_BYTES = 512;
const MAX_METADATA_VALUE_BYTES = 256;
/** What the frame of one `Any`, violation or map entry takes beside its text; an upper bound. */
const ENTRY_OVERHEAD_BYTES = 16;

/** What grpc-js takes as the error of a call: a callback's first argument, or what a stream is destroyed with. */
export interface WireError {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What can be read from grpc-js's `ServiceError`, or from any status that a call ended with. */
export interface WireStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata?: Metadata;
}

/**
 * An error as it goes to the peer.
 *
 * What is not a ToolgateError becomes INTERNAL, and its text stays in the process: it may hold anything.
 *
 * @param correlationId where the node's log has more; the peer gets it in the message and in the metadata
 */
export function toServiceError(error: unknown, correlationId?: string): WireError {
  const known = error instanceof ToolgateError ? error : new ToolgateError("INTERNAL", FAULT, { executed: "unknown" });
  const metadata = new Metadata();
  metadata.set(DETAILS_TRAILER, encodeDetails(known, correlationId === undefined ? {} : { correlationId }));
  const hint = correlationId === undefined ? "" : ` The node's log has more under ${correlationId}.`;
  return { code: known.status, details: cut(known.message, MAX_MESSAGE_BYTES - hint.length) + hint, metadata };
}

function encodeDetails(error: ToolgateError, first: Readonly<Record<string, string>>): Buffer {
  const { rpc } = loadProtocol();
  const message = cut(error.message, MAX_MESSAGE_COPY_BYTES);
  const encode = (violations: readonly Violation[], metadata: Readonly<Record<string, string>>): Buffer => {
    const details: { type_url: string; value: Buffer }[] = [];
    const add = (type: string, value: Buffer) => details.push({ type_url: TYPE_PREFIX + type, value });
    const info = { reason: error.reason, domain: DOMAIN, metadata: { ...metadata, executed: error.executed } };
    add("ErrorInfo", rpc.ErrorInfo.serialize(info));
    if (error.retryAfterMs !== undefined) {
      const delayMs = Math.max(0, Math.ceil(error.retryAfterMs));
      const retryDelay = { seconds: Math.floor(delayMs / 1000), nanos: (delayMs % 1000) * 1_000_000 };
      add("RetryInfo", rpc.RetryInfo.serialize({ retryDelay }));
    }
    if (violations.length > 0) {
      if (error.status === status.FAILED_PRECONDITION) {
        const obstacles = violations.map(({ field, description }) => ({
          type: error.reason,
          subject: field,
          description,
        }));
        add("PreconditionFailure", rpc.PreconditionFailure.serialize({ violations: obstacles }));
      } else {
        add("BadRequest", rpc.BadRequest.serialize({ fieldViolations: [...violations] }));
      }
    }
    return rpc.Status.serialize({ code: error.status, message, details });
  };

  // What a program decides by comes first and always fits; the violations share the rest, then metadata takes its turn.
  const perViolation = error.status === status.FAILED_PRECONDITION ? error.reason.length : 0;
  const bare = encode([], first).length + 64; // 64: the frame of the message that holds the violations
  const share = (MAX_DETAILS_BYTES - bare) / Math.max(1, error.violations.length) - perViolation - ENTRY_OVERHEAD_BYTES;
  const violations = error.violations.map((violation) => shorten(violation, Math.min(MAX_VIOLATION_BYTES, share)));
  const metadata: Record<string, string> = { ...first };
  let encoded = encode(violations, metadata);
  for (const [key, value] of Object.entries(error.metadata)) {
    const kept = cut(value, MAX_METADATA_VALUE_BYTES);
    const size = Buffer.byteLength(key) + Buffer.byteLength(kept) + ENTRY_OVERHEAD_BYTES;
    if (encoded.length + size > MAX_DETAILS_BYTES) continue;
    metadata[key] = kept;
    encoded = encode(violations, metadata);
  }
  return encoded;
}

/** A violation within a number of bytes; the field may take half, or whatever the description leaves. */
function shorten({ field, description }: Violation, bytes: number): Violation {
  const fieldBytes = Math.max(Math.floor(bytes / 2), bytes - Buffer.byteLength(description));
  const kept = cut(field, fieldBytes);
  return { field: kept, description: cut(description, bytes - Buffer.byteLength(kept)) };
}

/** The text within a number of UTF-8 bytes, marked with an ellipsis when cut; also well-formed Unicode afterwards. */
function cut(text: string, bytes: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= bytes) return whole.toString();
  let end = Math.max(0, Math.floor(bytes) - 3);
  while (end > 0 && ((whole[end] ?? 0) & 0xc0) === 0x80) end--; // not within a character
  return `${whole.subarray(0, end).toString()}…`;
}

/**
 * The error that a peer sent, or that the transport made up when the peer could not be asked.
 *
 * A status without our details never came from a node's own code: a dead connection is NODE_UNREACHABLE, the client's own
 * deadline is DEADLINE_EXCEEDED, and so on. Whether the tool can have run is then unknown, except where the request
 * cannot have left. That exception holds for single attempts only, so a channel that is read by this function must not
 * retry by itself (`grpc.enable_retries: 0`).
 */
export function fromServiceError(error: WireStatus): ToolgateError {
  const details = decodeDetails(error);
  if (details?.reason === undefined) return withoutDetails(error, details);
  return new ToolgateError(details.reason, error.details, {
    executed: details.executed,
    violations: details.violations,
    metadata: details.metadata,
    cause: causeOf(error),
    ...(details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }),
  });
}

/** What is kept of a transport's error as the cause of ours. */
export interface WireCause {
  readonly code: status;
  readonly message: string;
}

/** The transport's error without its metadata and buffers, which would fill a screen where the error is printed. */
export function causeOf({ code, details }: WireStatus): WireCause {
  return { code, message: `${code} ${status[code] ?? "UNKNOWN_CODE"}: ${details}` };
}

interface Details {
  /** Absent when it is a word that this version does not know. */
  readonly reason: ErrorReason | undefined;
  readonly executed: Executed;
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly Violation[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** The details, when there are some and they are ours. */
function decodeDetails(error: WireStatus): Details | undefined {
  const trailer = error.metadata?.get(DETAILS_TRAILER)[0];
  if (!Buffer.isBuffer(trailer)) return undefined;
  const { rpc } = loadProtocol();
  let info: { reason: string; domain: string; metadata: Record<string, string> } | undefined;
  let retryAfterMs: number | undefined;
  const violations: Violation[] = [];
  try {
    for (const detail of rpc.Status.deserialize(trailer).details) {
      if (!("type_url" in detail)) continue;
      switch (detail.type_url.slice(detail.type_url.lastIndexOf("/") + 1)) {
        case "google.rpc.ErrorInfo":
          info = rpc.ErrorInfo.deserialize(detail.value);
          break;
        case "google.rpc.RetryInfo": {
          const delay = rpc.RetryInfo.deserialize(detail.value).retryDelay;
          if (delay !== null) retryAfterMs = Number(delay.seconds) * 1000 + Math.ceil(delay.nanos / 1_000_000);
          break;
        }
        case "google.rpc.BadRequest":
          for (const { field, description } of rpc.BadRequest.deserialize(detail.value).fieldViolations) {
            violations.push({ field, description });
          }
          break;
        case "google.rpc.PreconditionFailure":
          for (const { subject, description } of rpc.PreconditionFailure.deserialize(detail.value).violations) {
            violations.push({ field: subject, description });
          }
          break;
        default: // a detail of a later version
      }
    }
  } catch {
    return undefined; // a trailer that is no google.rpc.Status: some proxy's own
  }
  if (info?.domain !== DOMAIN) return undefined;
  const { executed, ...metadata } = info.metadata;
  const reason = isErrorReason(info.reason) ? info.reason : undefined;
  return {
    reason,
    executed: executed === "no" || executed === "yes" ? executed : "unknown",
    retryAfterMs,
    violations,
    metadata: reason === undefined ? { ...metadata, reason: info.reason } : metadata,
  };
}

/** What grpc-js says when a request never left: the address was not resolved, or no connection was made. */
const NEVER_SENT = /^(\w+: )?(No connection established|Name resolution failed)/;
/** What gRPC's libraries say of a message over a size limit, on either side and in either direction. */
const TOO_LARGE = /\b(attempted to send|trying to send|received|sent) message .*larger than/i;
/** The client's own refusal among those. */
const REFUSED_TO_SEND = /^Attempted to send/;

function withoutDetails(error: WireStatus, details: Details | undefined): ToolgateError {
  const { reason, executed } = readStatus(error);
  const name = status[error.code] ?? String(error.code);
  const message =
    reason === "INTERNAL"
      ? `The server failed with ${name}: ${error.details}`
      : error.details || ERROR_CODES[reason].meaning;
  return new ToolgateError(reason, message, {
    executed: details?.executed ?? executed,
    metadata: details?.metadata ?? {},
    violations: details?.violations ?? [],
    cause: causeOf(error),
    ...(details?.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }),
  });
}

function readStatus({ code, details }: WireStatus): { reason: ErrorReason; executed: Executed } {
  switch (code) {
    case status.UNAVAILABLE:
      return { reason: "NODE_UNREACHABLE", executed: NEVER_SENT.test(details) ? "no" : "unknown" };
    case status.DEADLINE_EXCEEDED:
      return { reason: "DEADLINE_EXCEEDED", executed: "unknown" };
    case status.CANCELLED:
      return { reason: "CANCELLED", executed: "unknown" };
    case status.UNIMPLEMENTED:
      return { reason: "UNSUPPORTED", executed: "no" };
    case status.INVALID_ARGUMENT:
      return { reason: "INVALID_REQUEST", executed: "no" };
    case status.RESOURCE_EXHAUSTED:
      // A message over a size limit is either the request, or an answer that was already made.
      return {
        reason: TOO_LARGE.test(details) ? "MESSAGE_TOO_LARGE" : "LIMIT_EXCEEDED",
        executed: REFUSED_TO_SEND.test(details) ? "no" : "unknown",
      };
    default:
      return { reason: "INTERNAL", executed: "unknown" };
  }
}
