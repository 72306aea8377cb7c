import type { EpochContract } from "../catalog/toolset-view.js";
import type { ToolContract } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { type JsonText, type ReadJson, readJson } from "../json/read-json.js";
import type { TextReader, UnreadText } from "../json/text-reader.js";
import type { Requester } from "../schemas/contract-validators.js";
import type { Validation } from "../schemas/validation.js";
import type { ValidatorCache } from "../schemas/validator-cache.js";

/** So long before a caller's own deadline it hears that there is no verdict, in milliseconds; a quarter of what is left at most. */
const REFUSE_BEFORE_DEADLINE_MS = 500;
/** What a caller should wait when its payload could not be checked, in milliseconds. */
const INCONCLUSIVE_RETRY_MS = 1_000;

/**
 * Reads a payload's JSON.
 *
 * @param maxBytes the largest payload.
 * @throws ToolgateError PAYLOAD_TOO_LARGE, MALFORMED_JSON
 */
export function parsePayload(bytes: Buffer, maxBytes: number): JsonText {
  mustNotBeLarger(bytes, maxBytes);
  return readable(readJson(bytes, { maxBytes }));
}

/**
 * Reads a payload's JSON: a promise where it is long, or the node has much to do.
 *
 * @param maxBytes the largest payload.
 * @throws ToolgateError PAYLOAD_TOO_LARGE, MALFORMED_JSON; the promise rejects with VERDICT_UNAVAILABLE, too
 */
export function readPayload(
  texts: TextReader,
  bytes: Buffer,
  maxBytes: number,
  caller: PayloadCaller,
): JsonText | Promise<JsonText> {
  mustNotBeLarger(bytes, maxBytes);
  const read = texts.read(bytes, { maxBytes }, () => ({
    client: caller.share,
    withinMs: withinMs(caller),
    isUnneeded: () => caller.presence.signal.aborted,
  }));
  return read instanceof Promise ? read.then(readable) : readable(read);
}

/** Why a payload was not read. */
const UNREAD = {
  busy: "too much waits to be read",
  late: "there was no time left to read it",
  left: "nothing waits for it any more",
} as const satisfies Record<UnreadText["why"], string>;

function readable(read: ReadJson | UnreadText): JsonText {
  if (read.kind === "ok") return read;
  if (read.kind === "unread")
    throw new ToolgateError("VERDICT_UNAVAILABLE", `the payload could not be checked: ${UNREAD[read.why]}`, {
      retryAfterMs: INCONCLUSIVE_RETRY_MS,
    });
  const field = "payload";
  const description = `${read.reason}${read.at}`; // names on the way there may be data
  throw new ToolgateError("MALFORMED_JSON", `${field} ${description}`, { violations: [{ field, description }] });
}

function mustNotBeLarger(bytes: Buffer, maxBytes: number): void {
  if (bytes.length <= maxBytes) return;
  throw new ToolgateError(
    "PAYLOAD_TOO_LARGE",
    `the payload has ${bytes.length} bytes; at most ${maxBytes} are allowed`,
  );
}

/** The caller that a payload is checked for. */
export interface PayloadCaller {
  /** Whose share of the workers the check takes. */
  readonly share: string;
  /** How long the caller waits for an answer, in milliseconds; without a limit when undefined. */
  readonly answerWithinMs: number | undefined;
  /** Its signal is aborted when the caller has left, or does not want the call any more; read where a check takes long. */
  readonly presence: { readonly signal: AbortSignal };
  /** How many nodes were lost with the call under way. */
  readonly lostNodes: number;
  /** The toolset as it names it; undefined where it is told of no fault. */
  readonly shown?: string;
}

/** Checks payloads against the schemas that were admitted with a contract. */
export class PayloadChecks {
  readonly #validators: ValidatorCache;

  constructor(validators: ValidatorCache) {
    this.#validators = validators;
  }

  /**
   * A promise only where the schema is costly or the payload large.
   *
   * @throws ToolgateError INVALID_PAYLOAD, which names the places and never the data; PAYLOAD_TOO_COSTLY; VERDICT_UNAVAILABLE.
   */
  check(
    epoch: EpochContract,
    tool: ToolContract,
    payload: JsonText,
    caller: PayloadCaller | undefined,
  ): void | Promise<void> {
    const validation = this.#validate(epoch, tool, payload, caller);
    if (validation instanceof Promise) return validation.then((judged) => mustBeValid(judged, epoch, tool, caller));
    mustBeValid(validation, epoch, tool, caller);
  }

  /** Whether a payload is known to fit a tool's schema. */
  async accepts(epoch: EpochContract, tool: ToolContract, payload: JsonText, caller?: PayloadCaller): Promise<boolean> {
    return (await this.#validate(epoch, tool, payload, caller)).kind === "valid";
  }

  #validate(
    epoch: EpochContract,
    tool: ToolContract,
    payload: JsonText,
    caller: PayloadCaller | undefined,
  ): Validation | Promise<Validation> {
    return this.#validators
      .forContract(epoch.digest, epoch.contract())
      .payload(tool.name, payload, caller && (() => askerOf(caller)), caller !== undefined && caller.lostNodes > 0);
  }
}

function askerOf(caller: PayloadCaller): Requester {
  return { client: caller.share, withinMs: withinMs(caller), signal: caller.presence.signal };
}

/** How long a verdict is of use, in milliseconds. */
function withinMs({ answerWithinMs }: PayloadCaller): number | undefined {
  return answerWithinMs && answerWithinMs - Math.min(REFUSE_BEFORE_DEADLINE_MS, answerWithinMs / 4);
}

function mustBeValid(
  validation: Validation,
  epoch: EpochContract,
  tool: ToolContract,
  caller: PayloadCaller | undefined,
): void {
  if (validation.kind === "valid") return;
  const shown = caller?.shown ?? epoch.toolset;
  if (validation.kind === "inconclusive") {
    const message = `the payload for "${shown}" tool "${tool.name}" could not be checked: ${validation.why}`;
    if (validation.tooCostly)
      throw new ToolgateError("PAYLOAD_TOO_COSTLY", message + afterLoss(caller?.lostNodes ?? 0));
    throw new ToolgateError("VERDICT_UNAVAILABLE", message, { retryAfterMs: INCONCLUSIVE_RETRY_MS });
  }
  const { violations } = validation;
  const first = violations[0];
  const where = first === undefined ? "" : `: ${first.field || "the payload"} ${first.description}`;
  throw new ToolgateError("INVALID_PAYLOAD", `the payload does not fit "${shown}" tool "${tool.name}"${where}`, {
    violations,
  });
}

function afterLoss(lostNodes: number): string {
  if (lostNodes === 0) return "";
  return `; ${lostNodes === 1 ? "a node was" : `${lostNodes} nodes were`} lost with this call before, so do not repeat it`;
}
