import type { CatalogCopy } from "../../catalog/catalog-copy.js";
import type { EpochView } from "../../catalog/toolset-view.js";
import { boundSkipped } from "../../contract/skipped-part.js";
import { toToolgateError } from "../../errors/to-toolgate-error.js";
import { parseChannelBytes } from "../../frames/channel-bytes.js";
import { checkFrameSize, heldSize } from "../../frames/frame-size.js";
import { parseCallId } from "../../identity/call-id.js";
import { hashLeaseToken } from "../../identity/lease-token.js";
import { invalidField, parseEpoch, parseIncarnation, parseProviderId, parseToolsetName } from "../../identity/names.js";
import { ownerName } from "../../identity/principal.js";
import type { TextAsker } from "../../json/text-reader.js";
import { shareName } from "../../limits/share.js";
import type { Logger } from "../../observe/logger.js";
import type { AttachRequest__Output } from "../../protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse } from "../../protocol/generated/toolgate/v1/AttachResponse.js";
import type { CallInHand__Output } from "../../protocol/generated/toolgate/v1/CallInHand.js";
import type { Hello__Output } from "../../protocol/generated/toolgate/v1/Hello.js";
import type { LeaseRef__Output } from "../../protocol/generated/toolgate/v1/LeaseRef.js";
import type { RegisterOptions__Output } from "../../protocol/generated/toolgate/v1/RegisterOptions.js";
import type { RegistryHandlers } from "../../protocol/generated/toolgate/v1/Registry.js";
import type { CallReports } from "../../providers/call-reports.js";
import type { ProviderEnd, ResultChecks } from "../../providers/check-result.js";
import type { ContractReader } from "../../providers/contract-reader.js";
import type { Entrance } from "../../providers/entrance.js";
import { supersede } from "../../providers/follow-epochs.js";
import type { KeepAlive } from "../../providers/keep-alive.js";
import type { ProviderSession } from "../../providers/provider-session.js";
import { type ProviderSessions, toWireState } from "../../providers/provider-sessions.js";
import { type Lease, leaseLost, releaseLease, renewLease } from "../../registry/leases.js";
import { recordPongs } from "../../registry/pongs.js";
import { promote } from "../../registry/promote.js";
import { type Registered, type RegistrationOptions, register } from "../../registry/register.js";
import type { RegistryStore } from "../../registry/registry-store.js";
import { unregister } from "../../registry/unregister.js";
import type { BidiStream } from "./bidi-stream.js";
import { bidi, type Methods, unary } from "./methods.js";

export interface RegistryServiceParts {
  readonly store: RegistryStore;
  readonly catalog: CatalogCopy;
  readonly contracts: ContractReader;
  readonly results: ResultChecks;
  readonly sessions: ProviderSessions;
  /** Paces registrations and attachments. */
  readonly entrance: Entrance;
  readonly reports: CallReports;
  readonly keepAlive: KeepAlive;
  readonly randomBytes: (size: number) => Buffer;
  readonly log: Logger;
  readonly leaseMs: number;
  readonly pingIntervalMs: number;
  /** Within so long a provider says hello, too. */
  readonly heartbeatMs: number;
  readonly maxBacklog: number;
  readonly retentionMs: number;
  readonly retireAfterMs: number;
  readonly maxTimeoutMs: number;
  readonly maxToolsets: number;
  /** Ends the calls that wait for a toolset that was just removed. */
  readonly abandon: (toolset: EpochView["toolset"], epochs: readonly EpochView[]) => Promise<void>;
}

const MAX_IN_FLIGHT = 10_000;
const MAX_OPTION_MS = 365 * 24 * 3_600_000;
const DEFAULT_ACTIVATE_AT = 0.5;

