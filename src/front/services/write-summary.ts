import type { ContractFacts } from "../../catalog/contract-text.js";
import { type EpochView, type HealthAt, isHealthy, type ToolsetView } from "../../catalog/toolset-view.js";
import type { TenantName } from "../../identity/tenant.js";
import { shownToolset } from "../../identity/toolset-name.js";
import type { Epoch as WireEpoch } from "../../protocol/generated/toolgate/v1/Epoch.js";
import type { ToolsetSummary } from "../../protocol/generated/toolgate/v1/ToolsetSummary.js";
import { writeEpochState } from "./write-epoch-state.js";

/** A toolset in a list, by the name that callers of a tenant have for it; its epochs' health is computed now. */
export function writeSummary(
  view: ToolsetView,
  facts: ContractFacts,
  at: HealthAt,
  tenant: TenantName,
): ToolsetSummary {
  return {
    name: shownToolset(tenant, view.name),
    title: facts.title,
    description: facts.description,
    version: facts.version,
    tags: [...facts.tags],
    toolCount: facts.toolCount,
    epochs: writeEpochs(view, at),
  };
}

/** All epochs of a toolset, the active one first. */
export function writeEpochs(view: ToolsetView, at: HealthAt): WireEpoch[] {
  return view.epochs.map((epoch) => writeEpoch(epoch, at));
}

function writeEpoch(epoch: EpochView, { nowMsOf, rule }: HealthAt): WireEpoch {
  return {
    epoch: epoch.epoch,
    digest: epoch.digest,
    version: epoch.version,
    state: writeEpochState(epoch.state),
    registeredAtMs: epoch.registeredAtMs,
    health: {
      healthy: isHealthy(epoch, nowMsOf(epoch.toolset), rule),
      lastPongMs: epoch.health.lastPongMs,
      room: epoch.health.room,
      liveUntilMs: epoch.health.liveUntilMs,
    },
  };
}
