import type { EpochContract } from "../catalog/toolset-view.js";
import type { ReadJson } from "../json/read-json.js";
import type { TextReader, TextRequester, UnreadText } from "../json/text-reader.js";
import type { RedisClock } from "../redis/redis-time.js";
import type { Validation } from "../schemas/validation.js";
import type { ValidatorCache } from "../schemas/validator-cache.js";
import { parseHead } from "../store/calls/call-record.js";
import type { Completion } from "../store/calls/complete.js";
import type { ToolErrorBody } from "../store/calls/tool-error-body.js";

/** What a provider answered. */
export type ProviderAnswer =
  /** `lostNodes` is how many nodes were lost that had the result. */
  | { readonly kind: "result"; readonly json: Buffer; readonly lostNodes: number }
  /** `details` is JSON; empty where there is none. `outcomeUnknown`: the tool does not know whether it had its effect. */
  | {
      readonly kind: "error";
      readonly reason: string;
      readonly message: string;
      readonly details: Buffer;
      readonly outcomeUnknown: boolean;
    }
  | { readonly kind: "cancelled" }
  /** Neither a result nor an error. */
  | { readonly kind: "none" };

/** How a call ends at its provider. */
export interface ProviderEnd extends Pick<Completion, "kind" | "reason" | "body"> {
  /** Why a result was not checked against its schema; absent where it was. */
  readonly unchecked?: string;
}

/** What became of the JSON that a provider answered; nothing where there was none. */
export type AnswerJson = ReadJson | UnreadText | undefined;

const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;
const MAX_MESSAGE_CHARACTERS = 4_096;

export interface ResultChecksSettings {
  readonly validators: ValidatorCache;
  readonly texts: TextReader;
  /** The largest result, in bytes. */
  readonly maxResultBytes: number;
  readonly clock: RedisClock;
}

/** So long before a call's deadline its end is on its way to Redis, in milliseconds; half of what is left, where that is less. */
const END_BEFORE_DEADLINE_MS = 1_000;

/**
 * Turns what a provider answered into how the call ends: a result that is not JSON, is too large or does not fit its
 * schema is the tool's error, since agents rely on the schema. A result on which no verdict can be had in time is delivered, and
 * marked as unchecked: the tool ran, and what it found must not be lost.
 */
export class ResultChecks {
  readonly #settings: ResultChecksSettings;

  constructor(settings: ResultChecksSettings) {
    this.#settings = settings;
  }

  /**
   * Reads the JSON of what a provider answered: a promise where that is long, or the node has much to do. Neither throws nor rejects.
   *
   * @returns what `check` takes; nothing where the answer has no JSON.
   */
  read(answer: ProviderAnswer, requester: () => TextRequester): AnswerJson | Promise<AnswerJson> {
    const bytes = jsonOf(answer);
    if (bytes === undefined || (bytes.length === 0 && answer.kind !== "result")) return undefined;
    return this.#settings.texts.read(bytes, { maxBytes: this.#settings.maxResultBytes }, requester);
  }

  /**
   * A promise only where the result is costly to check. Neither throws nor rejects.
   *
   * @param read what `read` made of the answer.
   * @param head what was fixed about the call at its admission: a verdict is of no use after its deadline.
   * @param client whose share of the workers the check takes: the provider's connection.
   */
  check(
    epoch: EpochContract,
    tool: string,
    head: string,
    answer: ProviderAnswer,
    read: AnswerJson,
    client: string,
  ): ProviderEnd | Promise<ProviderEnd> {
    switch (answer.kind) {
      case "result":
        return this.#checkResult(epoch, tool, head, answer, read, client);
      case "cancelled":
        return { kind: "cancelled", reason: "CANCELLED", body: Buffer.alloc(0) };
      case "error": {
        const { reason, message, details, outcomeUnknown } = answer;
        const end = toolError(
          REASON.test(reason) ? reason : "TOOL_ERROR",
          { origin: "tool", message: message.slice(0, MAX_MESSAGE_CHARACTERS) },
          read?.kind === "ok" ? details : undefined,
        );
        return outcomeUnknown ? { ...end, kind: "outcome_unknown" } : end;
      }
      case "none":
        return toolError("INVALID_RESULT", { message: "the provider answered neither a result nor an error" });
      default:
        return answer satisfies never;
    }
  }

