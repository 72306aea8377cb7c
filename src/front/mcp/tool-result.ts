import { status } from "../../errors/grpc-status.js";
import type { ToolgateError } from "../../errors/toolgate-error.js";
import { MCP_ERROR } from "../../hosting/call-tool.js";
import { memberOf, slicesOf } from "../../json/json-slices.js";
import { RawJson } from "../../json/raw-json.js";
import type { Terminal } from "../../protocol/generated/toolgate/v1/Terminal.js";
import { errorOf, executedOf } from "../http/schemas/call-schemas.js";
import { rawOf } from "../http/schemas/raw.js";
import { dataOf, type ErrorData } from "./errors.js";
import type { ToolForm } from "./listed-tool.js";
import { type Reply, type RpcError, result } from "./reply.js";
import { isModern, type Revision } from "./revision.js";

/*
 * How calls end, as results of MCP's `tools/call`. An answer of a mounted server is handed on in its own bytes. Of any other result there
 * is the value as `structuredContent`, and its text for clients that only show texts.
 *
 * Whatever comes after a call was admitted is a result, so that the model that asked for it learns of it; where it is no result of the
 * tool, `isError` says so, and `_meta` has the reason for programs.
 */

/** Where results and errors have what programs read. */
export const ERROR_META = "com.toolgate/error";

/** The most of details that are put into a text, in bytes. */
const MAX_DETAILS_BYTES = 4_096;

type Content = { readonly type: "text"; readonly text: string };

/** A call's end as the end of a request: a result, but for the errors of JSON-RPC that mounted servers answer with. */
export function endedReply(terminal: Terminal, callId: string, form: ToolForm, revision: Revision): Reply {
  const error = form.result === "answer" ? serversError(terminal) : undefined;
  return error === undefined ? result(endedResult(terminal, callId, form, revision)) : { kind: "error", error };
}

/** The error of JSON-RPC that a mounted server has answered with. */
function serversError({ kind, error }: Terminal): RpcError | undefined {
  if (kind !== "TERMINAL_KIND_TOOL_ERROR") return undefined;
  const { reason, message, details } = errorOf(error ?? {});
  if (reason !== MCP_ERROR || !(details instanceof RawJson)) return undefined;
  const code = Number(memberOf(details.bytes, "code"));
  const data = memberOf(details.bytes, "data");
  if (!Number.isSafeInteger(code)) return undefined;
  return { code, message, ...(data === undefined ? {} : { data: new RawJson(data) }) };
}

function endedResult(terminal: Terminal, callId: string, form: ToolForm, revision: Revision): object {
  const { kind, error } = terminal;
  if (kind === "TERMINAL_KIND_RESULT") return resultOf(rawOf(terminal.resultJson), form, revision);
  const { reason, origin, message, retryAfterMs, violations, details } = errorOf(error ?? {});
  const executed = executedOf(terminal.executed);
  if (kind === "TERMINAL_KIND_TOOL_ERROR" && form.result === "answer" && details instanceof RawJson) {
    const answer = answerWith(details, [["isError", "true"]], revision);
    if (answer !== undefined) return answer;
  }
  const data: ErrorData = {
    reason,
    executed,
    ...(typeof retryAfterMs === "number" ? { retry_after_ms: retryAfterMs } : {}),
    call_id: callId,
    ...(Array.isArray(violations) ? { violations } : {}),
  };
  const own = details instanceof RawJson && details.bytes.length <= MAX_DETAILS_BYTES ? `\n${details.text}` : "";
  // A tool's own words are for the model as they are; of the gateway's it needs to know whether the tool ran.
  const text = origin === "tool" ? `${message}${own}` : `${message} ${sentences(data)}`;
  return failedResult(text, data, revision);
}

/**
 * A refusal that the model can do something about, or has to know of: arguments that do not fit, or a call that may have run.
 *
 * @returns nothing for one that only its program can do something about
 */
export function refusedResult(error: ToolgateError, form: ToolForm, revision: Revision): object | undefined {
  const isArguments = error.status === status.INVALID_ARGUMENT && error.reason !== "INVALID_REQUEST";
  if (!isArguments && error.executed === "no") return undefined;
  const data = dataOf(error);
  const places = error.violations
    .filter(({ description }) => form.payload === "wrapped" || !error.message.includes(description))
    .map(({ field, description }) => `${shownPlace(field, form)} ${description}`);
  const text = [error.message, ...(isArguments ? places : [sentences(data)])].join("\n");
  return failedResult(text, data, revision);
}

/** A place in the payload, as the arguments have it. */
function shownPlace(field: string, { payload }: ToolForm): string {
  return payload === "wrapped" ? `/payload${field}` : field;
}

function sentences({ reason, executed, call_id: callId }: ErrorData): string {
  const ran = {
    no: "The tool did not run.",
    yes: "The tool ran.",
    unknown: "Whether the tool ran is not known: look at what it would have changed before you call it again.",
  }[executed as "no" | "yes" | "unknown"];
  return `(${reason}) ${ran}${callId === undefined ? "" : ` Call ${callId}.`}`;
}

function failedResult(text: string, data: ErrorData, revision: Revision): object {
  return {
    ...complete(revision),
    content: [{ type: "text", text } satisfies Content],
    isError: true,
    _meta: { [ERROR_META]: data },
  };
}

function resultOf(raw: RawJson | undefined, form: ToolForm, revision: Revision): object {
  if (raw === undefined) return { ...complete(revision), content: [] };
  if (form.result === "answer") return answerWith(raw, [], revision) ?? valueResult(raw, revision);
  return valueResult(raw, revision);
}

function valueResult(raw: RawJson, revision: Revision): RawJson {
  const first = raw.bytes.find((byte) => byte > 0x20);
  const text = JSON.stringify(first === QUOTE ? String(raw.parse()) : raw.text);
  const head = `{${isModern(revision) ? COMPLETE : ""}"content":[{"type":"text","text":${text}}]`;
  // Before 2026-07-28 structured content was an object.
  if (!isModern(revision) && first !== OPEN_OBJECT) return new RawJson(Buffer.from(`${head}}`));
  return new RawJson(Buffer.concat([Buffer.from(`${head},"structuredContent":`), raw.bytes, Buffer.from("}")]));
}

const COMPLETE = '"resultType":"complete",';

/** An answer of a mounted server with further members. @returns nothing where it is none */
function answerWith(
  { bytes }: RawJson,
  more: readonly (readonly [key: string, json: string])[],
  revision: Revision,
): RawJson | undefined {
  if (bytes.find((byte) => byte > 0x20) !== OPEN_OBJECT) return undefined;
  const members = [...slicesOf(bytes)];
  if (!members.some(({ key }) => key === "content")) return undefined;
  const added = [...(isModern(revision) ? [["resultType", '"complete"'] as const] : []), ...more];
  const names = new Set(added.map(([key]) => key));
  const written = added.map(([key, json]) => `,"${key}":${json}`).join("");
  // What it says of these itself is about the exchange that it was part of.
  const kept = members.filter(({ key = "" }) => !names.has(key));
  if (kept.length === members.length) {
    let end = bytes.length - 1;
    while (bytes[end] !== CLOSE_OBJECT) end--;
    return new RawJson(Buffer.concat([bytes.subarray(0, end), Buffer.from(`${written}}`)]));
  }
  const texts = kept.map(({ key = "", start, end }) => `${JSON.stringify(key)}:${bytes.toString("utf8", start, end)}`);
  return new RawJson(Buffer.from(`{${texts.join(",")}${written}}`));
}

function complete(revision: Revision): object {
  return isModern(revision) ? { resultType: "complete" } : {};
}

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
