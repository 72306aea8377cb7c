import { Type } from "typebox";
import { ERROR_CODES } from "../../errors/codes.js";
import { ToolgateError, type Violation } from "../../errors/toolgate-error.js";

/** https://www.rfc-editor.org/rfc/rfc9457 */
export const PROBLEM_TYPE = "application/problem+json";

/** What the type of a problem begins with; the reason follows. */
const TYPE_PREFIX = "urn:toolgate:error:";
const FAULT = "A fault of the node.";

/** A problem's form, as the served document has it. */
export const PROBLEM = Type.Object(
  {
    type: Type.String({ description: "`urn:toolgate:error:` and the reason." }),
    title: Type.String({ description: "What the reason means." }),
    status: Type.Integer({ description: "The status of the answer." }),
    detail: Type.String({ description: "What went wrong this time, for people and models." }),
    reason: Type.String({ description: "A word for programs, from the error table; or the tool's own." }),
    executed: Type.Union([Type.Literal("no"), Type.Literal("yes"), Type.Literal("unknown")], {
      description: "Whether the tool ran, or can have: a retry is safe after `no`.",
    }),
    retryAfterMs: Type.Optional(Type.Integer({ description: "When a retry may help, in milliseconds." })),
    violations: Type.Optional(
      Type.Array(Type.Object({ field: Type.String(), description: Type.String() }), {
        description: "What was wrong with the request, at most eight; never its data.",
      }),
    ),
    metadata: Type.Optional(Type.Record(Type.String(), Type.String(), { description: "More, for programs." })),
    correlationId: Type.Optional(Type.String({ description: "Under which the node's log has more." })),
    callId: Type.Optional(Type.String({ description: "The call that ended so." })),
    kind: Type.Optional(Type.String({ description: "How the call ended." })),
    origin: Type.Optional(
      Type.Union([Type.Literal("gateway"), Type.Literal("tool")], { description: "Whose word the reason is." }),
    ),
    attempt: Type.Optional(Type.Integer({ description: "The attempt that ended the call." })),
    endedAtMs: Type.Optional(Type.Integer({ description: "When the call ended, in Unix milliseconds." })),
    details: Type.Optional(Type.Unknown({ description: "The tool's own details, as they came." })),
  },
  { $id: "Problem", description: "Why there is no other answer (RFC 9457)." },
);

/** A problem as it is answered. */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An error on its way to the answer, which was logged already where that was due. */
export class RequestFailure extends Error {
  readonly failure: { readonly error: unknown; readonly correlationId?: string };

  constructor(failure: RequestFailure["failure"]) {
    super("a request has failed", { cause: failure.error });
    this.failure = failure;
  }
}

/**
 * An error as an answer. What is no ToolgateError says nothing of itself.
 *
 * @param correlationId under which the node's log has more
 */
export function problemOf(error: unknown, correlationId?: string): Problem {
  const known = error instanceof ToolgateError ? error : new ToolgateError("INTERNAL", FAULT, { executed: "unknown" });
  const { http: status, meaning } = ERROR_CODES[known.reason];
  return {
    status,
    headers: headersOf(status, known.retryAfterMs),
    body: {
      type: `${TYPE_PREFIX}${known.reason}`,
      title: meaning,
      status,
      detail: inWordsOf(known, known.message),
      reason: known.reason,
      executed: known.executed,
      ...(known.retryAfterMs === undefined ? {} : { retryAfterMs: Math.max(0, Math.ceil(known.retryAfterMs)) }),
      ...(known.violations.length === 0 ? {} : { violations: known.violations.map((one) => violationIn(known, one)) }),
      ...(Object.keys(known.metadata).length === 0 ? {} : { metadata: known.metadata }),
      ...(correlationId === undefined ? {} : { correlationId }),
    },
  };
}

/** Names of fields in gRPC's spelling, and what is quoted: the caller's own words, which stay. */
const FIELDS = /"[^"]*"|\b[a-z]+(?:_[a-z0-9]+)+\b/g;

/** A text about a request with the fields as REST spells them: `pageToken` of `page_token` (https://protobuf.dev/programming-guides/json/). */
function inWordsOf({ reason }: ToolgateError, text: string): string {
  if (reason !== "INVALID_REQUEST") return text;
  return text.replace(FIELDS, (word) =>
    word.startsWith('"') ? word : word.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
}

function violationIn(error: ToolgateError, { field, description }: Violation): Violation {
  return { field: inWordsOf(error, field), description: inWordsOf(error, description) };
}

/** The headers of a problem besides its type. */
export function headersOf(status: number, retryAfterMs: number | undefined): Record<string, string> {
  return {
    ...(retryAfterMs === undefined ? {} : { "retry-after": String(Math.max(0, Math.ceil(retryAfterMs / 1_000))) }),
    ...(status === 401 ? { "www-authenticate": 'Bearer realm="toolgate"' } : {}),
  };
}

/** The type and title of a problem with a reason that may be a tool's own. */
export function typeOf(reason: string): { readonly type: string; readonly title: string } {
  const known = Object.hasOwn(ERROR_CODES, reason) ? ERROR_CODES[reason as keyof typeof ERROR_CODES] : undefined; // its own key
  return {
    type: `${TYPE_PREFIX}${known === undefined ? "TOOL_ERROR" : reason}`,
    title: (known ?? ERROR_CODES.TOOL_ERROR).meaning,
  };
}
