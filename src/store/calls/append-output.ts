import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asText, runScript } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import type { CallStore } from "./call-store.js";
import type { Claim } from "./renew-claims.js";

/** A piece of output of a running call. */
export interface Output extends Claim {
  readonly data: Buffer;
}

/** `over`: the call's output is at its limit, and this piece was not kept. */
export type OutputAnswer = "kept" | "fenced" | "over";

// A call's pieces are appended one after the other: its record is read and written, and its watchers are notified, once for all of them.
const APPEND = defineCallScript(
  "APPEND",
  `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] most pieces, [2] most bytes; then for each piece: id, owner, attempt, data
-- Returns for each piece 'kept', 'over' (the call's output is full) or 'fenced'
local max_pieces, max_bytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local ids, pieces_of = {}, {}
for i = 3, #ARGV, 4 do
  local id = ARGV[i]
  if not pieces_of[id] then
    ids[#ids + 1], pieces_of[id] = id, {}
  end
  table.insert(pieces_of[id], i)
end

local function append(call, result, length, data)
  local bytes = (tonumber(call.output) or 0) + #data
  if call.output == 'over' or bytes > max_bytes or length >= max_pieces then
    -- The result may be right behind: it must not look as if the output were whole.
    call.output = 'over'
    return 'over'
  end
  redis.call('XADD', result, '*', 'attempt', text[call.attempt], 'data', data)
  if length == 0 then redis.call('PEXPIREAT', result, call.expires) end
  call.output = text[bytes]
  return 'kept'
end

local answers = {}
for _, id in ipairs(ids) do
  local call, result = load_call(id), prefix .. 'result:' .. id
  local kept, length = 0, nil
  for _, i in ipairs(pieces_of[id]) do
    local answer = 'fenced'
    if holds(call, ARGV[i + 1], ARGV[i + 2]) then
      length = length or stream_length('result:' .. id)
      answer = append(call, result, length + kept, ARGV[i + 3])
      if answer == 'kept' then kept = kept + 1 end
    end
    answers[(i + 1) / 4] = answer
  end
  if length then save_call(call) end
  if kept > 0 then notify(call.watchers, 'd', id, '') end
end
return answers
`,
);

/** Appends output to the calls' result streams, in order, and notifies the nodes that follow them; the answers are in order. */
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
