import valid from "semver/functions/valid.js";
import type { Contract, SealedContract } from "../../contract/contract.js";
import { contractDifferences } from "../../contract/differences.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { LeaseTokenHash } from "../../identity/lease-token.js";
import type { Epoch, Incarnation, ProviderId, ToolsetName } from "../../identity/names.js";
import { plainName } from "../../identity/toolset-name.js";
import { asArray, asBuffer, asNumber, asText, defineScript, runScript } from "../../redis/script.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { decideRegistration, MAX_EPOCHS, mayHave } from "./decide-registration.js";
import { defineRegistryScript } from "./epoch-lua.js";
import type { Lease } from "./leases.js";
import { type RegistryStore, runShardScript } from "./registry-store.js";
import { epochField } from "./stored-record.js";
import { type EpochRecord, type EpochState, parseEpochState, type ToolsetRecord } from "./toolset-record.js";
import { LAST_EPOCH_LUA } from "./trim-epochs.js";
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
  /** What is registered: of the owner's tenant, and by the contract's name. */
  readonly toolset: ToolsetName;
  readonly owner: string;
  /** See `RegistrationRequest`. */
  readonly administers: boolean;
  readonly sealed: SealedContract;
  readonly provider: ProviderId;
  readonly incarnation: Incarnation;
  readonly options: RegistrationOptions;
  /** Of a fresh token for the lease. */
  readonly tokenHash: LeaseTokenHash;
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

