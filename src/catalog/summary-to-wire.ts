import type { ToolsetName } from "../identity/names.js";
import type { Epoch as WireEpoch } from "../protocol/generated/toolgate/v1/Epoch.js";
import type { EpochState as WireState } from "../protocol/generated/toolgate/v1/EpochState.js";
import type { ToolsetSummary } from "../protocol/generated/toolgate/v1/ToolsetSummary.js";
import type { ContractFacts } from "./contract-text.js";
import { type EpochState, type EpochView, type HealthRule, isHealthy, type ToolsetView } from "./toolset-view.js";

/** What an answer's healths are computed with. */
export interface HealthAt {
  /** The time by which leases and health of a toolset are judged, in Unix milliseconds by Redis's clock: each shard has its own. */
  readonly nowMsOf: (toolset: ToolsetName) => number;
  readonly rule: HealthRule;
}

const STATES = {
  candidate: "EPOCH_STATE_CANDIDATE",
  active: "EPOCH_STATE_ACTIVE",
  retiring: "EPOCH_STATE_RETIRING",
  unknown: "EPOCH_STATE_UNSPECIFIED",
} as const satisfies Record<EpochState, WireState>;

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

/** A toolset in a list; its epochs' health is computed now. */
export function summaryToWire(view: ToolsetView, facts: ContractFacts, at: HealthAt): ToolsetSummary {
  return {
    name: view.name,
    title: facts.title,
    description: facts.description,
    version: facts.version,
    tags: [...facts.tags],
    toolCount: facts.toolCount,
    epochs: epochsToWire(view, at),
  };
}

/** All epochs of a toolset, the active one first. */
export function epochsToWire(view: ToolsetView, at: HealthAt): WireEpoch[] {
  return view.epochs.map((epoch) => epochToWire(epoch, at));
}

function epochToWire(epoch: EpochView, { nowMsOf, rule }: HealthAt): WireEpoch {
  return {
    epoch: epoch.epoch,
    digest: epoch.digest,
    version: epoch.version,
    state: STATES[epoch.state],
    registeredAtMs: epoch.registeredAtMs,
    health: {
      healthy: isHealthy(epoch, nowMsOf(epoch.toolset), rule),
      lastPongMs: epoch.health.lastPongMs,
      room: epoch.health.room,
      liveUntilMs: epoch.health.liveUntilMs,
    },
  };
}
