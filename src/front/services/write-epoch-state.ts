import type { EpochState } from "../../store/registry/toolset-record.js";

const WIRE_STATES = {
  candidate: "EPOCH_STATE_CANDIDATE",
  active: "EPOCH_STATE_ACTIVE",
  retiring: "EPOCH_STATE_RETIRING",
  unknown: "EPOCH_STATE_UNSPECIFIED",
} as const satisfies Record<EpochState, string>;

/** An epoch's state on the wire. */
export function writeEpochState(state: EpochState): (typeof WIRE_STATES)[EpochState] {
  return WIRE_STATES[state];
}