const REGISTER = defineRegistryScript(
  "REGISTER",
  FORGET_LUA,
  LAST_EPOCH_LUA,
  `
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes, [5] epochs
-- ARGV    [1] how old a pong may be, in milliseconds; [2] name, [3] the generation that the decision was taken on, 0 for none, [4] the
--         epoch to join, 0 to make one, [5] owner, [6] digest, [7] version, [8] contract, [9] activateAt, [10] maxBacklog, [11]
--         retentionMs, [12] retireAfterMs, [13] provider, [14] incarnation, [15] token hash, [16] lease length, [17] the most toolsets
--         in this shard, [18] whether a record is there that cannot be read, [19] that record, or nothing
-- Returns { 'raced' }: another one was first; decide anew
--         { 'damaged' }: the record cannot be read
--         { 'full' }: the shard has as many toolsets as it may
--         { 'registered', epoch, state, registeredAtMs }
local name, damaged = ARGV[2], ARGV[18] == '1' and ARGV[19]
local record = load_record(name)
if damaged then
  -- What cannot be read is as if it were not there. It was the same one that the node saw, so it has not been mended since.
  if redis.call('HGET', toolsets, name) ~= damaged then return { 'raced' } end
  record = nil
elseif not record and redis.call('HEXISTS', toolsets, name) == 1 then
  return { 'damaged' }
elseif (record and record.generation or 0) ~= tonumber(ARGV[3]) then
  return { 'raced' }
end
local entry
if ARGV[4] ~= '0' then
  entry = find_epoch(record, ARGV[4])
  check_keys(name, entry.epoch)
  if redis.call('HGET', toolsets, name .. '@' .. ARGV[4]) ~= ARGV[8] then
    -- Lost or damaged: an epoch has one contract for ever. Nodes that could not read it look again.
    redis.call('HSET', toolsets, name .. '@' .. ARGV[4], ARGV[8])
    announce('registered', name, ARGV[4])
  end
  if record.owner ~= ARGV[5] then
    record.owner = ARGV[5] -- that this one may have it was decided on this very record
    save_record(record)
  end
else
  -- Beside a field for each toolset, the hash has one for each epoch, and so has health. Where Redis has lost health, too many
  -- are counted until it is there again, within an interval.
  if not record and not damaged and redis.call('HLEN', toolsets) - redis.call('HLEN', health) >= tonumber(ARGV[17]) then return { 'full' } end
  -- Epochs whose registration Redis has lost, and not their health: the providers that hold them are to register anew too, as if no
  -- epoch had been given before; see RENEW.
  local orphans = record and {} or find_every_epoch(name)
  local epoch = math.max(last_epoch(KEYS[5], name, orphans) + 1, now)
  check_keys(name, epoch)
  redis.call('HSET', KEYS[5], name, epoch)
  if damaged then
    local aside = prefix .. 'damaged:toolset:' .. name
    redis.call('SET', aside, damaged, 'PX', 86400000)
    redis.log(redis.LOG_WARNING, 'toolgate: the record of ' .. name .. ' was damaged, and registering it anew has mended it; what was there is set aside as ' .. aside)
  end
  if #orphans > 0 or damaged then redis.call('HDEL', KEYS[5], name .. '@first') end
  forget_every_epoch(name, orphans)
  redis.call('HSETNX', KEYS[5], name .. '@first', epoch)
  record = record or { name = name, generation = 0, epochs = {} }
  record.owner = ARGV[5]
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
local former, h = read_provider(name, entry.epoch, provider), read_health(name, entry.epoch)
local t = tally_of(name, entry.epoch, h)
if former then drop_provider(t, provider, former) end
local p = { incarnation = incarnation, token_hash = ARGV[15], room = 0, stage = '2', session = '-' }
put_provider(t, provider, 0, p, now + tonumber(ARGV[16]))
refresh_epoch(name, entry.epoch, h)
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
  const { toolset, owner, administers, sealed, provider, incarnation, options, tokenHash, leaseMs, maxToolsets } =
    registration;
  const keys = store.keyspace.forToolset(toolset);
  let unreadable = false;
  for (let race = 0; race < MAX_RACES; race++) {
    const { record, damaged } = await readRecord(store, toolset, unreadable);
    // The owner that it names, if it still names one, is the one that may mend it.
    if (damaged !== undefined && isAnothers(damaged, registration)) throw notOwner(toolset);
    const decision = decideRegistration(record, {
      ...{ owner, administers },
      digest: sealed.digest,
      version: sealed.contract.version,
      replace: options.replace,
    });
    if (decision.kind === "not_owner") throw notOwner(toolset);
    if (decision.kind === "crowded") {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `"${plainName(toolset)}" has ${MAX_EPOCHS} contracts whose providers have not left yet, and may not have more; retry when they have`,
        { retryAfterMs: CROWDED_RETRY_MS },
      );
    }
    if (decision.kind === "conflict")
      throw await conflict(store, toolset, sealed, decision.with.epoch, decision.with.version);
    const reply = asArray(
      await runShardScript(
        store,
        keys,
        REGISTER,
        [
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
          tokenHash,
          leaseMs,
          maxToolsets - registration.toolsetsElsewhere,
          damaged === undefined ? 0 : 1,
          damaged ?? "",
        ],
        [keys.epochs],
      ),
    );
    const kind = asText(reply[0]);
    // What the node can read, and the scripts cannot, is damaged.
    unreadable = kind === "damaged";
    if (kind === "raced" || unreadable) continue;
    if (kind === "full") {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `the registry has as many toolsets as it may (${maxToolsets}); unregister some, or raise TOOLGATE_MAX_TOOLSETS on every node`,
        { retryAfterMs: CROWDED_RETRY_MS },
      );
    }
    return {
      lease: { toolset, epoch: asNumber(reply[1]) as Epoch, provider, incarnation, tokenHash }, // the script gives epochs
      state: parseEpochState(asText(reply[2])),
      registeredAtMs: asNumber(reply[3]),
    };
  }
  throw new ToolgateError(
    "STORE_UNAVAILABLE",
    `the registration of "${plainName(toolset)}" was overtaken ${MAX_RACES} times; retry`,
    { retryAfterMs: 1_000 },
  );
}

/** A toolset's record; or what is in its place, byte for byte; or neither. */
interface StoredRecord {
  readonly record?: ToolsetRecord;
  readonly damaged?: Buffer;
}

/** @param unreadable the scripts cannot read it. */
async function readRecord(store: RegistryStore, toolset: ToolsetName, unreadable: boolean): Promise<StoredRecord> {
  const stored = await readField(store, toolset, toolset);
  if (stored === null) return {};
  if (unreadable) return { damaged: stored };
  try {
    const record = JSON.parse(stored.toString()) as Partial<ToolsetRecord> | null; // written by the registry's scripts only, unless it is damaged
    if (isWhole(record, toolset)) return { record };
  } catch {
    // said below
  }
  return { damaged: stored };
}

/** As strict as the scripts at least: what they take for damaged is for them not there. */
function isWhole(record: Partial<ToolsetRecord> | null, toolset: ToolsetName): record is ToolsetRecord {
  if (record === null || typeof record !== "object") return false;
  const { owner, name, generation, epochs } = record;
  if (typeof owner !== "string" || name !== toolset || typeof generation !== "number") return false;
  return Array.isArray(epochs) && epochs.every(isWholeEpoch);
}

function isWholeEpoch(epoch: Partial<Record<keyof EpochRecord, unknown>> | null): boolean {
  if (epoch === null || typeof epoch !== "object") return false;
  const { digest, version, state } = epoch;
  if (!EPOCH_NUMBERS.every((field) => typeof epoch[field] === "number") || !isEpoch(epoch.epoch)) return false;
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) return false;
  return (
    typeof version === "string" && valid(version) !== null && typeof state === "string" && /^[a-z][\w-]*$/.test(state)
  );
}

function isEpoch(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

/** Whether what is left of a record says that it belongs to another principal; UNREGISTER reads it likewise. */
function isAnothers(damaged: Buffer, by: Pick<Registration, "owner" | "administers">): boolean {
  const said = /"owner":"([^"]*)"/.exec(damaged.toString().replaceAll("\\/", "/"))?.[1]; // cjson escapes the slash
  return said !== undefined && !mayHave(said, by);
}

function notOwner(toolset: ToolsetName): ToolgateError {
  return new ToolgateError(
    "NOT_OWNER",
    `the name "${plainName(toolset)}" belongs to another principal; choose another name`,
  );
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

const READ_FIELD = defineScript(
  "READ_FIELD",
  WRONG_TYPE_LUA,
  `
-- KEYS    [1] toolsets
-- ARGV    [1] field
-- Returns its value, as bytes, since what is damaged need not be text; nothing where there is none, or no hash
local value = redis.pcall('HGET', KEYS[1], ARGV[1])
return not is_wrong_type(value) and value
`,
);

async function readField(store: RegistryStore, toolset: ToolsetName, field: string): Promise<Buffer | null> {
  const reply = await runScript(store.redis, READ_FIELD, [store.keyspace.forToolset(toolset).toolsets], [field]);
  return reply === null ? null : asBuffer(reply);
}

async function conflict(
  store: RegistryStore,
  toolset: ToolsetName,
  sealed: SealedContract,
  epoch: Epoch,
  version: string,
): Promise<ToolgateError> {
  const { name } = sealed.contract;
  const differences = differencesFrom(await readField(store, toolset, epochField(toolset, epoch)), sealed.contract);
  return new ToolgateError(
    "CONTRACT_CONFLICT",
    `"${name}" ${version} is registered with another contract, and ${sealed.contract.version} is not higher: ` +
      `${differences.length === 0 ? "its text is lost or damaged" : differences.join("; ")}; raise the version, or register with replace`,
    {
      violations: differences.map((description) => ({ field: "contract", description })),
      metadata: { epoch: String(epoch), version },
    },
  );
}

/** How a contract differs from one that was stored; nothing where that cannot be read any more. */
function differencesFrom(stored: Buffer | null, contract: Contract): readonly string[] {
  if (stored === null) return [];
  try {
    return contractDifferences(JSON.parse(stored.toString()) as Contract, contract); // sealed when it was stored
  } catch {
    return [];
  }
}
