import type { Identity } from "../access/access-control.js";
import type { AuditLog } from "../access/audit/audit-log.js";
import type { CallerAccess, Decision } from "../access/caller-access.js";
import { OPEN_ACCESS } from "../access/open-access.js";
import { requireArguments, requireCall } from "../access/require.js";
import { lookForNear, visibleTo } from "../access/visible-catalog.js";
import type { CatalogCopy } from "../catalog/catalog-copy.js";
import type { EpochView } from "../catalog/toolset-view.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { type CallId, derivedCallId, randomCallId } from "../identity/call-id.js";
import { type CallerName, callerName } from "../identity/caller-name.js";
import type { Digest, Epoch } from "../identity/names.js";
import type { Principal } from "../identity/principal.js";
import type { JsonText } from "../json/read-json.js";
import type { TextReader } from "../json/text-reader.js";
import type { BoundLimits, CallLimits } from "../limits/call-limits.js";
import { limitError, ruled } from "../limits/limit-error.js";
import type { RuledLimit } from "../limits/limit-rule.js";
import type { OverLimit } from "../limits/over-limit.js";
import { shareKey } from "../limits/share-key.js";
import type { CallMetrics } from "../observe/metrics/call-metrics.js";
import type { Keyspace } from "../redis/keys.js";
import type { MemoryWatch } from "../redis/memory-watch.js";
import type { Reservations, Reserved } from "../store/call-limits/reservations.js";
import type { Admission, Destination } from "../store/calls/admission.js";
import type { AdmissionAnswer, Admissions } from "../store/calls/admit.js";
import type { CallHead, SaidEnding } from "../store/calls/call-record.js";
import type { WebhookChoice } from "../webhooks/webhook-choice.js";
import { mayWithCall } from "./call-access.js";
import { repeatIds, storedMeta } from "./call-meta.js";
import { type CallSpec, requestDigest } from "./call-spec.js";
import { findContract, isUnknownToolset, type Route } from "./find-contract.js";
import { type PayloadCaller, type PayloadChecks, readPayload } from "./validate-payload.js";

/** The caller that asks for a call, and how much time it has left. */
export interface Caller {
  readonly principal: Principal;
  /** What it may do as of now. */
  readonly access: CallerAccess;
  /** Its credential, for the audit; absent where it has none. */
  readonly identity?: Pick<Identity, "credential"> | undefined;
  /** The caller whose call it is, where that is another one: an operator makes its call again. What it may do was decided before. */
  readonly as?: CallerName;
  /** What is left until the caller's own deadline, in milliseconds; nothing when it set none. */
  readonly remainingMs: number | undefined;
  /** How long it waits to hear of the admission, in milliseconds; nothing when it did not say. */
  readonly answerWithinMs: number | undefined;
  /** `host:port` of its connection's other end. */
  readonly peer: string;
  /** Its signal is aborted when the caller has left, or does not want the call any more. */
  readonly presence: { readonly signal: AbortSignal };
}

/** A call that was admitted, now or by an earlier request of the same ids. */
export interface PlacedCall {
  readonly id: CallId;
  readonly head: CallHead;
  readonly repeated: boolean;
  /** How it ended, when a repeat found it ended. */
  readonly ending: SaidEnding | undefined;
  /** What its caller asked for and did not get; of a repeat, nothing is said. */
  readonly warnings: readonly string[];
}

export interface PlaceCallSettings {
  readonly catalog: CatalogCopy;
  readonly admissions: Admissions;
  /** Records calls and refusals; absent where nothing does. */
  readonly audit?: AuditLog | undefined;
  /** Counts calls that are admitted, and those that limits refuse; absent where nothing does. */
  readonly metrics?: Pick<CallMetrics, "admitted" | "limited"> | undefined;
  /** What callers may call how often. */
  readonly limits: Pick<CallLimits, "of">;
  /** Gathers the calls of those who call more often. */
  readonly overLimit: Pick<OverLimit, "hold" | "refused">;
  /** Which webhooks are told how calls end; absent where none is. */
  readonly webhooks?: Pick<WebhookChoice, "of"> | undefined;
  readonly reservations: Pick<Reservations, "reserve" | "giveBack">;
  readonly memory: Pick<MemoryWatch, "full">;
  readonly payloads: PayloadChecks;
  readonly texts: TextReader;
  readonly keyspace: Keyspace;
  readonly randomBytes: (size: number) => Buffer;
  readonly defaultTimeoutMs: number;
  readonly maxTimeoutMs: number;
  readonly maxPayloadBytes: number;
  readonly pingIntervalMs: number;
}

