import type { Contract, SealedContract } from "../contract/contract.js";
import { contractDifferences } from "../contract/differences.js";
import { fromRedisError } from "../errors/redis-errors.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Epoch, Incarnation, ProviderId, ToolsetName } from "../identity/names.js";
import { asArray, asNumber, asText, defineScript, runScript } from "../redis/script.js";
import { decideRegistration, MAX_EPOCHS } from "./decide-registration.js";
import { EPOCH_LUA } from "./epoch-lua.js";
import type { Lease } from "./leases.js";
import type { RegistryStore } from "./registry-store.js";
import type { EpochRecord, EpochState, ToolsetRecord } from "./toolset-record.js";
import { FORGET_LUA } from "./unregister.js";

/** How a registration is to be handled; every value is set. */
export interface RegistrationOptions {
  readonly replace: boolean;
  readonly activateAt: number;
  readonly maxBacklog: number;
  readonly retentionMs: number;
  readonly retireAfterMs: number;
}

export interface Registration {
  readonly owner: string;
  readonly sealed: SealedContract;
  readonly provider: ProviderId;
  readonly incarnation: Incarnation;
  readonly options: RegistrationOptions;
  /** A fresh secret for the lease. */
  readonly token: string;
  readonly leaseMs: number;
  /** The most toolsets that the registry may have. */
  readonly maxToolsets: number;
  /**
   * How many of them are in other shards than this one, as far as the node knows: a script counts its own. So one shard never has
   * too many, and several together only what was registered in the others since the node heard of them last.
   */
  readonly toolsetsElsewhere: number;
}

export interface Registered {
  readonly lease: Lease;
  readonly state: EpochState;
  readonly registeredAtMs: number;
}

// KEYS[5] epochs. ARGV[2] name, [3] the generation that the decision was taken on, 0 for none, [4] the epoch to join, 0 to
// make one, [5] owner, [6] digest, [7] version, [8] contract, [9] activateAt, [10] maxBacklog, [11] retentionMs,
// [12] retireAfterMs, [13] provider, [14] incarnation, [15] token, [16] lease length, [17] the most toolsets in this shard.
const REGISTER = defineScript(
  "REGISTER",
  EPOCH_LUA,
  FORGET_LUA,
  `
local name = ARGV[2]
local record = load_record(name)
if (record and record.generation or 0) ~= tonumber(ARGV[3]) then return { 'raced' } end
local entry
if ARGV[4] ~= '0' then
  entry = find_epoch(record, ARGV[4])
  redis.call('HSETNX', toolsets, name .. '@' .. ARGV[4], ARGV[8])
else
  -- Beside a field for each toolset, the hash has one for each epoch, and so has health. Where Redis has lost health, too many
  -- are counted until it is there again, within an interval.
  if not record and redis.call('HLEN', toolsets) - redis.call('HLEN', health) >= tonumber(ARGV[17]) then return { 'full' } end
  -- Epochs whose registration Redis has lost, and not their health: the providers that hold them are to register anew too, as if no
  -- epoch had been given before; see RENEW.
  if not record and forget_every_epoch(name) > 0 then redis.call('HDEL', KEYS[5], name .. '@first') end
  local epoch = math.max(tonumber(redis.call('HGET', KEYS[5], name) or '0') + 1, now)
  redis.call('HSET', KEYS[5], name, epoch)
  redis.call('HSETNX', KEYS[5], name .. '@first', epoch)
  record = record or { name = name, owner = ARGV[5], generation = 0, epochs = {} }
  local former = find_state(record, 'candidate')
  if former then set_state(record, former, 'retiring') end
  entry = {
    epoch = epoch, digest = ARGV[6], version = ARGV[7], registeredAtMs = now, retireAtMs = 0,
    state = find_state(record, 'active') and 'candidate' or 'active',
    activateAt = tonumber(ARGV[9]), maxBacklog = tonumber(ARGV[10]),
    retentionMs = tonumber(ARGV[11]), retireAfterMs = tonumber(ARGV[12]),
  }
  record.epochs[#record.epochs + 1] = entry
  redis.call('HSET', toolsets, name .. '@' .. epoch, ARGV[8])
  write_health(name, epoch, { state = entry.state, pong = 0, live = 0, room = 0, announced = '0' })
  -- From 0, so that a group that has to be made again skips nothing.
  redis.call('XGROUP', 'CREATE', prefix .. 'requests:' .. name .. ':' .. epoch, 'providers', '0', 'MKSTREAM')
  save_record(record)
  announce('registered', name, epoch)
  if entry.state == 'active' then announce('activated', name, epoch) end
end
local provider, incarnation = ARGV[13], ARGV[14]
local former = read_provider(name, entry.epoch, provider)
local leases = prefix .. 'leases:' .. name .. ':' .. entry.epoch
if former then redis.call('ZREM', leases, provider .. '/' .. former.incarnation) end
write_provider(name, entry.epoch, provider, { incarnation = incarnation, token = ARGV[15], room = 0, draining = '0', session = '-' })
redis.call('ZADD', leases, now + tonumber(ARGV[16]), provider .. '/' .. incarnation)
refresh_epoch(name, entry.epoch, read_health(name, entry.epoch))
return { 'registered', entry.epoch, entry.state, entry.registeredAtMs }
`,
);

/** What a provider should wait when there are too many epochs or toolsets, in milliseconds: earlier ones have to go first. */
const CROWDED_RETRY_MS = 5_000;
/** A decision that others overtook this often is no accident any more. */
const MAX_RACES = 20;