  /** How a call ends because a piece of its output is not JSON; nothing when it is. A promise as `read` gives one. */
  checkOutput(
    data: Buffer,
    requester: () => TextRequester,
  ): ProviderEnd | undefined | Promise<ProviderEnd | undefined> {
    const read = this.#settings.texts.read(data, { maxBytes: this.#settings.maxResultBytes }, requester);
    return read instanceof Promise ? read.then(outputFault) : outputFault(read);
  }

  #checkResult(
    epoch: EpochContract,
    tool: string,
    head: string,
    { json: body, lostNodes }: Extract<ProviderAnswer, { kind: "result" }>,
    read: AnswerJson,
    client: string,
  ): ProviderEnd | Promise<ProviderEnd> {
    const { maxResultBytes, validators } = this.#settings;
    if (body.length > maxResultBytes) {
      return toolError("OUTPUT_TOO_LARGE", {
        message: `the result has ${body.length} bytes; at most ${maxResultBytes} are allowed`,
      });
    }
    if (read?.kind !== "ok") return toolError("INVALID_RESULT", { message: `the result ${faultOf(read)}` });
    let validation: Validation | Promise<Validation>;
    try {
      if (epoch.tool(tool)?.result === undefined) return { kind: "result", reason: "", body };
      validation = validators
        .forContract(epoch.digest, epoch.contract())
        .result(tool, read, () => ({ client, withinMs: this.#withinMs(head) }), lostNodes > 0);
    } catch {
      return { kind: "result", reason: "", body, unchecked: "its contract can no longer be read" };
    }
    return validation instanceof Promise ? validation.then((judged) => endOf(judged, body)) : endOf(validation, body);
  }

  /** How long a verdict is of use. */
  #withinMs(head: string): number {
    const leftMs = parseHead(head).deadlineMs - this.#settings.clock.nowMs();
    return leftMs - Math.min(END_BEFORE_DEADLINE_MS, leftMs / 2);
  }
}

/** The JSON of an answer; undefined where its kind has none. */
function jsonOf(answer: ProviderAnswer): Buffer | undefined {
  switch (answer.kind) {
    case "result":
      return answer.json;
    case "error":
      return answer.details;
    default:
      return undefined;
  }
}

/** How many bytes of JSON an answer has. */
export function answerBytes(answer: ProviderAnswer): number {
  return jsonOf(answer)?.length ?? 0;
}

function outputFault(read: ReadJson | UnreadText): ProviderEnd | undefined {
  return read.kind === "ok" ? undefined : toolError("INVALID_RESULT", { message: `the output ${faultOf(read)}` });
}

/** What is wrong with a text, without the names on the way there: they may be data. What was not read has no waiters. */
function faultOf(read: Exclude<AnswerJson, { kind: "ok" }>): string {
  return read?.kind === "malformed" ? `${read.reason}${read.at}` : "was not read";
}

function endOf(validation: Validation, body: Buffer): ProviderEnd {
  switch (validation.kind) {
    case "valid":
      return { kind: "result", reason: "", body };
    case "inconclusive":
      return { kind: "result", reason: "", body, unchecked: validation.why };
    case "invalid": {
      const [first] = validation.violations;
      const where = first === undefined ? "" : `: ${first.field || "the result"} ${first.description}`;
      const message = `the result does not fit the tool's result schema${where}`;
      return toolError("INVALID_RESULT", { message, violations: validation.violations });
    }
    default:
      return validation satisfies never;
  }
}

/**
 * The gateway's verdict, unless the body says that it is the tool's own word.
 *
 * @param details JSON that is written as it is, behind the rest.
 */
function toolError(reason: string, body: Omit<ToolErrorBody, "details">, details?: Buffer): ProviderEnd {
  const text = JSON.stringify({ origin: "gateway", ...body });
  const whole =
    details === undefined
      ? Buffer.from(text)
      : Buffer.concat([Buffer.from(`${text.slice(0, -1)},"details":`), details, Buffer.from("}")]);
  return { kind: "tool_error", reason, body: whole };
}