/** The side of the providers. */
export function registryMethods(parts: RegistryServiceParts): Methods<RegistryHandlers> {
  const { store, catalog, contracts, sessions, entrance, log, leaseMs } = parts;
  return {
    Register: unary(async (request, context) => {
      const { principal, peer } = context;
      const client = shareName(principal, peer);
      const comer = { arrival: "register", client, patienceMs: context.deadlineMs } as const;
      await entrance.arrive(comer); // before a contract is read for nothing
      const provider = parseProviderId(request.providerId, "provider_id");
      const incarnation = parseIncarnation(request.incarnation, "incarnation");
      const options = parseOptions(request.options, parts);
      const asker = { client, signal: context.signal };
      const { sealed, warnings, skipped } = await contracts.read(
        request.contract,
        request.options?.skipInvalid ?? false,
        asker,
      );
      const leaseToken = parts.randomBytes(24).toString("base64url");
      // Its schemas are inspected outside of this: that may take long, and keeps nobody else waiting.
      const registered = await entrance.pass(
        {
          ...comer,
          bytes: sealed.canonicalJson.length,
          whenGone: (listener) => context.whenAbandoned(listener),
        },
        async () => {
          const granted = await register(store, {
            owner: ownerName(principal),
            sealed,
            provider,
            incarnation,
            options,
            tokenHash: hashLeaseToken(leaseToken),
            leaseMs,
            maxToolsets: parts.maxToolsets,
            toolsetsElsewhere: catalog.sizeOfOthers(sealed.contract.name),
          });
          // A replica of what the copy has already changes nothing that is read there.
          if (!isCopied(catalog, granted)) await catalog.refresh(granted.lease.toolset);
          return granted;
        },
      );
      const { lease, state, registeredAtMs } = registered;
      log.info({
        event: "provider_registered",
        toolset: lease.toolset,
        epoch: lease.epoch,
        version: sealed.contract.version,
        state,
        provider,
        ...(skipped.length === 0 ? {} : { skipped: skipped.length }),
      });
      return {
        epoch: lease.epoch,
        digest: sealed.digest,
        state: toWireState(state),
        leaseToken,
        leaseMs,
        pingIntervalMs: parts.pingIntervalMs,
        registeredAtMs,
        warnings: [...warnings],
        skipped: boundSkipped(skipped).map(({ violations, ...part }) => ({ ...part, violations: [...violations] })),
      };
    }),

    Attach: bidi((stream) => attach(parts, stream)),

    Pong: unary(async ({ lease: wire }) => {
      const lease = parseLease(wire);
      // The renewal proves the token, which a pong alone does not.
      const { state } = await renewLease(store, leaseMs, { lease, room: 0, routing: "keep", session: "" });
      const [answer] = await recordPongs(store, store.keyspace.forToolset(lease.toolset), [
        { ...lease, outside: true },
      ]);
      if (answer === undefined || answer === "refused") throw leaseLost(lease, "lost");
      return { state: toWireState(state) };
    }),

    Renew: unary(async ({ lease: wire, maxInFlight, inHand }) => {
      const lease = parseLease(wire);
      if (maxInFlight > MAX_IN_FLIGHT) throw invalidField("max_in_flight", `must be at most ${MAX_IN_FLIGHT}`);
      const { untilMs } = await renewLease(store, leaseMs, { lease, room: maxInFlight, routing: "keep", session: "" });
      const fenced = await parts.keepAlive.renewInHand(lease, parseInHand(inHand));
      return { leaseUntilMs: untilMs, fenced: fenced.map(({ id, attempt }) => ({ callId: id, attempt })) };
    }),

    Drain: unary(async ({ lease: wire }) => {
      const lease = parseLease(wire);
      await renewLease(store, leaseMs, { lease, room: 0, routing: "drain", session: "" });
      await catalog.refresh(lease.toolset);
      return {};
    }),

    Release: unary(async ({ lease: wire }) => {
      const lease = parseLease(wire);
      if (await releaseLease(store, lease)) sessions.released(lease);
      await catalog.refresh(lease.toolset);
      log.info({ event: "provider_released", toolset: lease.toolset, epoch: lease.epoch, provider: lease.provider });
      return {};
    }),

    Unregister: unary(async ({ name, epoch }, { principal }) => {
      const toolset = parseToolsetName(name, "name");
      await catalog.refresh(toolset);
      const epochs = catalog.get(toolset)?.epochs ?? [];
      await unregister(store, toolset, parseEpoch(epoch, "epoch"), ownerName(principal), parts.maxTimeoutMs);
      await parts.abandon(toolset, epochs);
      await catalog.refresh(toolset);
      log.info({ event: "toolset_unregistered", toolset, epoch });
      return {};
    }),

    Promote: unary(async ({ name, epoch }, { principal }) => {
      const toolset = parseToolsetName(name, "name");
      await promote(store, toolset, parseEpoch(epoch, "epoch"), ownerName(principal));
      await catalog.refresh(toolset);
      return {};
    }),
  };
}

