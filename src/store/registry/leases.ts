import { ToolgateError } from "../../errors/toolgate-error.js";
import type { LeaseTokenHash } from "../../identity/lease-token.js";
import type { Epoch, Incarnation, ProviderId, ToolsetName } from "../../identity/names.js";
import { plainName } from "../../identity/toolset-name.js";
import { asArray, asNumber, asText, evenWhenFull, type Reply } from "../../redis/script.js";
import { letGo } from "../calls/let-go.js";
import { defineRegistryScript } from "./epoch-lua.js";
import { type RegistryStore, runRegistryScript, runShardScript } from "./registry-store.js";
import { type EpochState, parseEpochState } from "./toolset-record.js";

/** A provider's lease, with the proof of it. */
export interface Lease {
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
  readonly provider: ProviderId;
  readonly incarnation: Incarnation;
  /** The token itself is its provider's secret, and stays with it. */
  readonly tokenHash: LeaseTokenHash;
}

/** What became of one renewal. */
export type LeaseAnswer =
  | { readonly kind: "held"; readonly untilMs: number; readonly state: EpochState }
  /** It ended, was released, or its epoch is gone: register again. */
  | { readonly kind: "lost" }
  /** A later incarnation of the same provider holds it. */
  | { readonly kind: "replaced" }
  /** The epoch was retired: do not come back. */
  | { readonly kind: "gone" }
  /** The toolset was unregistered: do not come back. */
  | { readonly kind: "unregistered" };

/** How a lease can be no more. */
export type LeaseEnd = Exclude<LeaseAnswer["kind"], "held">;

export interface Renewal {
  readonly lease: Lease;
  /** The most calls at once; 0 leaves it as it is. */
  readonly room: number;
  /** `keep`: as it is. `out`: gets no calls until its next pong, unless it has another session. `drain`: gets none any more. */
  readonly routing: "keep" | "out" | "drain";
  /** The session that takes calls for this provider from now on; with `out`, the one that it is taken out for. Empty leaves it as it is. */
  readonly session: string;
}

const RENEW = evenWhenFull(
  defineRegistryScript(
    "RENEW",
    `
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes
-- ARGV    [1] how old a pong may be, in milliseconds; [2] lease length; then for each renewal: name, epoch, provider, incarnation,
--         token hash, room, routing, session
-- Returns for each renewal { 'held', end of the lease, state of the epoch }, or { 'lost' }, { 'replaced' }, { 'gone' } or {
--         'unregistered' }
local lease_ms = tonumber(ARGV[2])
local answers, touched = {}, {}
for i = 3, #ARGV, 8 do
  local name, epoch, provider, incarnation = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  check_keys(name, epoch)
  local h = read_health(name, epoch)
  local p, fault
  if h and (not load_record(name) or redis.call('HEXISTS', toolsets, name .. '@' .. epoch) == 0) then
    -- It was not unregistered, for that takes the health too: Redis has lost it, or it is damaged. Registering anew mends both.
    fault = 'lost'
  elseif h then
    p, fault = check_holder(name, epoch, provider, incarnation, ARGV[i + 4])
  else
    -- The epochs given outlive the toolset. One that is not among them was given by a Redis that has lost everything since:
    -- the provider registers anew, also when others of its toolset have done so before it.
    local given = redis.call('HMGET', prefix .. 'epochs', name .. '@first', name)
    local first, last = tonumber(given[1] or '0'), tonumber(given[2] or '0')
    local was_given = first <= tonumber(epoch) and tonumber(epoch) <= last
    fault = was_given and (redis.call('HEXISTS', toolsets, name) == 1 and 'gone' or 'unregistered') or 'lost'
  end
  if p then
    local lease_end, former, t = now + lease_ms, (counts_for(p)), tally_of(name, epoch, h)
    if tonumber(ARGV[i + 5]) > 0 then p.room = tonumber(ARGV[i + 5]) end
    local speaks = ARGV[i + 7] == '' or ARGV[i + 7] == p.session
    if ARGV[i + 6] == 'out' then
      if speaks and p.stage ~= '1' then p.stage = '2' end
    elseif not speaks then
      p.session = ARGV[i + 7]
      if p.stage == '0' then p.stage = '3' end
    end
    if ARGV[i + 6] == 'drain' then p.stage = '1' end
    put_provider(t, provider, former, p, lease_end)
    touched[name .. '@' .. epoch] = { name, epoch }
    answers[#answers + 1] = { 'held', lease_end, h.state }
  else
    answers[#answers + 1] = { fault }
  end
end
for _, pair in pairs(touched) do
  refresh_epoch(pair[1], pair[2], read_health(pair[1], pair[2]))
  promote_if_ready(pair[1])
end
return answers
`,
  ),
);

