import type { CallId } from "../../identity/call-id.js";
import type { Epoch, NodeId, ToolsetName } from "../../identity/names.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asText, evenWhenFull, runScript } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import type { StopReason } from "./call-record.js";
import type { CallStore } from "./call-store.js";

/** A claim that a provider still works on. */
export interface Claim {
  readonly id: CallId;
  /** provider/incarnation. */
  readonly owner: string;
  readonly attempt: number;
}

/** A claim that is to be extended. */
export interface HeldClaim extends Claim {
  /** What the provider serves: another toolset may have a provider of the same name. */
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
}

/** A reason: held, and to be stopped; `fenced`: not this owner's and attempt's any more; `gone`: its record is lost. */
export type ClaimAnswer = "held" | StopReason | "fenced" | "gone";

const RENEW_CLAIMS = evenWhenFull(
  defineCallScript(
    "RENEW_CLAIMS",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] claim lease of once, [2] of idempotent, [3] node; then for each claim: toolset, epoch, id, owner, attempt
-- Returns for each claim 'held', why it was asked to stop, 'fenced' (another has it, or it has ended) or 'gone' (no record)
local answers = {}
for i = 4, #ARGV, 5 do
  local call = load_call(ARGV[i + 2])
  if holds(call, ARGV[i + 3], ARGV[i + 4]) and call.toolset == ARGV[i] and call.epoch == ARGV[i + 1] then
    claim(call, call.owner, ARGV[3], call.delivery == 'idempotent' and tonumber(ARGV[2]) or tonumber(ARGV[1]))
    answers[#answers + 1] = call.cancel or 'held'
  else
    answers[#answers + 1] = call and 'fenced' or 'gone'
  end
end
return answers
`,
  ),
);

/** The most claims that one execution extends: ten thousand at once held Redis up for 200 ms. */
const MAX_BATCH = 256;

/** Extends claims of one shard; the answers are in their order. */
export async function renewClaims(
  store: CallStore,
  keys: ShardKeys,
  node: NodeId,
  claims: readonly HeldClaim[],
): Promise<ClaimAnswer[]> {
  const answers: ClaimAnswer[] = [];
  for (let start = 0; start < claims.length; start += MAX_BATCH) {
    answers.push(...(await renewBatch(store, keys, node, claims.slice(start, start + MAX_BATCH))));
  }
  return answers;
}

async function renewBatch(
  store: CallStore,
  keys: ShardKeys,
  node: NodeId,
  claims: readonly HeldClaim[],
): Promise<ClaimAnswer[]> {
  const args = claims.flatMap((claim) => [claim.toolset, claim.epoch, claim.id, claim.owner, claim.attempt]);
  const leases = [store.claimLeaseMs.once, store.claimLeaseMs.idempotent];
  const reply = await runScript(store.redis, RENEW_CLAIMS, [keys.prefix, keys.due], [...leases, node, ...args]);
  return asArray(reply).map((answer) => asText(answer) as ClaimAnswer); // the script says nothing else
}
