import type { ShardKeys } from "../redis/keys.js";
import { asArray, asText, defineScript, runScript } from "../redis/script.js";
import { CALL_LUA } from "./call-lua.js";
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

/** `fenced`: the call has ended otherwise, or belongs to another attempt. */
export type CompletionAnswer = "accepted" | "fenced";

// Per completion: id, owner, attempt, kind, reason, body. A repeat of what ended the call is accepted again: its first
// answer may have been lost.
const COMPLETE = defineScript(
  "COMPLETE",
  CALL_LUA,
  `
local answers = {}
for i = 1, #ARGV, 6 do
  local call = load_call(ARGV[i])
  local answer = 'fenced'
  if holds(call, ARGV[i + 1], ARGV[i + 2]) then
    if call.bytes and redis.call('HGET', prefix .. 'call:' .. call.id, 'over') then
      finish(call, 'tool_error', 'OUTPUT_TOO_LARGE', '')
    else
      local reason = ARGV[i + 4]
      -- A provider stops because it was told to, or because its own timer was first to see that the deadline passed.
      if ARGV[i + 3] == 'cancelled' then
        reason = call.cancel or (now >= call.deadline - 1000 and 'DEADLINE_EXCEEDED' or reason)
      end
      finish(call, ARGV[i + 3], reason, ARGV[i + 5])
    end
    answer = 'accepted'
  elseif call and call.terminal then
    local line = string.find(call.terminal, '\\n', 1, true)
    local kind, reason, attempt = string.match(call.terminal, '^(%S+) (%S+) (%d+) ')
    if kind == ARGV[i + 3] and (kind == 'cancelled' or reason == ARGV[i + 4]) and attempt == ARGV[i + 2] and string.sub(call.terminal, line + 1) == ARGV[i + 5] then
      answer = 'accepted'
    end
  end
  answers[#answers + 1] = answer
end
return answers
`,
);

/** Ends calls with what their providers answered; the answers are in order. */
export async function completeCalls(
  store: CallStore,
  keys: ShardKeys,
  completions: readonly Completion[],
): Promise<CompletionAnswer[]> {
  const args = completions.flatMap((done) => [
    done.id,
    done.owner,
    done.attempt,
    done.kind,
    done.reason || "-",
    done.body,
  ]);
  const reply = await runScript(store.redis, COMPLETE, [keys.prefix, keys.due], args);
  return asArray(reply).map((answer) => (asText(answer) === "accepted" ? "accepted" : "fenced"));
}
