import { boundSkipped } from "../../contract/skipped-part.js";
import { invalidField, parseEpoch, parseIncarnation, parseProviderId, parseToolsetName } from "../../identity/names.js";
import { shareKey } from "../../limits/share-key.js";
import type { RegisterOptions__Output } from "../../protocol/generated/toolgate/v1/RegisterOptions.js";
import type { RegistryHandlers } from "../../protocol/generated/toolgate/v1/Registry.js";
import type { RegistrationOptions } from "../../store/registry/register.js";
import { type AttachParts, attach } from "./attach.js";
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
  return {
    Register: unary(async (request, context) => {
      const { principal, peer } = context;
      const applicant = {
        arrival: "register",
        client: shareKey(principal, peer),
        patienceMs: context.deadlineMs,
      } as const;
      await pacing.check(applicant); // before a contract is read for nothing
      const registration = {
        ...{ principal, administers: false },
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

    Pong: unary(async ({ lease }) => {
      const { state } = await registrations.pong(readLease(lease));
      return { state: writeEpochState(state) };
    }),

    Renew: unary(async ({ lease: wire, maxInFlight, inHand }) => {
      const lease = readLease(wire);
      if (maxInFlight > MAX_IN_FLIGHT) throw invalidField("max_in_flight", `must be at most ${MAX_IN_FLIGHT}`);
      const { untilMs, fenced } = await registrations.renew(lease, maxInFlight, readInHand(inHand));
      return { leaseUntilMs: untilMs, fenced: fenced.map(({ id, attempt }) => ({ callId: id, attempt })) };
    }),

    Drain: unary(async ({ lease }) => {
      await registrations.drain(readLease(lease));
      return {};
    }),

    Release: unary(async ({ lease }) => {
      await registrations.release(readLease(lease));
      return {};
    }),

    Unregister: unary(async ({ name, epoch }, { principal }) => {
      await registrations.unregister(principal, parseToolsetName(name, "name"), parseEpoch(epoch, "epoch"));
      return {};
    }),

    Promote: unary(async ({ name, epoch }, { principal }) => {
      await registrations.promote(principal, parseToolsetName(name, "name"), parseEpoch(epoch, "epoch"));
      return {};
    }),
  };
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
