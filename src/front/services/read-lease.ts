import { parseCallId } from "../../identity/call-id.js";
import { hashLeaseToken } from "../../identity/lease-token.js";
import { invalidField, parseEpoch, parseIncarnation, parseProviderId, type ToolsetName } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import { resolveToolset, tenantOf } from "../../identity/toolset-name.js";
import type { CallInHand__Output } from "../../protocol/generated/toolgate/v1/CallInHand.js";
import type { LeaseRef__Output } from "../../protocol/generated/toolgate/v1/LeaseRef.js";
import type { NamedCall } from "../../providers/keep-alive.js";
import type { Lease } from "../../store/registry/leases.js";

/** The most calls that a provider may run at once. */
export const MAX_IN_FLIGHT = 10_000;

/**
 * Reads a provider's identity, and its proof.
 *
 * @param tenant the caller's: providers serve toolsets of their own tenant.
 * @throws ToolgateError INVALID_REQUEST
 */
export function readLease(wire: LeaseRef__Output | null, tenant: TenantName): Lease {
  if (wire === null) throw invalidField("lease", "is missing");
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(wire.leaseToken))
    throw invalidField("lease.lease_token", "must be the token that Register returned");
  return {
    toolset: readOwnToolset(wire.toolset, tenant, "lease.toolset"),
    epoch: parseEpoch(wire.epoch, "lease.epoch"),
    provider: parseProviderId(wire.providerId, "lease.provider_id"),
    incarnation: parseIncarnation(wire.incarnation, "lease.incarnation"),
    tokenHash: hashLeaseToken(wire.leaseToken),
  };
}

function readOwnToolset(text: string, tenant: TenantName, field: string): ToolsetName {
  const toolset = resolveToolset(tenant, text, field);
  if (tenantOf(toolset) !== tenant) throw invalidField(field, "must be a toolset of the caller's own tenant");
  return toolset;
}

/** @throws ToolgateError INVALID_REQUEST for more calls than a provider may run */
export function checkInHand(wire: readonly CallInHand__Output[]): void {
  if (wire.length > MAX_IN_FLIGHT) throw invalidField("in_hand", `must name at most ${MAX_IN_FLIGHT} calls`);
}

/** Reads which calls a provider runs. @throws ToolgateError INVALID_REQUEST */
export function readInHand(wire: readonly CallInHand__Output[]): NamedCall[] {
  checkInHand(wire);
  return wire.map(({ callId, attempt }) => ({ id: parseCallId(callId, "in_hand.call_id"), attempt }));
}