const RELEASE = evenWhenFull(
  defineRegistryScript(
    "RELEASE",
    `
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes
-- ARGV    [1] how old a pong may be, in milliseconds; [2] name, [3] epoch, [4] provider, [5] incarnation, [6] token hash
-- Returns 'released'
--         'gone': no lease of that incarnation is held
--         'refused': it is held by another token
local name, epoch, provider, incarnation = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
check_keys(name, epoch)
local p, fault = check_holder(name, epoch, provider, incarnation, ARGV[6])
if not p then return fault == 'lost' and read_provider(name, epoch, provider) and 'refused' or 'gone' end
local h = read_health(name, epoch)
drop_provider(tally_of(name, epoch, h or NO_HEALTH), provider, p)
if h then refresh_epoch(name, epoch, h) end
promote_if_ready(name)
return 'released'
`,
  ),
);

/** The most leases that one execution extends, so that Redis is never held up. */
const MAX_BATCH = 128;

/** Extends leases of one shard, many in one execution; the answers are in their order. */
export async function renewLeases(
  store: RegistryStore,
  leaseMs: number,
  renewals: readonly Renewal[],
): Promise<LeaseAnswer[]> {
  const answers: LeaseAnswer[] = [];
  for (let start = 0; start < renewals.length; start += MAX_BATCH) {
    answers.push(...(await renewBatch(store, leaseMs, renewals.slice(start, start + MAX_BATCH))));
  }
  return answers;
}

async function renewBatch(store: RegistryStore, leaseMs: number, renewals: readonly Renewal[]): Promise<LeaseAnswer[]> {
  const first = renewals[0];
  if (first === undefined) return [];
  const args = renewals.flatMap(({ lease, room, routing, session }) => [
    lease.toolset,
    lease.epoch,
    lease.provider,
    lease.incarnation,
    lease.tokenHash,
    room,
    routing,
    session,
  ]);
  const reply = await runShardScript(store, store.keyspace.forToolset(first.lease.toolset), RENEW, [leaseMs, ...args]);
  return asArray(reply).map(toLeaseAnswer);
}

/** Extends one lease. @throws ToolgateError LEASE_LOST */
export async function renewLease(
  store: RegistryStore,
  leaseMs: number,
  renewal: Renewal,
): Promise<LeaseAnswer & { kind: "held" }> {
  const [answer] = await renewLeases(store, leaseMs, [renewal]);
  if (answer?.kind === "held") return answer;
  throw leaseLost(renewal.lease, answer?.kind ?? "lost");
}

/**
 * Gives a lease back; what its holder had not finished is settled at once. A lease that is gone already is fine.
 *
 * @returns whether the lease was held.
 * @throws ToolgateError LEASE_LOST when it is held by another token.
 */
export async function releaseLease(store: RegistryStore, lease: Lease): Promise<boolean> {
  const { toolset, epoch, provider, incarnation, tokenHash } = lease;
  const reply = await runRegistryScript(store, toolset, RELEASE, [toolset, epoch, provider, incarnation, tokenHash]);
  const answer = asText(reply);
  if (answer === "refused") throw leaseLost(lease, "lost");
  if (answer !== "released") return false;
  await letGo(store, toolset, epoch, `${provider}/${incarnation}`);
  return true;
}

/** The error of every request that acts on a lease without holding it. */
export function leaseLost(lease: Lease, cause: LeaseEnd): ToolgateError {
  const why = {
    lost: "it ended, was released, or has another token; register again",
    replaced: "a later incarnation of the provider registered",
    gone: "the epoch was retired",
    unregistered: "the toolset was unregistered",
  }[cause];
  return new ToolgateError(
    "LEASE_LOST",
    `provider "${lease.provider}" holds no lease on "${plainName(lease.toolset)}" epoch ${lease.epoch}: ${why}`,
    {
      metadata: { cause },
    },
  );
}

function toLeaseAnswer(reply: Reply): LeaseAnswer {
  const [kind, untilMs, state] = asArray(reply);
  switch (asText(kind)) {
    case "held":
      return { kind: "held", untilMs: asNumber(untilMs), state: parseEpochState(asText(state)) };
    case "replaced":
      return { kind: "replaced" };
    case "gone":
      return { kind: "gone" };
    case "unregistered":
      return { kind: "unregistered" };
    default:
      return { kind: "lost" };
  }
}
