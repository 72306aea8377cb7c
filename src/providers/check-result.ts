import type { Completion } from "../calls/complete.js";
import type { EpochView } from "../catalog/toolset-view.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ToolErrorBody } from "../gateway/call-ending.js";
import { RawJson, stringifyJson } from "../json/raw-json.js";
import { readJson } from "../json/scan-json.js";
import type { ProviderResult__Output } from "../protocol/generated/toolgate/v1/ProviderResult.js";
import type { ValidatorCache } from "../schemas/validator-cache.js";

/** How a call ends at its provider. */
export type ProviderEnd = Pick<Completion, "kind" | "reason" | "body">;

const REASON = /^[A-Z][A-Z0-9_]{0,63}$/;
const MAX_MESSAGE_CHARACTERS = 4_096;

/**
 * Turns what a provider answered into how the call ends: a result that is not JSON, is too large or does not fit its
 * schema is the tool's error, since agents rely on the schema.
 */
export class ResultChecks {
  readonly #validators: ValidatorCache;
  readonly #maxResultBytes: number;

  constructor(validators: ValidatorCache, maxResultBytes: number) {
    this.#validators = validators;
    this.#maxResultBytes = maxResultBytes;
  }

  check(epoch: EpochView, tool: string, wire: ProviderResult__Output): ProviderEnd | Promise<ProviderEnd> {
    switch (wire.outcome) {
      case "resultJson":
        return this.#checkResult(epoch, tool, wire.resultJson ?? Buffer.alloc(0));
      case "cancelled":
        return { kind: "cancelled", reason: "CANCELLED", body: Buffer.alloc(0) };
      case "error": {
        const { reason = "", message = "", detailsJson = Buffer.alloc(0) } = wire.error ?? {};
        const details =
          detailsJson.length === 0 ? undefined : readJson(detailsJson, { maxBytes: this.#maxResultBytes });
        return toolError(REASON.test(reason) ? reason : "TOOL_ERROR", {
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
    const read = readJson(data, { maxBytes: this.#maxResultBytes });
    return read.kind === "ok"
      ? undefined
      : toolError("INVALID_RESULT", { message: `the output${read.pointer} ${read.reason}` });
  }

  #checkResult(epoch: EpochView, tool: string, body: Buffer): ProviderEnd | Promise<ProviderEnd> {
    if (body.length > this.#maxResultBytes) {
      return toolError("OUTPUT_TOO_LARGE", {
        message: `the result has ${body.length} bytes; at most ${this.#maxResultBytes} are allowed`,
      });
    }
    const read = readJson(body, { maxBytes: this.#maxResultBytes });
    if (read.kind === "malformed")
      return toolError("INVALID_RESULT", { message: `the result${read.pointer} ${read.reason}` });
    if (epoch.tool(tool)?.result === undefined) return { kind: "result", reason: "", body };
    const validation = this.#validators.forContract(epoch.digest, epoch.contract()).result(tool, read);
    return validation instanceof Promise ? validation.then(judge) : judge(validation);

    function judge(answer: Awaited<typeof validation>): ProviderEnd {
      if (answer.kind === "valid") return { kind: "result", reason: "", body };
      const [first] = answer.violations;
      const where = first === undefined ? "" : `: ${first.field || "the result"} ${first.description}`;
      const message = `the result does not fit the tool's result schema${where}`;
      return toolError("INVALID_RESULT", { message, violations: answer.violations });
    }
  }
}

/** How a call ends whose result cannot be judged: agents rely on the schema. */
export function unjudged(error: unknown): ProviderEnd {
  const why = error instanceof ToolgateError ? error.message : "its schema failed";
  return toolError("INVALID_RESULT", { message: `the result cannot be checked: ${why}` });
}

function toolError(reason: string, body: ToolErrorBody): ProviderEnd {
  return { kind: "tool_error", reason, body: Buffer.from(stringifyJson(body) ?? "") };
}