/** A provider's stream: its first frame says who it is, and everything else waits until that is settled. */
function attach(parts: RegistryServiceParts, stream: BidiStream<AttachRequest__Output, AttachResponse>): void {
  const { sessions, entrance, heartbeatMs } = parts;
  const client = shareName(stream.principal, stream.peer);
  let opened: { readonly session: ProviderSession; readonly epoch: EpochView } | undefined;
  let over = false;
  let whenOver = (): void => {};
  // It holds a session's place.
  const silent = setTimeout(
    () => stream.fail(invalidField("hello", `must come within ${heartbeatMs} ms`)),
    heartbeatMs,
  ).unref();
  stream.onFrame((frame) => {
    clearTimeout(silent);
    if (opened !== undefined) return receive(parts, stream, opened.session, opened.epoch, client, frame);
    // It is held for as long as it waits.
    const { hello, deltas, results, pongs } = frame;
    checkInHand(hello?.inHand ?? []);
    checkFrameSize({ deltas, results, pongs });
    stream.pause();
    entrance
      .pass(
        {
          arrival: "attach",
          client,
          patienceMs: stream.deadlineMs,
          bytes: heldSize(frame),
          whenGone: (listener) => {
            if (over) listener();
            whenOver = listener;
          },
        },
        () => openSession(parts, stream, hello),
      )
      .then((session) => {
        if (over) return sessions.close(session.session, "the stream ended");
        opened = session;
        // The first frame may say more than hello.
        receive(parts, stream, session.session, session.epoch, client, frame);
        stream.resume();
      })
      .catch((error: unknown) => stream.fail(toToolgateError(error)));
  });
  stream.onOver((reason) => {
    over = true;
    whenOver();
    clearTimeout(silent);
    if (opened !== undefined) sessions.close(opened.session, reason?.message ?? "the stream ended");
  });
}

/** The most characters that are read of a client's version. */
const MAX_CLIENT_VERSION = 128;

async function openSession(
  parts: RegistryServiceParts,
  stream: BidiStream<AttachRequest__Output, AttachResponse>,
  hello: Hello__Output | null,
): Promise<{ readonly session: ProviderSession; readonly epoch: EpochView }> {
  if (hello === null) throw invalidField("hello", "must be in the first frame");
  const { maxInFlight } = hello;
  const maxMessageBytes = parseChannelBytes(hello.maxMessageBytes, "hello.max_message_bytes");
  if (maxInFlight < 1 || maxInFlight > MAX_IN_FLIGHT)
    throw invalidField("hello.max_in_flight", `must be from 1 to ${MAX_IN_FLIGHT}`);
  const lease = parseLease(hello.lease);
  const epoch = await epochOf(parts.catalog, lease);
  const clientVersion = hello.clientVersion.slice(0, MAX_CLIENT_VERSION).replace(/[^ -~]/g, "");
  const wish = { lease, maxInFlight, inHand: parseInHand(hello.inHand), maxMessageBytes, clientVersion };
  const session = await parts.sessions.attach(wish, stream, (error) =>
    error === undefined ? stream.end() : stream.fail(toToolgateError(error)),
  );
  // What happened while it was opened included.
  if (parts.catalog.get(lease.toolset)?.retiring.some((known) => known.epoch === lease.epoch))
    supersede(parts.catalog, parts.sessions, lease.toolset);
  return { session, epoch };
}

/** Whether the node's copy of the catalogue has an epoch as it was registered. */
function isCopied(catalog: CatalogCopy, { lease, state, registeredAtMs }: Registered): boolean {
  const known = catalog.get(lease.toolset)?.epochs.find(({ epoch }) => epoch === lease.epoch);
  return known?.state === state && known.registeredAtMs === registeredAtMs;
}

/** The contract that a provider serves; read anew if this node has not heard of it. */
async function epochOf(catalog: CatalogCopy, lease: Lease): Promise<EpochView> {
  const find = (): EpochView | undefined =>
    catalog.get(lease.toolset)?.epochs.find(({ epoch }) => epoch === lease.epoch);
  const known = find();
  if (known !== undefined) return known;
  await catalog.refresh(lease.toolset);
  const read = find();
  if (read === undefined) throw leaseLost(lease, "lost");
  return read;
}

/** A provider's stream, as its frames are taken from it. */
type ProviderFrames = Pick<BidiStream<AttachRequest__Output, AttachResponse>, "pause" | "resume" | "holds" | "fail">;

