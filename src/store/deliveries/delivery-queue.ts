import type { CallId } from "../../identity/call-id.js";
import type { ShardKeys } from "../../redis/keys.js";
import { readLua } from "../../redis/lua-file.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asArray, asNumber, asText, defineScript, evenWhenFull, runScript } from "../../redis/script.js";
import { type EndedCall, parseEndLine } from "../calls/ended-calls.js";
import { KEEP_ASIDE_LUA } from "../keep-aside-lua.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { DELIVERIES_KEPT_MS, DELIVERY_FORMAT, MAX_FAILED } from "./delivery-format.js";

/** A webhook, as `tenant/name`. */
export type WebhookPath = string;

/** A delivery whose next attempt is this node's. */
export interface ClaimedDelivery {
  readonly webhook: WebhookPath;
  readonly call: EndedCall;
  /** Counted from 1. */
  readonly attempt: number;
}

/** What becomes of a delivery after an attempt. */
export type DeliveryVerdict =
  | { readonly kind: "done" }
  /** `why`: what came of the attempt, as one word. */
  | { readonly kind: "retry"; readonly why: string; readonly delayMs: number }
  | { readonly kind: "failed"; readonly why: string };

const SHARED_LUA = [
  WRONG_TYPE_LUA,
  "local prefix = KEYS[1]",
  KEEP_ASIDE_LUA,
  readLua(import.meta.url, "delivery-queue.lua", { DELIVERY_FORMAT, DELIVERIES_KEPT_MS, MAX_FAILED }),
];

const CLAIM_DELIVERIES = evenWhenFull(
  defineScript(
    "CLAIM_DELIVERIES",
    ...SHARED_LUA,
    `
-- KEYS    [1] prefix
-- ARGV    [1] how long a claim holds, in milliseconds; [2] webhooks, a line each: webhook, the most deliveries
-- Returns for each delivery that was claimed its webhook, the attempt, and the call's end
local claimed = {}
for webhook, most in string.gmatch(ARGV[2], '(%S+) (%d+)\\n') do
  local queue = queue_of(webhook)
  local ids = redis.call('ZRANGEBYSCORE', queue.due, '-inf', now, 'LIMIT', 0, most)
  for _, id in ipairs(ids) do
    local delivery, format = queue.read(id)
    if delivery then
      queue.write(id, delivery.attempts + 1, delivery.last, delivery.said, now + ARGV[1])
      claimed[#claimed + 1] = webhook
      claimed[#claimed + 1] = delivery.attempts + 1
      claimed[#claimed + 1] = delivery.said
    elseif format then
      redis.call('ZADD', queue.due, now + ARGV[1], id) -- a later version's: it knows what to do
    else
      queue.remove(id)
    end
  end
end
return claimed
`,
  ),
);

const FINISH_DELIVERY = evenWhenFull(
  defineScript(
    "FINISH_DELIVERY",
    ...SHARED_LUA,
    `
-- KEYS    [1] prefix
-- ARGV    [1] webhook, [2] call, [3] attempt, [4] done, retry or failed, [5] what came of the attempt, [6] in how many milliseconds to retry
-- Returns 1; 0 where it is another attempt's by now, and nothing was done
local queue = queue_of(ARGV[1])
local delivery = queue.read(ARGV[2])
if not delivery or delivery.attempts ~= tonumber(ARGV[3]) then return 0 end
if ARGV[4] == 'retry' then
  queue.write(ARGV[2], delivery.attempts, ARGV[5], delivery.said, now + ARGV[6])
else
  queue.remove(ARGV[2])
  if ARGV[4] == 'failed' then queue.give_up(ARGV[2], ARGV[5], delivery) end
end
return 1
`,
  ),
);

/**
 * Claims deliveries of one shard whose time has come: what is not finished within the claim is offered again.
 *
 * @param wanted webhooks, and the most deliveries of each
 * @param claimMs how long a claim holds, in milliseconds
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function claimDeliveries(
  redis: RedisClient,
  keys: ShardKeys,
  wanted: readonly (readonly [WebhookPath, number])[],
  claimMs: number,
): Promise<readonly ClaimedDelivery[]> {
  const lines = wanted.map(([webhook, most]) => `${webhook} ${most}\n`).join("");
  const reply = asArray(await runScript(redis, CLAIM_DELIVERIES, [keys.prefix], [claimMs, lines]));
  const claimed: ClaimedDelivery[] = [];
  for (let at = 0; at + 2 < reply.length; at += 3)
    claimed.push({
      webhook: asText(reply[at]),
      attempt: asNumber(reply[at + 1]),
      call: parseEndLine(asText(reply[at + 2])),
    });
  return claimed;
}

/**
 * Says what came of an attempt.
 *
 * @returns whether that counts: false where the claim had ended, and another attempt was begun.
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function finishDelivery(
  redis: RedisClient,
  keys: ShardKeys,
  {
    webhook,
    call,
    attempt,
  }: { readonly webhook: WebhookPath; readonly call: { readonly id: CallId }; readonly attempt: number },
  verdict: DeliveryVerdict,
): Promise<boolean> {
  const [why, delayMs] = [verdict.kind === "done" ? "-" : verdict.why, verdict.kind === "retry" ? verdict.delayMs : 0];
  const args = [webhook, call.id, attempt, verdict.kind, why, Math.ceil(delayMs)];
  return asNumber(await runScript(redis, FINISH_DELIVERY, [keys.prefix], args)) === 1;
}
