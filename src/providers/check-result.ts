import { parseHead } from "../calls/call-record.js";
import type { Completion } from "../calls/complete.js";
import type { EpochContract } from "../catalog/toolset-view.js";
import type { ToolErrorBody } from "../gateway/call-ending.js";
import { RawJson, stringifyJson } from "../json/raw-json.js";
import { readJson } from "../json/scan-json.js";
import type { ProviderResult__Output } from "../protocol/generated/toolgate/v1/ProviderResult.js";
import type { RedisClock } from "../redis/redis-time.js";
import type { Validation } from "../schemas/validation.js";
import type { ValidatorCache } from "../schemas/validator-cache.js";

/** How a call ends at its provider. */
export interface ProviderEnd extends Pick<Completion, "kind" | "reason" | "body"> {
  /** Why a result was not checked against its schema; absent where it was. */
  readonly unchecked?: string;
}

const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;
const MAX_MESSAGE_CHARACTERS = 4_096;

export interface ResultChecksSettings {
  readonly validators: ValidatorCache;
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
   * A promise only where the result is costly to check. Neither throws nor rejects.
   *
   * @param head what was fixed about the call at its admission: a verdict is of no use after its deadline.
   * @param client whose share of the workers the check takes: the provider's connection.
   */
  check(
    epoch: EpochContract,
    tool: string,
    head: string,
    wire: ProviderResult__Output,
    client: string,
  ): ProviderEnd | Promise<ProviderEnd> {
    switch (wire.outcome) {
      case "resultJson":
        return this.#checkResult(epoch, tool, head, wire, client);
      case "cancelled":
        return { kind: "cancelled", reason: "CANCELLED", body: Buffer.alloc(0) };
      case "error": {
        const { reason = "", message = "", detailsJson = Buffer.alloc(0) } = wire.error ?? {};
        const details =
          detailsJson.length === 0 ? undefined : readJson(detailsJson, { maxBytes: this.#settings.maxResultBytes });
        return toolError(REASON.test(reason) ? reason : "TOOL_ERROR", {
          origin: "tool",
          message: message.slice(0, MAX_MESSAGE_CHARACTERS),
          ...(details?.kind === "ok" ? { details: new RawJson(detailsJson) } : {}),
        });
      }
      default:
        return toolError("INVALID_RESULT", { message: "the provider answered neither a result nor an error" });
    }
  }

  /** How a call ends because a piece of its output is not JSON; nothing when it is. */
  checkOutput(data: Buffer): ProviderEnd | undefined {
    const read = readJson(data, { maxBytes: this.#settings.maxResultBytes });
    return read.kind === "ok"
      ? undefined
      : toolError("INVALID_RESULT", { message: `the output ${read.reason}${read.at}` });
  }

  #checkResult(
    epoch: EpochContract,
    tool: string,
    head: string,
    { resultJson, lostNodes }: ProviderResult__Output,
    client: string,
  ): ProviderEnd | Promise<ProviderEnd> {
    const body = resultJson ?? Buffer.alloc(0);
    const { maxResultBytes, validators } = this.#settings;
    if (body.length > maxResultBytes) {
      return toolError("OUTPUT_TOO_LARGE", {
        message: `the result has ${body.length} bytes; at most ${maxResultBytes} are allowed`,
      });
    }
    const read = readJson(body, { maxBytes: maxResultBytes });
    if (read.kind === "malformed")
      return toolError("INVALID_RESULT", { message: `the result ${read.reason}${read.at}` });
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

function endOf(validation: Validation, body: Buffer): ProviderEnd {
  switch (validation.kind) {
    case "valid":
      return { kind: "result", reason: "", body };
    case "unjudged":
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

/** The gateway's verdict, unless the body says that it is the tool's own word. */
function toolError(reason: string, body: ToolErrorBody): ProviderEnd {
  return { kind: "tool_error", reason, body: Buffer.from(stringifyJson({ origin: "gateway", ...body }) ?? "") };
}
