import type { EpochState, EpochView, ToolsetView } from "../../src/catalog/toolset-view.js";
import type { Epoch, ToolsetName } from "../../src/identity/names.js";
import type { Leader } from "../../src/upkeep/leader.js";

/** A toolset's view with no more than the ticker looks at. */
export function toolsetOf(
  name: ToolsetName,
  ...epochs: { epoch: Epoch; state?: EpochState; lastPongMs?: number; liveUntilMs: number }[]
): ToolsetView {
  const views = epochs.map(({ epoch, state = "active", lastPongMs = 0, liveUntilMs }) => ({
    epoch,
    state,
    health: { lastPongMs, liveUntilMs, room: 1 },
  })) as unknown as EpochView[]; // the ticker reads nothing else
  return {
    name,
    owner: "",
    epochs: views,
    active: views.find(({ state }) => state === "active"),
    candidate: undefined,
    retiring: views.filter(({ state }) => state === "retiring"),
    shown: views[0] as EpochView, // the ticker does not look at it
  };
}

/** A node that leads when it is told to. */
export function leaderThat(leads: () => boolean): Leader {
  return {
    get leads() {
      return leads();
    },
  } as unknown as Leader; // nothing else asks it for more
}
