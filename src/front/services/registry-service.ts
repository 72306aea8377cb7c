import type { CallerAccess } from "../../access/caller-access.js";
import { requireVerb } from "../../access/require.js";
import { ruledToolset } from "../../access/require-on-toolset.js";
import type { CatalogReader } from "../../catalog/catalog-copy.js";
import { boundSkipped } from "../../contract/skipped-part.js";
import {
  invalidField,
  isPlainToolsetName,
  parseEpoch,
  parseIncarnation,
  parseProviderId,
} from "../../identity/names.js";
import { resolveToolset, toolsetOf } from "../../identity/toolset-name.js";
import { shareKey } from "../../limits/share-key.js";
import type { Contract__Output } from "../../protocol/generated/toolgate/v1/Contract.js";
import type { LeaseRef__Output } from "../../protocol/generated/toolgate/v1/LeaseRef.js";
import type { RegisterOptions__Output } from "../../protocol/generated/toolgate/v1/RegisterOptions.js";
import type { RegistryHandlers } from "../../protocol/generated/toolgate/v1/Registry.js";
import type { Lease } from "../../store/registry/leases.js";
import type { RegistrationOptions } from "../../store/registry/register.js";
import { type AttachParts, attach } from "./attach.js";
import type { CallContext } from "./call-context.js";
import { bidi, type Methods, unary } from "./methods.js";
import { MAX_IN_FLIGHT, readInHand, readLease } from "./read-lease.js";
import { writeEpochState } from "./write-epoch-state.js";

export interface RegistryServiceParts extends AttachParts {
  readonly leaseMs: number;
  readonly pingIntervalMs: number;
  readonly maxBacklog: number;
  readonly retentionMs: number;
  readonly retireAfterMs: number;
}

const MAX_OPTION_MS = 365 * 24 * 3_600_000;
const DEFAULT_ACTIVATE_AT = 0.5;

/** The side of the providers. */
export function registryMethods(parts: RegistryServiceParts): Methods<RegistryHandlers> {
  const { registrations, pacing, leaseMs } = parts;
  /** A lease of a caller that may serve its toolset still. @throws ToolgateError INVALID_REQUEST, FORBIDDEN */
  const servedLease = (wire: LeaseRef__Output | null, { access }: Pick<CallContext, "access">): Lease => {
    const lease = readLease(wire, access.principal.tenant);
    requireVerb(access, "register", ruledToolset(registrations.catalog, lease.toolset));
    return lease;
  };
  return {
    Register: unary(async (request, context) => {
      const { principal, access, peer } = context;
      const applicant = {
        arrival: "register",
        client: shareKey(principal, peer),
        patienceMs: context.deadlineMs,
      } as const;
      requireRegister(parts.registrations.catalog, access, request.contract);
      await pacing.check(applicant); // before a contract is read for nothing
      const registration = {
        ...{ principal, administers: access.mayIn("administer", principal.tenant).allowed },
        provider: parseProviderId(request.providerId, "provider_id"),
        incarnation: parseIncarnation(request.incarnation, "incarnation"),
        options: parseOptions(request.options, parts),
        contract: request.contract,
        skipInvalid: request.options?.skipInvalid ?? false,
      };
      const { lease, sealed, state, leaseToken, registeredAtMs, warnings, skipped } = await registrations.register(
        registration,
        { ...applicant, signal: context.signal, whenGone: (listener) => context.whenAbandoned(listener) },
      );
      return {
        epoch: lease.epoch,
        digest: sealed.digest,
        state: writeEpochState(state),
        leaseToken,
        leaseMs,
        pingIntervalMs: parts.pingIntervalMs,
        registeredAtMs,
        warnings: [...warnings],
        skipped: boundSkipped(skipped).map(({ violations, ...part }) => ({ ...part, violations: [...violations] })),
      };
    }),

    Attach: bidi((stream) => attach(parts, stream)),

    Pong: unary(async ({ lease }, context) => {
      const { state } = await registrations.pong(servedLease(lease, context));
      return { state: writeEpochState(state) };
    }),

    Renew: unary(async ({ lease: wire, maxInFlight, inHand }, context) => {
      const lease = servedLease(wire, context);
      if (maxInFlight > MAX_IN_FLIGHT) throw invalidField("max_in_flight", `must be at most ${MAX_IN_FLIGHT}`);
      const { untilMs, fenced } = await registrations.renew(lease, maxInFlight, readInHand(inHand));
      return { leaseUntilMs: untilMs, fenced: fenced.map(({ id, attempt }) => ({ callId: id, attempt })) };
    }),

    Drain: unary(async ({ lease }, context) => {
      await registrations.drain(servedLease(lease, context));
      return {};
    }),

    Release: unary(async ({ lease }, context) => {
      await registrations.release(servedLease(lease, context));
      return {};
    }),

    Unregister: unary(async ({ name, epoch }, { access }) => {
      const toolset = resolveToolset(access.principal.tenant, name, "name");
      await registrations.unregister(access, toolset, parseEpoch(epoch, "epoch"));
      return {};
    }),

    Promote: unary(async ({ name, epoch }, { access }) => {
      const toolset = resolveToolset(access.principal.tenant, name, "name");
      await registrations.promote(access, toolset, parseEpoch(epoch, "epoch"));
      return {};
    }),
  };
}

/**
 * Refuses a contract that the caller may not register in its tenant: by the tags that it has, and by those of what is registered under the
 * name. A name that is none is refused where the contract is read.
 *
 * @throws ToolgateError FORBIDDEN, whether there is a toolset of the name or not
 */
function requireRegister(catalog: CatalogReader, access: CallerAccess, contract: Contract__Output | null): void {
  if (contract === null || !isPlainToolsetName(contract.name)) return;
  const name = toolsetOf(access.principal.tenant, contract.name);
  requireVerb(access, "register", { name, tags: contract.tags });
  if (catalog.get(name) !== undefined) requireVerb(access, "register", ruledToolset(catalog, name));
}

function parseOptions(wire: RegisterOptions__Output | null, parts: RegistryServiceParts): RegistrationOptions {
  const activateAt = wire?.activateAt || DEFAULT_ACTIVATE_AT;
  if (!(activateAt > 0 && activateAt <= 1)) throw invalidField("options.activate_at", "must be above 0 and at most 1");
  const maxBacklog = wire?.maxBacklog || parts.maxBacklog;
  if (maxBacklog > parts.maxBacklog)
    throw invalidField("options.max_backlog", `must be at most the registry's ${parts.maxBacklog}`);
  const durations = {
    retentionMs: wire?.retentionMs || parts.retentionMs,
    retireAfterMs: wire?.retireAfterMs || parts.retireAfterMs,
  };
  if (durations.retentionMs > MAX_OPTION_MS) throw invalidField("options.retention_ms", "must be at most a year");
  if (durations.retireAfterMs > MAX_OPTION_MS) throw invalidField("options.retire_after_ms", "must be at most a year");
  return { replace: wire?.replace ?? false, activateAt, maxBacklog, ...durations };
}
