import type { Contract, ToolContract } from "../contract/contract.js";
import type { Digest, Epoch, ToolsetName } from "../identity/names.js";
import type { EpochHealth } from "../store/registry/health-entry.js";
import type { EpochRecord, EpochState } from "../store/registry/toolset-record.js";
import type { ContractFacts, ContractOutline, ContractText } from "./contract-text.js";

export type { EpochRecord, EpochState };

/** When a pong is too old. */
export interface HealthRule {
  /** The time between two pings, in milliseconds. */
  readonly intervalMs: number;
  /** How many pings in a row may stay without a pong. */
  readonly missed: number;
}

/** What an answer's healths are computed with. */
export interface HealthAt {
  /** The time by which leases and health of a toolset are judged, in Unix milliseconds by Redis's clock: each shard has its own. */
  readonly nowMsOf: (toolset: ToolsetName) => number;
  readonly rule: HealthRule;
}

/** One epoch as the node knows it. It never changes; news make a new view. */
export interface EpochView extends EpochRecord {
  readonly toolset: ToolsetName;
  readonly health: EpochHealth;
  /** The text behind `contract`, shared by all views of the epoch. */
  readonly text: ContractText;
  /** What the epoch promises. @throws ToolgateError INTERNAL when the stored text holds no contract. */
  contract(): Contract;
  /** One of its tools. @throws as `contract`. */
  tool(name: string): ToolContract | undefined;
  /** What lists show of its contract. @throws as `contract`. */
  facts(): ContractFacts;
  /** What rules look at of its contract. @throws as `contract`. */
  outline(): ContractOutline;
}

/** What payloads and results are checked by. */
export type EpochContract = Pick<EpochView, "toolset" | "digest" | "contract" | "tool">;

/** One toolset as the node knows it. It never changes; news make a new view. */
export interface ToolsetView {
  readonly name: ToolsetName;
  /** The principal that owns the name. */
  readonly owner: string;
  /** All epochs: the active one first, then the candidate, the retiring ones, those in an unknown state, newest first. Never empty. */
  readonly epochs: readonly EpochView[];
  readonly active: EpochView | undefined;
  readonly candidate: EpochView | undefined;
  readonly retiring: readonly EpochView[];
  /** The epoch by which discovery describes the toolset: the first of `epochs`. */
  readonly shown: EpochView;
}

/**
 * Whether an epoch can be called: its last pong is no older than (missed + 1) intervals, and a provider that answers pings and is
 * not draining holds a lease. Computed by the asking node; an epoch that never ponged is unhealthy.
 */
export function isHealthy(epoch: Pick<EpochView, "health">, nowRedisMs: number, rule: HealthRule): boolean {
  const { lastPongMs, liveUntilMs, room } = epoch.health;
  const isFresh = lastPongMs > 0 && nowRedisMs - lastPongMs <= (rule.missed + 1) * rule.intervalMs;
  return isFresh && liveUntilMs > nowRedisMs && room > 0;
}

/** Whether a toolset can be called: its active epoch is healthy. */
export function isCallable(toolset: ToolsetView, nowRedisMs: number, rule: HealthRule): boolean {
  return toolset.active !== undefined && isHealthy(toolset.active, nowRedisMs, rule);
}

/**
 * What lists show of a toolset's contract; nothing when it turned out to be unreadable, in which case it has just been
 * quarantined, and the toolset is to be left out.
 */
export function factsOf(view: ToolsetView): ContractFacts | undefined {
  try {
    return view.shown.facts();
  } catch {
    return undefined; // logged and listed where it was found
  }
}

/** An epoch's view of what was read. */
export function epochView(
  toolset: ToolsetName,
  record: EpochRecord,
  text: ContractText,
  health: EpochHealth,
): EpochView {
  return new StoredEpoch(toolset, record, text, health);
}

/** A toolset's view of its epochs; nothing when there are none. */
export function toolsetView(name: ToolsetName, owner: string, epochs: readonly EpochView[]): ToolsetView | undefined {
  const ordered = [...epochs].sort((a, b) => RANK[a.state] - RANK[b.state] || b.epoch - a.epoch);
  const shown = ordered[0];
  if (shown === undefined) return undefined;
  return {
    name,
    owner,
    epochs: ordered,
    active: ordered.find(({ state }) => state === "active"),
    candidate: ordered.find(({ state }) => state === "candidate"),
    retiring: ordered.filter(({ state }) => state === "retiring"),
    shown,
  };
}

/** The same toolset with other health; the same view when nothing changed. */
export function withHealth(view: ToolsetView, healthOf: (epoch: Epoch) => EpochHealth): ToolsetView {
  let changed = false;
  const epochs = view.epochs.map((epoch) => {
    const health = healthOf(epoch.epoch);
    if (sameHealth(health, epoch.health)) return epoch;
    changed = true;
    return epochView(view.name, epoch, epoch.text, health);
  });
  return (changed ? toolsetView(view.name, view.owner, epochs) : undefined) ?? view;
}

function sameHealth(a: EpochHealth, b: EpochHealth): boolean {
  return a.lastPongMs === b.lastPongMs && a.liveUntilMs === b.liveUntilMs && a.room === b.room;
}

const RANK = { active: 0, candidate: 1, retiring: 2, unknown: 3 } as const satisfies Record<EpochState, number>;

/** A class, because catalogues hold many of them and methods on a prototype cost nothing per view. */
class StoredEpoch implements EpochView {
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
  readonly digest: Digest;
  readonly version: string;
  readonly state: EpochState;
  readonly registeredAtMs: number;
  readonly activateAt: number;
  readonly maxBacklog: number;
  readonly retentionMs: number;
  readonly retireAfterMs: number;
  readonly retireAtMs: number;
  readonly health: EpochHealth;
  readonly text: ContractText;

  constructor(toolset: ToolsetName, record: EpochRecord, text: ContractText, health: EpochHealth) {
    this.toolset = toolset;
    this.epoch = record.epoch;
    this.digest = record.digest;
    this.version = record.version;
    this.state = record.state;
    this.registeredAtMs = record.registeredAtMs;
    this.activateAt = record.activateAt;
    this.maxBacklog = record.maxBacklog;
    this.retentionMs = record.retentionMs;
    this.retireAfterMs = record.retireAfterMs;
    this.retireAtMs = record.retireAtMs;
    this.text = text;
    this.health = health;
  }

  contract(): Contract {
    return this.text.contract();
  }

  tool(name: string): ToolContract | undefined {
    return this.text.tool(name);
  }

  facts(): ContractFacts {
    return this.text.facts();
  }

  outline(): ContractOutline {
    return this.text.outline();
  }
}
