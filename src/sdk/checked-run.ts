import type { Violation } from "../errors/toolgate-error.js";
import { MAX_VIOLATIONS } from "../errors/toolgate-error.js";
import { pointerOf } from "../json/pointer.js";
import { RawJson } from "../json/raw-json.js";
import type { ReadSchema } from "./read-schema.js";
import type { RunTool } from "./running-call.js";
import type { StandardIssue, StandardResult } from "./standard-schema.js";
import { ToolFailure } from "./tool-failure.js";

/** The reason of a call whose payload fits the JSON Schema and not what the schema's library checks beyond it. */
export const PAYLOAD_REFUSED = "PAYLOAD_REFUSED";
/** The reason of a call whose result is not what its schema asks for. */
const INVALID_RESULT = "INVALID_RESULT";
/** The most of a library's message that is reported, in characters. */
const MAX_DESCRIPTION_CHARS = 256;

/**
 * A tool's code between what its schemas check beyond their JSON Schemas: the code gets what comes out of the payload's schema
 * (with defaults, transforms and refinements), and gives what goes into the result's. Without such schemas it is the code itself.
 *
 * The gateway has checked the payload by the JSON Schema before; a refinement that it cannot know fails here, as a tool error
 * with the places in its details.
 */
export function checkedRun(run: RunTool, payload: ReadSchema, result: ReadSchema | undefined): RunTool {
  const { validate: checkPayload } = payload;
  const checkResult = result?.validate;
  let checked = run;
  if (checkResult !== undefined) {
    const inner = checked;
    checked = (input, context) =>
      chain(inner(input, context), (value) =>
        // What is sent as it is has no value to check here; the gateway checks it by the JSON Schema.
        value instanceof RawJson ? value : outcome(checkResult(value), refusedResult),
      );
  }
  if (checkPayload !== undefined) {
    const inner = checked;
    checked = (input, context) => chain(outcome(checkPayload(input), refusedPayload), (value) => inner(value, context));
  }
  return checked;
}

/** Goes on with a value, at once where it is there. */
function chain(value: unknown, next: (value: unknown) => unknown): unknown {
  return isPromiseLike(value) ? Promise.resolve(value).then(next) : next(value);
}

function outcome(
  result: StandardResult | Promise<StandardResult>,
  refuse: (issues: readonly StandardIssue[]) => ToolFailure,
): unknown {
  return chain(result, (settled) => {
    const { value, issues } = settled as { value?: unknown; issues?: readonly StandardIssue[] | undefined }; // chain waited for it
    if (issues === undefined) return value;
    throw refuse(issues);
  });
}

function refusedPayload(issues: readonly StandardIssue[]): ToolFailure {
  const violations = violationsOf(issues);
  const message = `The payload is not what the tool's schema asks for: ${summary(violations, "the payload")}`;
  return new ToolFailure(PAYLOAD_REFUSED, message, { violations });
}

function refusedResult(issues: readonly StandardIssue[]): ToolFailure {
  const violations = violationsOf(issues);
  const message = `The tool's result is not what its schema asks for: ${summary(violations, "the result")}`;
  return new ToolFailure(INVALID_RESULT, message, { violations });
}

function violationsOf(issues: readonly StandardIssue[]): Violation[] {
  return issues.slice(0, MAX_VIOLATIONS).map(({ message, path = [] }) => ({
    field: pointerOf(path.map((step) => String(typeof step === "object" ? step.key : step))),
    description: message.slice(0, MAX_DESCRIPTION_CHARS),
  }));
}

function summary(violations: readonly Violation[], whole: string): string {
  const [first] = violations;
  return first === undefined
    ? `${whole} was refused without a reason`
    : `${first.field || whole}: ${first.description}`;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  const canHave = (typeof value === "object" && value !== null) || typeof value === "function";
  return canHave && "then" in value && typeof value.then === "function";
}