/** Takes a frame of a session; where one of its texts is read in steps, the stream waits, so that all stays in its order. */
function receive(
  parts: RegistryServiceParts,
  stream: ProviderFrames,
  session: ProviderSession,
  epoch: EpochView,
  client: string,
  frame: AttachRequest__Output,
): void {
  const taking = take(parts, session, epoch, client, frame);
  const first = taking.next();
  if (first.done) return;
  stream.pause();
  const bytes = heldSize(frame);
  stream.holds(bytes);
  const rest = async (): Promise<void> => {
    for (let step: IteratorResult<Promise<unknown>, void> = first; !step.done; step = taking.next()) {
      await step.value;
      if (session.state.kind === "closed") return;
    }
  };
  rest()
    .catch((error: unknown) => stream.fail(error))
    .finally(() => {
      stream.holds(-bytes);
      stream.resume();
    });
}

/**
 * What a provider says on its session. A call that is not its own any more is refused, and nothing else happens.
 *
 * @yields what has to end before it goes on.
 */
function* take(
  parts: RegistryServiceParts,
  session: ProviderSession,
  epoch: EpochView,
  client: string,
  frame: AttachRequest__Output,
): Generator<Promise<unknown>, void> {
  const { sessions, results, reports } = parts;
  checkFrameSize({ deltas: frame.deltas, results: frame.results, pongs: frame.pongs });
  sessions.heard(session);
  // Several pongs at once say no more than one.
  if (frame.pongs.length > 0) sessions.ponged(session);
  const isUnneeded = (): boolean => session.state.kind === "closed";
  const asker = (): TextAsker => ({ client: `provider ${client}`, isUnneeded, holdsItsStream: true });
  for (const delta of frame.deltas) {
    const id = parseCallId(delta.callId, "deltas.call_id");
    let call = reports.running(session, id, delta.attempt);
    if (call === undefined) continue;
    const checked = results.checkOutput(delta.dataJson, asker);
    let fault: ProviderEnd | undefined;
    if (checked instanceof Promise) {
      fault = yield* endOf(checked);
      call = reports.running(session, id, delta.attempt);
      if (call === undefined) continue; // not any more
    } else fault = checked;
    if (fault === undefined) reports.append(session, call, delta.dataJson);
    else reports.abort(session, call, fault);
  }
  for (const result of frame.results) {
    const id = parseCallId(result.callId, "results.call_id");
    const reading = reports.running(session, id, result.attempt) && results.read(result, asker);
    const read = reading instanceof Promise ? yield* endOf(reading) : reading;
    const call = reports.running(session, id, result.attempt);
    if (call === undefined) {
      // A result that is being settled was only said twice; any other one is refused.
      if (session.inHand.get(id)?.attempt !== result.attempt) session.settled(id, result.attempt, false);
      continue;
    }
    const bytes = (result.resultJson?.length ?? 0) + (result.error?.detailsJson?.length ?? 0);
    void reports.answer(session, call, bytes, () => results.check(epoch, call.tool, call.head, result, read, client));
  }
  if (frame.heartbeat !== null && !frame.heartbeat.reply) session.replyHeartbeat(frame.heartbeat.sequence);
  if (frame.drain !== null) void sessions.drainByProvider(session);
}

/** Waits for a promise that does not reject. */
function* endOf<Result>(promise: Promise<Result>): Generator<Promise<unknown>, Result> {
  const end: { result?: Result } = {};
  yield promise.then((result) => {
    end.result = result;
  });
  return end.result as Result; // it was waited for
}

function parseLease(wire: LeaseRef__Output | null): Lease {
  if (wire === null) throw invalidField("lease", "is missing");
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(wire.leaseToken))
    throw invalidField("lease.lease_token", "must be the token that Register returned");
  return {
    toolset: parseToolsetName(wire.toolset, "lease.toolset"),
    epoch: parseEpoch(wire.epoch, "lease.epoch"),
    provider: parseProviderId(wire.providerId, "lease.provider_id"),
    incarnation: parseIncarnation(wire.incarnation, "lease.incarnation"),
    tokenHash: hashLeaseToken(wire.leaseToken),
  };
}

function checkInHand(wire: readonly CallInHand__Output[]): void {
  if (wire.length > MAX_IN_FLIGHT) throw invalidField("in_hand", `must name at most ${MAX_IN_FLIGHT} calls`);
}

function parseInHand(wire: readonly CallInHand__Output[]): { id: ReturnType<typeof parseCallId>; attempt: number }[] {
  checkInHand(wire);
  return wire.map(({ callId, attempt }) => ({ id: parseCallId(callId, "in_hand.call_id"), attempt }));
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
