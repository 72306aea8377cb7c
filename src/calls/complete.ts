import { runConfirmed } from "../redis/commits.js";
import type { ShardKeys } from "../redis/keys.js";
import { asArray, asText, evenWhenFull } from "../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import type { EndKind } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import type { Claim } from "./renew-claims.js";

/** How a provider, or its node, ends a call. */
export interface Completion extends Claim {
  readonly kind: Extract<EndKind, "result" | "tool_error" | "cancelled">;
  /** One word; empty with `result`. */
  readonly reason: string;
  readonly body: Buffer;
}

/** `fenced`: the call has ended otherwise, or belongs to another attempt; `gone`: its record is lost. */
export type CompletionAnswer = "accepted" | "fenced" | "gone";

// ARGV[1] completions, a line each: id, owner, attempt, kind, reason; then their bodies. A repeat of what ended the call is
// accepted again: its first answer may have been lost.
const COMPLETE = evenWhenFull(
  defineCallScript(
    "COMPLETE",
    `
local function said_before(call, kind, reason, attempt, body)
  local line = string.find(call.terminal, '\\n', 1, true)
  local former_kind, former_reason, former_attempt = string.match(call.terminal, '^(%S+) (%S+) (%d+) ')
  return former_kind == kind and (kind == 'cancelled' or former_reason == reason) and former_attempt == attempt
    and string.sub(call.terminal, line + 1) == body
end

local answers = {}
for id, owner, attempt, kind, reason in string.gmatch(ARGV[1], '(%S+) (%S+) (%d+) (%S+) (%S+)\\n') do
  local body = ARGV[2 + #answers]
  local call = load_call(id)
  local answer = call and 'fenced' or 'gone'
  if holds(call, owner, attempt) then
    if call.output == 'over' then
      finish(call, 'tool_error', 'OUTPUT_TOO_LARGE', '')
    else
      -- A provider stops because it was told to, or because its own timer was first to see that the deadline passed.
      if kind == 'cancelled' then
        reason = call.cancel or (now >= call.deadline - 1000 and 'DEADLINE_EXCEEDED' or reason)
      end
      finish(call, kind, reason, body)
    end
    answer = 'accepted'
  elseif call and call.terminal and said_before(call, kind, reason, attempt, body) then
    answer = 'accepted'
  end
  answers[#answers + 1] = answer
end
return answers
`,
  ),
);

/** Ends calls with what their providers answered; the answers are in order. */
export async function completeCalls(
  store: CallStore,
  keys: ShardKeys,
  completions: readonly Completion[],
): Promise<CompletionAnswer[]> {
  const lines = completions.map(
    ({ id, owner, attempt, kind, reason }) => `${id} ${owner} ${attempt} ${kind} ${reason || "-"}\n`,
  );
  const bodies = completions.map(({ body }) => body);
  const reply = await runConfirmed(store, keys, COMPLETE, [keys.prefix, keys.due], [lines.join(""), ...bodies]);
  return asArray(reply).map((answer) => asText(answer) as CompletionAnswer); // the script says nothing else
}
