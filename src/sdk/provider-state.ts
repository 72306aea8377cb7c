import { ToolgateError } from "../errors/toolgate-error.js";
import type { ProviderClosed } from "./provider.js";

/**
 * Where a provider stands:
 *
 *     connecting ─▶ registering ─▶ attaching ─▶ serving ─▶ draining ─▶ closed
 *         ▲              │             │           │
 *         └──────────────┴─────────────┴───────────┘   connection lost, node stopping, lease lost
 *
 * A lost connection keeps the lease, so the way back leaves registering out; only a lost lease leads through it. While
 * draining, the session may be lost and come back too, since results in hand have to arrive; nothing is registered any
 * more then. Closed is for ever.
 */

/** What a registration granted. */
export interface Lease {
  readonly epoch: number;
  readonly token: string;
}

export type ProviderState =
  | { readonly kind: "connecting"; readonly lease: Lease | undefined }
  | { readonly kind: "registering"; readonly address: string }
  | { readonly kind: "attaching"; readonly address: string; readonly lease: Lease }
  | { readonly kind: "serving"; readonly address: string; readonly lease: Lease }
  | { readonly kind: "draining"; readonly lease: Lease | undefined; readonly attached: boolean }
  | { readonly kind: "closed"; readonly reason: ProviderClosed };

export type ProviderChange =
  /** A node answers. */
  | { readonly kind: "found"; readonly address: string }
  | { readonly kind: "registered"; readonly lease: Lease }
  /** The session is open. */
  | { readonly kind: "welcomed" }
  /** The session, or the attempt at one, is over, or its node is stopping. */
  | { readonly kind: "detached" }
  | { readonly kind: "lease_lost" }
  | { readonly kind: "drain" }
  | { readonly kind: "close"; readonly reason: ProviderClosed };

/** The only way from one state to another. @throws ToolgateError INTERNAL for a change that cannot happen there. */
export function nextState(state: ProviderState, change: ProviderChange): ProviderState {
  if (state.kind === "closed") return state; // what still comes in is too late
  switch (change.kind) {
    case "found":
      if (state.kind === "draining") return state;
      if (state.kind !== "connecting") throw impossible(state, change);
      return state.lease === undefined
        ? { kind: "registering", address: change.address }
        : { kind: "attaching", address: change.address, lease: state.lease };
    case "registered":
      if (state.kind === "draining") return { ...state, lease: change.lease };
      if (state.kind !== "registering") throw impossible(state, change);
      return { kind: "attaching", address: state.address, lease: change.lease };
    case "welcomed":
      if (state.kind === "draining") return { ...state, attached: true };
      if (state.kind !== "attaching") throw impossible(state, change);
      return { kind: "serving", address: state.address, lease: state.lease };
    case "detached":
      if (state.kind === "draining") return { ...state, attached: false };
      return { kind: "connecting", lease: leaseOf(state) };
    case "lease_lost":
      if (state.kind === "draining") return { kind: "draining", lease: undefined, attached: false };
      return { kind: "connecting", lease: undefined };
    case "drain":
      if (state.kind === "draining") return state;
      return { kind: "draining", lease: leaseOf(state), attached: state.kind === "serving" };
    case "close":
      return { kind: "closed", reason: change.reason };
    default:
      return change satisfies never;
  }
}

/** The lease that a provider holds, as far as it knows. */
export function leaseOf(state: ProviderState): Lease | undefined {
  switch (state.kind) {
    case "connecting":
    case "attaching":
    case "serving":
    case "draining":
      return state.lease;
    case "registering":
    case "closed":
      return undefined;
    default:
      return state satisfies never;
  }
}

function impossible(state: ProviderState, change: ProviderChange): ToolgateError {
  return new ToolgateError("INTERNAL", `A provider that is ${state.kind} cannot handle ${change.kind}.`);
}
