import type { ShardKeys } from "../redis/keys.js";
import { asArray, asText, runScript } from "../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import type { CallStore } from "./call-store.js";
import type { Claim } from "./renew-claims.js";

/** A piece of output of a running call. */
export interface Output extends Claim {
  readonly data: Buffer;
}

/** `over`: the call's output is at its limit, and this piece was not kept. */
export type OutputAnswer = "kept" | "fenced" | "over";

// ARGV[1] most pieces, [2] most bytes; then per piece: id, owner, attempt, data.
const APPEND = defineCallScript(
  "APPEND",
  `
local answers = {}
for i = 3, #ARGV, 4 do
  local id, data = ARGV[i], ARGV[i + 3]
  local call = load_call(id)
  local result = prefix .. 'result:' .. id
  if not holds(call, ARGV[i + 1], ARGV[i + 2]) then
    answers[#answers + 1] = 'fenced'
  elseif call.output == 'over' or (tonumber(call.output) or 0) + #data > tonumber(ARGV[2])
    or redis.call('XLEN', result) >= tonumber(ARGV[1]) then
    -- The result may be right behind: it must not look as if the output were whole.
    call.output = 'over'
    save_call(call)
    answers[#answers + 1] = 'over'
  else
    redis.call('XADD', result, '*', 'attempt', call.attempt, 'data', data)
    redis.call('PEXPIREAT', result, call.expires)
    call.output = text[(tonumber(call.output) or 0) + #data]
    save_call(call)
    ring(call.watchers, 'd', id, '')
    answers[#answers + 1] = 'kept'
  end
end
return answers
`,
);

/** Appends output to the calls' result streams, in order, and rings whoever follows them; the answers are in order. */
export async function appendOutput(
  store: CallStore,
  keys: ShardKeys,
  outputs: readonly Output[],
): Promise<OutputAnswer[]> {
  const args = outputs.flatMap((output) => [output.id, output.owner, output.attempt, output.data]);
  const reply = await runScript(
    store.redis,
    APPEND,
    [keys.prefix, keys.due],
    [store.maxDeltas, store.maxOutputBytes, ...args],
  );
  return asArray(reply).map((answer) => {
    const word = asText(answer);
    return word === "kept" || word === "over" ? word : "fenced";
  });
}