/** How often a call is routed anew when the catalogue moved under it. */
const MAX_ROUTES = 3;
/** What a caller should wait when a backlog is full, in milliseconds. */
const FULL_RETRY_MS = 500;
/** What a caller should wait when Redis is full, in milliseconds: calls that are under way have to end first. */
const STORE_FULL_RETRY_MS = 2_000;

/** The id of a call: derived where the agent gave both ids, so that a repeat finds the first; random otherwise. */
export function callIdOf(
  settings: Pick<PlaceCallSettings, "keyspace" | "randomBytes">,
  principal: Principal,
  spec: CallSpec,
): CallId {
  const { shard } = settings.keyspace.forToolset(spec.toolset);
  const ids = repeatIds(spec.meta);
  if (ids === undefined) return randomCallId(shard, settings.randomBytes);
  return derivedCallId(shard, principal.tenant, spec.toolset, ids.runId, ids.toolCallId);
}

/** What the caller of a placed call wants of this node. */
export interface PlacingOptions {
  /** This node subscribes to the call's output and end. */
  readonly subscribe: boolean;
  /** The admission is acknowledged to the caller before the call's end, so it must be durable first. */
  readonly acknowledge: boolean;
}

/**
 * The way of a call up to Redis: find contract ▸ authorise ▸ validate payload ▸ admit. Nothing is stored unless all
 * of it succeeds, and a refusal is definite: the tool does not run.
 *
 * @throws ToolgateError with `executed = no`; STORE_UNAVAILABLE may say `unknown`.
 */
export function placeCall(
  settings: PlaceCallSettings,
  caller: Caller,
  id: CallId,
  spec: CallSpec,
  options: PlacingOptions,
): Promise<PlacedCall> {
  const placed = place(settings, caller, id, spec, options);
  const { audit } = settings;
  if (audit === undefined || !audit.listens) return placed;
  return placed.catch((error: unknown) => {
    const { toolset, tool } = spec;
    const act = { event: "refusal", verb: "call", toolset, tool, policyRevision: caller.access.revision } as const;
    audit.refused(auditedCaller(caller), act, error);
    throw error;
  });
}

const auditedCaller = ({ principal, identity }: Caller) => ({ principal, credential: identity?.credential ?? "" });