/**
 * Registers a contract whose schemas were admitted, and grants a lease: reads the record, decides, and writes if the
 * record is still the one that was decided on.
 *
 * @throws ToolgateError CONTRACT_CONFLICT with the differences, NOT_OWNER, LIMIT_EXCEEDED, STORE_UNAVAILABLE
 */
export async function register(store: RegistryStore, registration: Registration): Promise<Registered> {
  const { owner, sealed, provider, incarnation, options, token, leaseMs, maxToolsets } = registration;
  const toolset = sealed.contract.name;
  const keys = store.keyspace.forToolset(toolset);
  for (let race = 0; race < MAX_RACES; race++) {
    const record = await readRecord(store, toolset);
    const decision = decideRegistration(record, {
      owner,
      digest: sealed.digest,
      version: sealed.contract.version,
      replace: options.replace,
    });
    if (decision.kind === "not_owner") {
      throw new ToolgateError("NOT_OWNER", `the name "${toolset}" belongs to another principal; choose another name`);
    }
    if (decision.kind === "crowded") {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `"${toolset}" has ${MAX_EPOCHS} contracts whose providers have not left yet, and may not have more; retry when they have`,
        { retryAfterMs: CROWDED_RETRY_MS },
      );
    }
    if (decision.kind === "conflict") throw await conflict(store, sealed, decision.with.epoch, decision.with.version);
    const reply = asArray(
      await runScript(
        store.redis,
        REGISTER,
        [keys.prefix, keys.toolsets, keys.health, keys.changes, keys.epochs],
        [
          store.healthWindowMs,
          toolset,
          record?.generation ?? 0,
          decision.kind === "join" ? decision.epoch : 0,
          owner,
          sealed.digest,
          sealed.contract.version,
          sealed.canonicalJson,
          options.activateAt,
          options.maxBacklog,
          options.retentionMs,
          options.retireAfterMs,
          provider,
          incarnation,
          token,
          leaseMs,
          maxToolsets - registration.toolsetsElsewhere,
        ],
      ),
    );
    const kind = asText(reply[0]);
    if (kind === "raced") continue;
    if (kind === "full") {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `the registry has as many toolsets as it may (${maxToolsets}); unregister some, or raise TOOLGATE_MAX_TOOLSETS on every node`,
        { retryAfterMs: CROWDED_RETRY_MS },
      );
    }
    return {
      lease: { toolset, epoch: asNumber(reply[1]) as Epoch, provider, incarnation, token }, // the script gives epochs
      state: asText(reply[2]) as EpochState, // written by the registry's scripts only
      registeredAtMs: asNumber(reply[3]),
    };
  }
  throw new ToolgateError(
    "STORE_UNAVAILABLE",
    `the registration of "${toolset}" was overtaken ${MAX_RACES} times; retry`,
    { retryAfterMs: 1_000 },
  );
}

async function readRecord(store: RegistryStore, toolset: ToolsetName): Promise<ToolsetRecord | undefined> {
  const json = await readField(store, toolset, toolset);
  if (json === null) return undefined;
  try {
    const record = JSON.parse(json) as Partial<ToolsetRecord>; // written by the registry's scripts only, unless it is damaged
    if (isWhole(record, toolset)) return record;
  } catch {
    // said below
  }
  throw new ToolgateError("INTERNAL", `the record of "${toolset}" is damaged; unregister it, with any epoch`);
}

/** As the scripts judge it: what they take for damaged is for them not there. */
function isWhole(record: Partial<ToolsetRecord>, toolset: ToolsetName): record is ToolsetRecord {
  const { owner, name, generation, epochs } = record;
  if (typeof owner !== "string" || name !== toolset || typeof generation !== "number") return false;
  return Array.isArray(epochs) && epochs.every(isWholeEpoch);
}

function isWholeEpoch(epoch: Partial<Record<keyof EpochRecord, unknown>> | null): boolean {
  if (epoch === null || typeof epoch !== "object" || typeof epoch.state !== "string") return false;
  if (typeof epoch.digest !== "string" || typeof epoch.version !== "string") return false;
  return EPOCH_NUMBERS.every((field) => typeof epoch[field] === "number");
}

const EPOCH_NUMBERS = [
  "epoch",
  "registeredAtMs",
  "activateAt",
  "maxBacklog",
  "retentionMs",
  "retireAfterMs",
  "retireAtMs",
] as const;

async function readField(store: RegistryStore, toolset: ToolsetName, field: string): Promise<string | null> {
  const keys = store.keyspace.forToolset(toolset);
  return store.redis.hget(keys.toolsets, field).catch((error: unknown) => {
    throw fromRedisError(error);
  });
}

async function conflict(
  store: RegistryStore,
  sealed: SealedContract,
  epoch: Epoch,
  version: string,
): Promise<ToolgateError> {
  const { name } = sealed.contract;
  const json = await readField(store, name, `${name}@${epoch}`);
  const differences = json === null ? [] : contractDifferences(JSON.parse(json) as Contract, sealed.contract); // sealed when it was stored
  return new ToolgateError(
    "CONTRACT_CONFLICT",
    `"${name}" ${version} is registered with another contract, and ${sealed.contract.version} is not higher: ` +
      `${differences.join("; ")}; raise the version, or register with replace`,
    {
      violations: differences.map((description) => ({ field: "contract", description })),
      metadata: { epoch: String(epoch), version },
    },
  );
}
