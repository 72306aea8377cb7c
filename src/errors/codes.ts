import { type GrpcStatus, status } from "./grpc-status.js";

/** Whether the tool can have run when a request fails: the answer that decides if a retry is safe. */
export type Executed = "no" | "yes" | "unknown";

interface ErrorCode {
  /** The gRPC status that carries it. */
  readonly status: GrpcStatus;
  /** The HTTP status of an answer that is nothing but this error. */
  readonly http: number;
  /** Whether the same request may succeed later: `no` unless the caller changes something. */
  readonly retry: "no" | "later" | "elsewhere";
  /** What it means, in one sentence. */
  readonly meaning: string;
  /** What to do about it. */
  readonly remedy: string;
}

/**
 * Every error that leaves a node, once. The table of docs/errors.md is kept equal to this one by a test.
 *
 * The reason (the key) travels as `google.rpc.ErrorInfo.reason`, and as `CallError.reason` in a call's terminal.
 */
export const ERROR_CODES = {
  INVALID_REQUEST: {
    status: status.INVALID_ARGUMENT,
    http: 400,
    retry: "no",
    meaning: "A field of the request is missing, malformed or over its limit.",
    remedy: "Correct the fields that are named.",
  },
  INVALID_CONTRACT: {
    status: status.INVALID_ARGUMENT,
    http: 422,
    retry: "no",
    meaning: "The contract breaks a rule: a bad or duplicate name, a version that is not semver, too many tools.",
    remedy: "Correct the fields that are named; nothing was registered.",
  },
  INVALID_SCHEMA: {
    status: status.INVALID_ARGUMENT,
    http: 422,
    retry: "no",
    meaning: "A JSON Schema does not compile, or asks for something that is not allowed.",
    remedy: "Correct each tool and path that is named; nothing was registered.",
  },
  MALFORMED_JSON: {
    status: status.INVALID_ARGUMENT,
    http: 400,
    retry: "no",
    meaning: "Bytes that must be JSON are not, repeat a key, or nest too deeply.",
    remedy: "Send one UTF-8 JSON value with unique keys, at most 64 levels deep.",
  },
  PAYLOAD_TOO_LARGE: {
    status: status.INVALID_ARGUMENT,
    http: 413,
    retry: "no",
    meaning: "The payload is over the registry's limit.",
    remedy: "Send less, or send a reference to the data.",
  },
  PAYLOAD_TOO_COSTLY: {
    status: status.INVALID_ARGUMENT,
    http: 422,
    retry: "no",
    meaning: "Checking the payload by its schema takes more work or memory than a check may.",
    remedy: "Make the payload smaller or the schema simpler. Do not repeat the call as it is; the tool did not run.",
  },
  INVALID_PAYLOAD: {
    status: status.INVALID_ARGUMENT,
    http: 422,
    retry: "no",
    meaning: "The payload does not fit the tool's payload schema.",
    remedy: "Correct the paths that are named; the tool did not run.",
  },
  VERDICT_UNAVAILABLE: {
    status: status.UNAVAILABLE,
    http: 503,
    retry: "later",
    meaning: "No verdict could be had on a payload or a schema in time: too much is being checked.",
    remedy: "Retry after the given time. The tool did not run.",
  },
  UNKNOWN_TOOLSET: {
    status: status.NOT_FOUND,
    http: 404,
    retry: "no",
    meaning: "No toolset of this name is registered.",
    remedy: "Look at the near names in the message, or search the catalogue.",
  },
  UNKNOWN_TOOL: {
    status: status.NOT_FOUND,
    http: 404,
    retry: "no",
    meaning: "The toolset has no tool of this name.",
    remedy: "Look at the near names in the message, or get the toolset.",
  },
  UNKNOWN_CALL: {
    status: status.NOT_FOUND,
    http: 404,
    retry: "no",
    meaning: "No call of this id is known: it never was, or its record has expired.",
    remedy: "Check the id; results are kept for the registry's result time only.",
  },
  UNKNOWN_SERVICE: {
    status: status.NOT_FOUND,
    http: 404,
    retry: "no",
    meaning: "The node has no gRPC service of the name whose health is asked for.",
    remedy: "List the services by reflection; the empty name means the node as a whole.",
  },
  TOOLSET_DAMAGED: {
    status: status.FAILED_PRECONDITION,
    http: 500,
    retry: "no",
    meaning: "The toolset's record in Redis is damaged, so that it cannot be called.",
    remedy: "Start or restart one of its providers: registering repairs it. Or unregister it.",
  },
  CONTRACT_CONFLICT: {
    status: status.FAILED_PRECONDITION,
    http: 409,
    retry: "no",
    meaning: "The contract differs from the registered one, and its version is not higher.",
    remedy: "Raise the version, or register with replace; the differences are listed.",
  },
  DIGEST_MISMATCH: {
    status: status.FAILED_PRECONDITION,
    http: 409,
    retry: "no",
    meaning: "The contract is not the one that the caller expects.",
    remedy: "Get the toolset again, and call with its new digest.",
  },
  EPOCH_MISMATCH: {
    status: status.FAILED_PRECONDITION,
    http: 409,
    retry: "no",
    meaning: "The toolset's epoch is not the one that the caller named.",
    remedy: "Get the toolset again, and repeat with the epoch that it has now.",
  },
  LEASE_LOST: {
    status: status.FAILED_PRECONDITION,
    http: 409,
    retry: "no",
    meaning: "The provider's lease has ended, was released, has another token, or belongs to a later incarnation.",
    remedy: "Register again.",
  },
  UNAUTHENTICATED: {
    status: status.UNAUTHENTICATED,
    http: 401,
    retry: "no",
    meaning: "The request has no credential, or one that is wrong, expired or revoked.",
    remedy: "Send a valid key or token: see docs/access.md. Which of these it is, the audit says.",
  },
  FORBIDDEN: {
    status: status.PERMISSION_DENIED,
    http: 403,
    retry: "no",
    meaning: "The caller's roles do not allow what it asks for.",
    remedy: "Ask an administrator for a role that does; toolgate explain says which rule decided.",
  },
  ACCESS_CHANGED: {
    status: status.UNAVAILABLE,
    http: 409,
    retry: "elsewhere",
    meaning: "What the caller may see or do has changed while its stream was open.",
    remedy: "Open the stream again: it then shows what may be seen now.",
  },
  TOO_MANY_ATTEMPTS: {
    status: status.RESOURCE_EXHAUSTED,
    http: 429,
    retry: "later",
    meaning: "There were too many failed logins of this account, or from this address.",
    remedy: "Retry after the given time.",
  },
  NOT_OWNER: {
    status: status.PERMISSION_DENIED,
    http: 403,
    retry: "no",
    meaning: "The toolset's name belongs to another principal.",
    remedy: "Choose another name, or have its owner unregister it.",
  },
  CALL_CONFLICT: {
    status: status.ALREADY_EXISTS,
    http: 409,
    retry: "no",
    meaning: "A call of the toolset with the same run_id and tool_call_id exists, and asks for something else.",
    remedy: "Use a new tool_call_id for another request.",
  },
  NO_HEALTHY_PROVIDER: {
    status: status.UNAVAILABLE,
    http: 503,
    retry: "later",
    meaning: "No provider of the toolset is healthy.",
    remedy: "Retry later, or call with the wait policy.",
  },
  STORE_UNAVAILABLE: {
    status: status.UNAVAILABLE,
    http: 503,
    retry: "later",
    meaning: "Redis cannot be reached, refuses writes, or denies the nodes' user what they need.",
    remedy: "Retry later; a call is retried safely with the same run_id and tool_call_id. Operators look at Redis.",
  },
  NODE_DRAINING: {
    status: status.UNAVAILABLE,
    http: 503,
    retry: "elsewhere",
    meaning: "The node is stopping.",
    remedy: "Retry on another node.",
  },
  NODE_BUSY: {
    status: status.UNAVAILABLE,
    http: 503,
    retry: "elsewhere",
    meaning: "More providers want to register or attach than the node lets in at once.",
    remedy: "Try another node, or this one after the given time.",
  },
  NODE_UNREACHABLE: {
    status: status.UNAVAILABLE,
    http: 503,
    retry: "elsewhere",
    meaning: "The connection to the node could not be made, or broke.",
    remedy: "Retry on another node, with the same run_id and tool_call_id.",
  },
  UNSUPPORTED: {
    status: status.UNIMPLEMENTED,
    http: 501,
    retry: "no",
    meaning: "The server does not know the method: it is not a Toolgate node, or it is an older one.",
    remedy: "Check the address and the node's version.",
  },
  BACKLOG_FULL: {
    status: status.RESOURCE_EXHAUSTED,
    http: 429,
    retry: "later",
    meaning: "The toolset has as many unfinished calls as it may.",
    remedy: "Retry after the given time, or add providers.",
  },
  RATE_LIMITED: {
    status: status.RESOURCE_EXHAUSTED,
    http: 429,
    retry: "later",
    meaning: "A limit document allows no more calls now: of the caller, its tenant, the toolset, the tool or the run.",
    remedy: "Retry after the given time; the message names the limit. The tool did not run.",
  },
  BUDGET_EXHAUSTED: {
    status: status.RESOURCE_EXHAUSTED,
    http: 429,
    retry: "later",
    meaning: "A limit document's budget for the day, or for the run, is used up.",
    remedy: "Wait until the given time, or have an administrator raise the limit. The tool did not run.",
  },
  LOOP: {
    status: status.RESOURCE_EXHAUSTED,
    http: 429,
    retry: "no",
    meaning:
      "The run has called the tool with the same arguments again and again, and it failed in the same way each time.",
    remedy: "Change the arguments or the plan; another try would fail too. The tool did not run.",
  },
  NODES_OUTDATED: {
    status: status.FAILED_PRECONDITION,
    http: 503,
    retry: "later",
    meaning: "Nodes of an older version run in the cluster, which cannot read what the request would write.",
    remedy: "Upgrade them, or stop them, and retry half a minute later.",
  },
  STORE_FULL: {
    status: status.RESOURCE_EXHAUSTED,
    http: 503,
    retry: "later",
    meaning: "Redis is near its memory limit, and what is left is kept for the calls that are under way.",
    remedy: "Retry after the given time. Operators give Redis more memory, or keep results for less time.",
  },
  LIMIT_EXCEEDED: {
    status: status.RESOURCE_EXHAUSTED,
    http: 429,
    retry: "later",
    meaning:
      "A limit is reached: of a node's sessions, streams or calls in flight of one peer, of what a node holds that was not sent whole or not read, of a toolset's epochs, of a registry's toolsets, or of a tenant's documents.",
    remedy:
      "Retry after the given time, or spread over more nodes; send whole messages and read what comes; of toolsets and documents, remove some first.",
  },
  MESSAGE_TOO_LARGE: {
    status: status.RESOURCE_EXHAUSTED,
    http: 413,
    retry: "no",
    meaning:
      "A message is larger than the channel of its receiver takes: an answer, a call for a provider, or the request.",
    remedy:
      "Let the channel take larger messages (GetRegistry says how large they are at most), then follow the call by its id; of a request, send less.",
  },
  DEADLINE_EXCEEDED: {
    status: status.DEADLINE_EXCEEDED,
    http: 504,
    retry: "no",
    meaning: "The call's deadline passed first.",
    remedy: "Look at executed: after no, a new call with more time is safe.",
  },
  CANCELLED: {
    status: status.CANCELLED,
    http: 499,
    retry: "no",
    meaning: "The call was cancelled.",
    remedy: "Look at executed to see whether the tool had started.",
  },
  TOOL_ERROR: {
    status: status.ABORTED,
    http: 422,
    retry: "no",
    meaning: "The tool ran and reported a failure.",
    remedy: "Read the tool's own message.",
  },
  INVALID_RESULT: {
    status: status.INTERNAL,
    http: 502,
    retry: "no",
    meaning: "The tool's result does not fit its result schema.",
    remedy: "Report it to the toolset's provider; the tool ran.",
  },
  OUTPUT_TOO_LARGE: {
    status: status.RESOURCE_EXHAUSTED,
    http: 502,
    retry: "no",
    meaning: "The tool's output or result went over the registry's limit, and the call was ended.",
    remedy: "Ask the tool for less; the tool ran.",
  },
  EPOCH_GONE: {
    status: status.UNAVAILABLE,
    http: 503,
    retry: "later",
    meaning: "The call's epoch went away before a provider took it.",
    remedy: "Call again: the tool did not run.",
  },
  PROVIDER_LOST: {
    status: status.UNKNOWN,
    http: 502,
    retry: "no",
    meaning: "The provider was lost after it took the call.",
    remedy: "Find out whether the tool took effect before calling again.",
  },
  ATTEMPTS_EXHAUSTED: {
    status: status.UNAVAILABLE,
    http: 502,
    retry: "no",
    meaning: "An idempotent call lost its provider on every attempt.",
    remedy: "Look at the providers' logs; the tool may have run.",
  },
  STATE_LOST: {
    status: status.UNKNOWN,
    http: 500,
    retry: "no",
    meaning: "Redis lost the call's record while the call was in flight.",
    remedy: "Find out whether the tool took effect before calling again.",
  },
  INVALID_DOCUMENT: {
    status: status.INVALID_ARGUMENT,
    http: 422,
    retry: "no",
    meaning: "A document breaks a rule of its kind, or would lock every administrator out.",
    remedy: "Correct the paths that are named; nothing was changed.",
  },
  UNKNOWN_DOCUMENT: {
    status: status.NOT_FOUND,
    http: 404,
    retry: "no",
    meaning: "There is no document of this kind and name, or no such revision of it.",
    remedy: "List the documents of the kind; only the latest revisions are kept.",
  },
  DOCUMENT_CONFLICT: {
    status: status.ABORTED,
    http: 409,
    retry: "no",
    meaning: "The document has another revision than the caller's change was made from.",
    remedy: "Get it again, make the change anew, and apply that.",
  },
  UNKNOWN_ROUTE: {
    status: status.UNIMPLEMENTED,
    http: 404,
    retry: "no",
    meaning: "There is nothing to be asked at this path by this method.",
    remedy: "Look the path up in `/v1/openapi.json`; names in it are percent-encoded.",
  },
  METHOD_NOT_ALLOWED: {
    status: status.UNIMPLEMENTED,
    http: 405,
    retry: "no",
    meaning: "The path is asked by other methods than this one.",
    remedy: "Use one of the methods in `Allow`.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: status.INVALID_ARGUMENT,
    http: 415,
    retry: "no",
    meaning: "The body of the request is not sent as JSON.",
    remedy: "Send UTF-8 JSON, not compressed, with `Content-Type: application/json`.",
  },
  REQUEST_TIMEOUT: {
    status: status.DEADLINE_EXCEEDED,
    http: 408,
    retry: "later",
    meaning: "The headers or the body of an HTTP request did not arrive in time.",
    remedy: "Send it faster, or a smaller one. Nothing of it was looked at.",
  },
  EXPECTATION_FAILED: {
    status: status.INVALID_ARGUMENT,
    http: 417,
    retry: "no",
    meaning: "An HTTP request has an `Expect` other than `100-continue`.",
    remedy: "Leave the header out.",
  },
  HEADERS_TOO_LARGE: {
    status: status.INVALID_ARGUMENT,
    http: 431,
    retry: "no",
    meaning: "An HTTP request has more than 128 headers, or more than 16 KiB of them.",
    remedy: "Send fewer.",
  },
  MISDIRECTED: {
    status: status.INVALID_ARGUMENT,
    http: 421,
    retry: "no",
    meaning: "An HTTP request names a host that this node is not known by.",
    remedy: "Ask by an address, or add the name to `TOOLGATE_HTTP_HOSTS`.",
  },
  FORBIDDEN_ORIGIN: {
    status: status.PERMISSION_DENIED,
    http: 403,
    retry: "no",
    meaning: "A page of another origin has made the request.",
    remedy: "Where that page may use the node, add its origin to `TOOLGATE_HTTP_ORIGINS`.",
  },
  INVALID_CONFIG: {
    status: status.FAILED_PRECONDITION,
    http: 500,
    retry: "no",
    meaning: "A setting is missing, malformed or out of range.",
    remedy: "Correct every variable or flag that is named.",
  },
  INTERNAL: {
    status: status.INTERNAL,
    http: 500,
    retry: "no",
    meaning: "A fault of Toolgate itself.",
    remedy: "Report it with the node's log line.",
  },
} as const satisfies Record<string, ErrorCode>;

/** A key of the error table. */
export type ErrorReason = keyof typeof ERROR_CODES;

/** Whether a word is a key of the error table; a tool's own reasons are not. */
export function isErrorReason(word: string): word is ErrorReason {
  return Object.hasOwn(ERROR_CODES, word);
}