async function place(
  settings: PlaceCallSettings,
  caller: Caller,
  id: CallId,
  spec: CallSpec,
  options: PlacingOptions,
): Promise<PlacedCall> {
  const name = caller.as ?? callerName(caller.principal);
  const access = caller.as === undefined ? caller.access : OPEN_ACCESS;
  const visible = visibleTo(settings.catalog, access);
  const seen = { catalog: settings.catalog, visible, tenant: caller.principal.tenant };
  const share = shareKey(caller.principal, caller.peer);
  // A caller that did not say waits no longer than for the call.
  const answerWithinMs = caller.answerWithinMs ?? settings.defaultTimeoutMs;
  let { remainingMs } = caller;
  let asking: PayloadCaller = {
    share,
    answerWithinMs,
    presence: caller.presence,
    lostNodes: spec.lostNodes,
    shown: spec.shown,
  };
  const read = readPayload(settings.texts, spec.payload, settings.maxPayloadBytes, asking);
  let payload: JsonText;
  // No promise on the usual way: the payload is small.
  if (read instanceof Promise) {
    const sinceMs = performance.now();
    payload = await read;
    const tookMs = performance.now() - sinceMs;
    asking = { ...asking, answerWithinMs: Math.max(0, answerWithinMs - tookMs) };
    remainingMs = remainingMs && Math.max(0, remainingMs - tookMs);
  } else payload = read;
  if (spec.lostNodes > 0) {
    // What was admitted was checked; only what was not can have taken a node down by its check.
    const former = await formerCall(settings, access, name, id, spec, options);
    if (former !== undefined) return former;
  }
  for (let attempt = 1; ; attempt++) {
    let route: Route;
    let decision: Decision;
    try {
      if (isUnknownToolset(visible, spec)) await lookForNear(visible, seen.tenant, spec.toolset);
      route = findContract(seen, spec);
      const toolset = { name: spec.toolset, tags: route.epoch.facts().tags };
      decision = requireCall(access, toolset, route.tool);
      const checking = settings.payloads.check(route.epoch, route.tool, payload, asking);
      if (checking !== undefined) await checking;
      decision = requireArguments(access, decision, toolset, route.tool, payload);
    } catch (error) {
      if (attempt === 1 && mayBeNews(error)) {
        await settings.catalog.refresh(spec.toolset);
        continue;
      }
      // A repeat comes to the first call, also when the contract has changed since, or gone.
      const former = await formerCall(settings, access, name, id, spec, options).catch((conflict: unknown) => {
        // That others' calls have these ids would say of a tool that is hidden from the caller that it is there.
        throw visible !== settings.catalog && isUnknown(error) ? error : conflict;
      });
      if (former === undefined) throw error;
      return former;
    }
    if (settings.memory.full(settings.keyspace.forToolset(spec.toolset))) {
      const former = await formerCall(settings, access, name, id, spec, options);
      if (former !== undefined) return former;
      throw new ToolgateError("STORE_FULL", "Redis has no room for more calls; retry later", {
        retryAfterMs: STORE_FULL_RETRY_MS,
      });
    }
    const overflow =
      route.overflow !== undefined &&
      mayOverflow(access, spec, route.overflow) &&
      (await settings.payloads.accepts(route.overflow.epoch, route.overflow.tool, payload, asking));
    const chosen = settings.webhooks?.of(name, spec.toolset, spec.tool, spec.webhook);
    const webhooks = chosen instanceof Promise ? await chosen : chosen;
    const limits = settings.limits.of(caller.principal, spec.toolset, spec.tool, spec.meta.runId, spec.payload);
    if (limits !== undefined && attempt === 1) {
      const patienceMs = Math.min(remainingMs ?? answerWithinMs, answerWithinMs, spec.timeoutMs || answerWithinMs);
      const held = settings.overLimit.hold(limits, patienceMs);
      if (held !== undefined) {
        const sinceMs = performance.now();
        await held;
        remainingMs = remainingMs && Math.max(0, remainingMs - (performance.now() - sinceMs));
      }
    }
    const timeoutMs = executionTimeoutMs(settings, remainingMs, spec, route);
    const admission = {
      id,
      requestDigest: requestDigest(spec),
      toolset: spec.toolset,
      tool: spec.tool,
      delivery: route.tool.delivery,
      destination: destinationOf(route.epoch),
      // A call that runs once under one contract must not become repeatable under another.
      overflow:
        overflow && route.overflow?.tool.delivery === route.tool.delivery
          ? destinationOf(route.overflow.epoch)
          : undefined,
      pinned: route.pinned,
      wait: spec.wait,
      timeoutMs,
      caller: name,
      payload: spec.payload,
      meta: storedMeta(spec.meta),
      watch: options.subscribe,
      audit: settings.audit?.ofCall(auditedCaller(caller), caller.access, decision, spec.payload),
      limits: limits?.counted,
      webhooks,
    } satisfies Admission;
    const askedAtMs = performance.now();
    const answer = await (limits === undefined || limits.reserved.length === 0
      ? settings.admissions.admit(admission, options.acknowledge)
      : admitReserved(settings, admission, limits, options));
    switch (answer.kind) {
      case "admitted":
        settings.metrics?.admitted(spec.toolset, spec.tool);
        return {
          id,
          head: answer.head,
          repeated: false,
          ending: undefined,
          warnings: warningsOf(settings, spec, route),
        };
      case "repeated":
        return formerOf(settings, access, id, spec, answer);
      case "stale":
        // The epoch changed since this node heard of it last.
        await settings.catalog.refresh(spec.toolset);
        if (attempt < MAX_ROUTES) continue;
        throw new ToolgateError("NO_HEALTHY_PROVIDER", `"${spec.shown}" is changing its contract; retry`, {
          retryAfterMs: FULL_RETRY_MS,
        });
      case "limited":
        countLimited(settings, ruled(answer.refusal.limit));
        settings.overLimit.refused(answer.refusal, askedAtMs);
        throw limitError(answer.refusal, caller.principal.tenant);
      default:
        throw refusal(answer, spec, settings.pingIntervalMs);
    }
  }
}

