import type { IncomingHttpHeaders } from "node:http";
import { Type } from "typebox";
import { invalidField } from "../../identity/names.js";
import type { CallSpec__Output } from "../../protocol/generated/toolgate/v1/CallSpec.js";
import { parseDuration, TIMEOUT_HEADER } from "./duration.js";

/** A key as RFC 8941 has strings, or as most clients send it. */
const KEY = /^"?([\x21\x23-\x5b\x5d-\x7e]{1,256})"?$/;
/** The run that calls have whose caller names none, and can be repeated by their key. */
const RUN_OF_KEYS = "http";
/** The most that a call's own time can be said to be, in milliseconds. */
const MAX_TIMEOUT_MS = 0xffff_ffff;

const optional = (description: string) => Type.Optional(Type.String({ maxLength: 512, description }));
const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 512, description }));

/**
 * The headers of a request that makes a call. One that is there and empty is refused: it comes of a client's unset variable, and without it
 * the call would lose what it was to be protected by. An empty `Prefer` is a list without a preference.
 */
export const CALL_HEADERS = Type.Object({
  "idempotency-key": text(
    "Makes the call repeatable: the same key on the same tool is the same call, and gets its end.",
  ),
  "request-timeout": text("How long the caller waits, and the call may take: `10s`, `500ms`."),
  prefer: optional("`respond-async`: the answer comes as soon as the call is admitted."),
  "toolgate-run-id": text("The agent's run."),
  "toolgate-session-id": text("The conversation."),
  "toolgate-turn-id": text("The turn within it."),
  "toolgate-tool-call-id": text("The model's id of the call; with the run's id it makes the call repeatable."),
  "toolgate-parent-tool-call-id": text("The tool call that caused this one."),
  "toolgate-expect-digest": text("Refuses the call if the contract is not this one any more."),
  "toolgate-on-disconnect": text("`continue` or `cancel`: what to do with the call when the caller goes."),
  "toolgate-webhook": text("A webhook of the caller's tenant, by name, that is to be told how the call ends."),
  "toolgate-no-provider": text("`wait`: waits for a healthy provider within the time of the call."),
});

/** The call that a request makes. @throws ToolgateError INVALID_REQUEST */
export function readCall(
  toolset: string,
  tool: string,
  payload: Buffer,
  headers: IncomingHttpHeaders,
): CallSpec__Output {
  const of = (name: string): string => {
    const value = headers[name];
    return typeof value === "string" ? value : "";
  };
  const key = readKey(of("idempotency-key"));
  const timeout = of(TIMEOUT_HEADER);
  return {
    toolset,
    tool,
    payloadJson: payload,
    meta: {
      runId: of("toolgate-run-id") || (key === "" ? "" : RUN_OF_KEYS),
      sessionId: of("toolgate-session-id"),
      turnId: of("toolgate-turn-id"),
      toolCallId: of("toolgate-tool-call-id") || key,
      parentToolCallId: of("toolgate-parent-tool-call-id"),
      traceparent: "",
      tracestate: "",
    },
    expectDigest: of("toolgate-expect-digest"),
    wait: oneOf("toolgate-no-provider", of("toolgate-no-provider"), {
      "": "WAIT_POLICY_UNSPECIFIED",
      fail: "WAIT_POLICY_FAIL_FAST",
      wait: "WAIT_POLICY_WAIT",
    }),
    onDisconnect: oneOf("toolgate-on-disconnect", of("toolgate-on-disconnect"), {
      "": "ON_DISCONNECT_UNSPECIFIED",
      continue: "ON_DISCONNECT_CONTINUE",
      cancel: "ON_DISCONNECT_CANCEL",
    }),
    timeoutMs: timeout === "" ? 0 : Math.min(MAX_TIMEOUT_MS, parseDuration(timeout, TIMEOUT_HEADER)),
    lostNodes: 0,
    webhook: of("toolgate-webhook"),
  };
}

/** Whether the caller would rather come back for the end (https://www.rfc-editor.org/rfc/rfc7240#section-4.1). */
export function prefersAsync({ prefer }: IncomingHttpHeaders): boolean {
  return typeof prefer === "string" && prefer.split(",").some((one) => one.trim().toLowerCase() === "respond-async");
}

function readKey(header: string): string {
  if (header === "") return "";
  const key = KEY.exec(header)?.[1];
  if (key === undefined)
    throw invalidField("idempotency-key", "must be 1 to 256 visible ASCII characters without quotes");
  return key;
}

function oneOf<const Words extends Readonly<Record<string, string>>>(
  field: string,
  word: string,
  words: Words,
): Words[keyof Words] {
  if (!Object.hasOwn(words, word))
    throw invalidField(field, `must be ${Object.keys(words).filter(Boolean).join(" or ")}`);
  return words[word] as Words[keyof Words]; // its own key
}
