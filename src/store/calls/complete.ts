import type { NodeId } from "../../identity/names.js";
import { runConfirmed } from "../../redis/commits.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asText, evenWhenFull, type Reply } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import { type Ending, type EndKind, endingOf, UNCHECKED } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import type { Claim } from "./renew-claims.js";

/** How a provider, or its node, ends a call. */
export interface Completion extends Claim {
  readonly kind: Extract<EndKind, "result" | "tool_error" | "cancelled" | "not_executed" | "outcome_unknown">;
  /** One word; empty with `result`. */
  readonly reason: string;
  readonly body: Buffer;
  /** With `result`: it was not checked against its schema, since no verdict could be had. */
  readonly unchecked?: boolean;
}

export type CompletionAnswer =
  | { readonly kind: "accepted"; readonly ending: Ending }
  /** The call has ended otherwise, or belongs to another attempt. */
  | { readonly kind: "fenced" }
  /** Its record is lost. */
  | { readonly kind: "gone" };

// A repeat of what ended the call is accepted again: its first answer may have been lost, and the second time a verdict on it may be had.
// The body's length is said where it is another one than came.
const COMPLETE = evenWhenFull(
  defineCallScript(
    "COMPLETE",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] the calls' ids, [2] completions, a line each: owner, attempt, kind, reason; [3] this node; then their bodies
-- Returns for each completion how the call ended: the time, where it ended as was asked; else 'accepted <bytes of its body, or nothing>
--         <line of the terminal>', 'fenced' or 'gone'
local function said_before(call, kind, reason, attempt, body)
  if not call.whole then
    call.terminal, call.whole = string.match(redis.call('GET', call.key), '\\n(.*)$'), true
  end
  local line = string.find(call.terminal, '\\n', 1, true)
  local former_kind, former_reason, former_attempt = string.match(call.terminal, '^(%S+) (%S+) (%d+) ')
  return former_kind == kind and (kind == 'cancelled' or kind == 'result' or former_reason == reason) and former_attempt == attempt
    and string.sub(call.terminal, line + 1) == body
end

here = ARGV[3]
local function accepted(terminal)
  local line = string.find(terminal, '\\n', 1, true)
  return 'accepted ' .. text[#terminal - line] .. ' ' .. string.sub(terminal, 1, line - 1)
end

local ids = {}
for id in string.gmatch(ARGV[1], '%S+') do ids[#ids + 1] = id end
fetch_calls(ids)

local answers = {}
for owner, attempt, kind, reason in string.gmatch(ARGV[2], '(%S+) (%d+) (%S+) (%S+)\\n') do
  local place = #answers + 1
  local call, body = load_call(ids[place]), ARGV[3 + place]
  local answer = call and 'fenced' or 'gone'
  if holds(call, owner, attempt) then
    if call.output == 'over' then
      answer = accepted(finish(call, 'tool_error', 'OUTPUT_TOO_LARGE', ''))
    elseif kind == 'cancelled' then
      -- A provider stops because it was told to, or because its own timer was first to see that the deadline passed.
      answer = accepted(finish(call, kind, call.cancel or (now >= call.deadline - 1000 and 'DEADLINE_EXCEEDED' or reason), body))
    else
      finish(call, kind, reason, body)
      answer = now
    end
  elseif call and call.terminal and said_before(call, kind, reason, attempt, body) then
    answer = accepted(call.terminal)
  end
  answers[place] = answer
end
return answers
`,
  ),
);

/** Ends calls with what their providers answered; the answers are in order. This node is not notified by the script: the answers say it. */
export async function completeCalls(
  store: CallStore,
  keys: ShardKeys,
  node: NodeId,
  completions: readonly Completion[],
): Promise<CompletionAnswer[]> {
  const ids = completions.map(({ id }) => id).join(" ");
  const lines = completions.map(
    ({ owner, attempt, kind, reason, unchecked }) =>
      `${owner} ${attempt} ${kind} ${unchecked === true ? UNCHECKED : reason || "-"}\n`,
  );
  const bodies = completions.map(({ body }) => body);
  const args = [ids, lines.join(""), node, ...bodies];
  const answers = asArray(await runConfirmed(store, keys, COMPLETE, [keys.prefix, keys.due], args));
  return completions.map((completion, index) => toAnswer(answers[index], completion));
}

const EMPTY: Buffer = Buffer.alloc(0);

function toAnswer(
  answer: Reply | undefined,
  { kind, reason, attempt, body, unchecked = false }: Completion,
): CompletionAnswer {
  if (typeof answer === "number")
    return { kind: "accepted", ending: { kind, reason, attempt, endedAtMs: answer, body, unchecked } };
  const [word, bytes, ...ending] = asText(answer).split(" ");
  if (word !== "accepted") return { kind: word === "gone" ? "gone" : "fenced" };
  return { kind: "accepted", ending: endingOf(ending, bytes === "0" ? EMPTY : body) };
}