function countLimited({ metrics }: PlaceCallSettings, { kind, rule: { tenant, name } }: RuledLimit): void {
  metrics?.limited(tenant, name, kind);
}

/** Admits a call that is counted in another shard too: there first, and taken back where it is not admitted then. */
async function admitReserved(
  { reservations, admissions }: PlaceCallSettings,
  admission: Admission,
  { reserved: limits, reservedAt: keys }: BoundLimits,
  { acknowledge }: PlacingOptions,
): Promise<AdmissionAnswer> {
  const { id, timeoutMs } = admission;
  const reservation = await reservations.reserve({ id, keys, limits, timeoutMs });
  if (reservation.kind === "limited") {
    if (admission.requestDigest === "-") return reservation;
    // A repeat comes to the first call, which was counted.
    const former = await admissions.admit({ ...admission, destination: NOWHERE, overflow: undefined }, acknowledge);
    return former.kind === "repeated" || former.kind === "conflict" ? former : reservation;
  }
  return admitOrGiveBack(reservations, reservation.reserved, () => admissions.admit(admission, acknowledge));
}

async function admitOrGiveBack(
  reservations: PlaceCallSettings["reservations"],
  reserved: Reserved,
  admit: () => Promise<AdmissionAnswer>,
): Promise<AdmissionAnswer> {
  let admitted = false;
  try {
    const answer = await admit();
    admitted = answer.kind === "admitted";
    return answer;
  } catch (error) {
    // What may have been admitted stays counted.
    admitted = !(error instanceof ToolgateError) || error.executed !== "no";
    throw error;
  } finally {
    if (!admitted) void reservations.giveBack(reserved);
  }
}

/** Whether a refusal may only mean that this node has not heard yet of what was registered through another one. */
function mayBeNews(error: unknown): boolean {
  return (
    error instanceof ToolgateError &&
    ["UNKNOWN_TOOLSET", "TOOLSET_DAMAGED", "UNKNOWN_TOOL", "DIGEST_MISMATCH"].includes(error.reason)
  );
}

function isUnknown(error: unknown): boolean {
  return error instanceof ToolgateError && (error.reason === "UNKNOWN_TOOLSET" || error.reason === "UNKNOWN_TOOL");
}

/** The call that the same request made before, if its caller gave the ids for finding it. */
async function formerCall(
  settings: PlaceCallSettings,
  access: CallerAccess,
  caller: CallerName,
  id: CallId,
  spec: CallSpec,
  { subscribe, acknowledge }: PlacingOptions,
): Promise<PlacedCall | undefined> {
  if (!spec.repeatable) return undefined;
  const admission: Admission = {
    ...{
      id,
      watch: subscribe,
      caller,
      requestDigest: requestDigest(spec),
      toolset: spec.toolset,
      tool: spec.tool,
      payload: spec.payload,
    },
    ...{ destination: NOWHERE, overflow: undefined, pinned: false, wait: false },
    ...{ delivery: "once", timeoutMs: 1, meta: "" },
  };
  const answer = await settings.admissions.admit(admission, acknowledge);
  if (answer.kind === "conflict") throw refusal(answer, spec, settings.pingIntervalMs);
  return answer.kind === "repeated" ? formerOf(settings, access, id, spec, answer) : undefined;
}

/**
 * The call that a request with its ids comes to. Of another principal's call, only those hear that may follow it; to others the ids are taken.
 *
 * @throws ToolgateError CALL_CONFLICT
 */
function formerOf(
  settings: PlaceCallSettings,
  access: CallerAccess,
  id: CallId,
  spec: CallSpec,
  { head, ending }: Extract<AdmissionAnswer, { kind: "repeated" }>,
): PlacedCall {
  if (!mayWithCall(access, "follow", head, settings.catalog))
    throw refusal({ kind: "conflict" }, spec, settings.pingIntervalMs);
  return { id, head, repeated: true, ending, warnings: [] };
}

/** Whether a caller may have a call run by the other contract too: its tool may have other tags, and conditions of its own. */
function mayOverflow(access: CallerAccess, spec: CallSpec, { epoch, tool }: NonNullable<Route["overflow"]>): boolean {
  const decision = access.mayUse("call", { name: spec.toolset, tags: epoch.facts().tags }, tool);
  return decision.allowed && decision.byArguments === undefined;
}

/** No epoch: nothing is admitted to it. */
const NOWHERE = { epoch: 0 as Epoch, digest: "" as Digest, maxBacklog: 0 } satisfies Destination; // neither is one

/** The least of what the caller, the tool and the registry allow. */
function executionTimeoutMs(
  settings: PlaceCallSettings,
  remainingMs: number | undefined,
  spec: CallSpec,
  route: Route,
): number {
  const limits = [
    spec.timeoutMs === 0 ? settings.defaultTimeoutMs : spec.timeoutMs,
    route.tool.timeoutMs ?? Number.POSITIVE_INFINITY,
    remainingMs ?? Number.POSITIVE_INFINITY,
    settings.maxTimeoutMs,
  ];
  return Math.max(1, Math.floor(Math.min(...limits)));
}

/** The warnings for the caller: a time that it named and that is over what the tool or the registry allows was cut. */
function warningsOf(
  { maxTimeoutMs }: PlaceCallSettings,
  { timeoutMs: asked }: CallSpec,
  { tool }: Route,
): readonly string[] {
  const most = Math.min(tool.timeoutMs ?? Number.POSITIVE_INFINITY, maxTimeoutMs);
  if (asked <= most) return [];
  const whose = most === maxTimeoutMs ? "the registry's maximum" : "the tool's own limit";
  return [`the call may take ${most} ms at most, less than was asked for: that is ${whose}`];
}

export function destinationOf(epoch: EpochView): Destination {
  return { epoch: epoch.epoch, digest: epoch.digest, maxBacklog: epoch.maxBacklog };
}

function refusal(
  answer: Extract<AdmissionAnswer, { kind: "conflict" | "unhealthy" | "full" }>,
  spec: CallSpec,
  pingIntervalMs: number,
): ToolgateError {
  switch (answer.kind) {
    case "conflict":
      return new ToolgateError(
        "CALL_CONFLICT",
        `a call of "${spec.shown}" with this run_id and tool_call_id exists with another tool or payload; use a new tool_call_id`,
      );
    case "unhealthy": {
      const age = answer.nowMs - answer.lastPongMs;
      const pong =
        answer.lastPongMs === 0
          ? "it has never answered a ping"
          : `its last answer to a ping was ${(age / 1_000).toFixed(1)} s ago`;
      return new ToolgateError(
        "NO_HEALTHY_PROVIDER",
        `no provider of "${spec.shown}" is healthy: ${pong}; retry later, or call with the wait policy`,
        {
          retryAfterMs: pingIntervalMs,
          metadata: {
            last_pong_ms: String(answer.lastPongMs),
            ...(answer.lastPongMs === 0 ? {} : { last_pong_age_ms: String(age) }),
          },
        },
      );
    }
    case "full":
      return new ToolgateError(
        "BACKLOG_FULL",
        `"${spec.shown}" has as many unfinished calls as it may; retry later, or add providers`,
        {
          retryAfterMs: FULL_RETRY_MS,
        },
      );
    default:
      return answer satisfies never;
  }
}
