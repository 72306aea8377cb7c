import type { CallerAccess } from "../access/caller-access.js";
import { argumentsForbidden, decideArguments, requireCall, unjudgedCondition } from "../access/require.js";
import { lookForNear } from "../access/visible-catalog.js";
import { type HealthRule, isHealthy } from "../catalog/toolset-view.js";
import type { ErrorReason } from "../errors/codes.js";
import { toToolgateError } from "../errors/to-toolgate-error.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ToolName, ToolsetName } from "../identity/names.js";
import type { Principal } from "../identity/principal.js";
import type { TenantName } from "../identity/tenant.js";
import { shownToolset } from "../identity/toolset-name.js";
import type { JsonText } from "../json/read-json.js";
import { limitError } from "../limits/limit-error.js";
import { peekLimits } from "../store/call-limits/peek-limits.js";
import type { CallStore } from "../store/calls/call-store.js";
import { countUnfinished } from "../store/calls/unfinished-calls.js";
import type { LeaseClock } from "../store/lease-clock.js";
import type { CallSpec } from "./call-spec.js";
import { findContract, isUnknownToolset, type Route, type SeenCatalog } from "./find-contract.js";
import type { PlaceCallSettings } from "./place-call.js";
import { type PayloadCaller, readPayload } from "./validate-payload.js";

/** What a call has to pass, in this order. */
export const GATES = ["contract", "policy", "arguments", "limits", "health", "backlog"] as const;
export type Gate = (typeof GATES)[number];

/** What became of a call at one gate. */
export interface GateVerdict {
  readonly gate: Gate;
  /** `skipped`: an earlier gate failed, or nothing was given to judge. */
  readonly verdict: "passed" | "failed" | "skipped";
  /** Why, in a sentence. */
  readonly detail: string;
  /** What mends it; empty where nothing needs to be mended. */
  readonly remedy: string;
  /** The error that the call would get, where the gate failed. */
  readonly error: ToolgateError | undefined;
}

/**
 * What the first failure asks for: nothing, `ready`; the same call again after a while, `retry`; a change that somebody has to make,
 * `operator`; or there is no such tool to be seen, or it could not be found out, `unknown`.
 */
export type ExplainedOutcome = "ready" | "retry" | "operator" | "unknown";

export interface Explanation {
  /** Each gate once, in their order. */
  readonly gates: readonly GateVerdict[];
  readonly outcome: ExplainedOutcome;
}

/** The call that is asked about. */
export interface ExplainedCall {
  /** Who would make it. */
  readonly principal: Principal;
  /** What that one may do. */
  readonly access: CallerAccess;
  readonly toolset: ToolsetName;
  readonly tool: ToolName;
  /** Its arguments; undefined where none are given, and what depends on them is not judged. */
  readonly payload: Buffer | undefined;
}

export interface ExplainParts {
  readonly placing: Pick<PlaceCallSettings, "texts" | "payloads" | "limits" | "maxPayloadBytes">;
  readonly store: CallStore;
  readonly leaseClock: Pick<LeaseClock, "nowMs">;
  readonly healthRule: HealthRule;
}

/**
 * Says what would become of a call, by the same code that decides it for calls; nothing is admitted, and nothing counted.
 *
 * @param seen the catalogue as the asking caller sees it: of what it may not see, it hears nothing.
 * @param asking for whose share the arguments are checked, and how long it waits.
 */
export async function explainCall(
  parts: ExplainParts,
  seen: SeenCatalog,
  call: ExplainedCall,
  asking: PayloadCaller,
): Promise<Explanation> {
  const gates = new Gates();
  const { placing, store } = parts;
  const { keyspace } = store;
  const { toolset, tool, principal, access, payload } = call;
  let route: Route;
  try {
    const question = routeQuestion(call, seen.tenant);
    if (isUnknownToolset(seen.visible, question)) await lookForNear(seen.visible, seen.tenant, toolset);
    route = findContract(seen, question);
  } catch (error) {
    return gates.fail("contract", error).skipRest();
  }
  const { epoch } = route;
  gates.pass("contract", `"${toolset}" has the tool "${tool}" at version ${epoch.version}, digest ${epoch.digest}`);
  const ruled = { name: toolset, tags: epoch.facts().tags };

  await gates.judge("policy", async () => {
    const decision = decideOn(access, ruled, route);
    return `${decision.rule ?? "a rule"} allows it${decision.byArguments === undefined ? "" : ", as far as the arguments allow it too"}`;
  });
  if (payload === undefined) gates.skip("arguments", "none were given");
  else
    await gates.judge("arguments", async () => {
      const text: JsonText = await readPayload(placing.texts, payload, placing.maxPayloadBytes, asking);
      await placing.payloads.check(epoch, route.tool, text, asking);
      const decided = decideArguments(access, requireCall(access, ruled, route.tool), text);
      const unjudged = (decided.unjudged ?? []).map(
        ({ rule, why }) => unjudgedCondition(principal.tenant, rule, why).message,
      );
      if (!decided.allowed) throw refusedArguments(call, unjudged);
      return ["they fit the tool's payload schema", ...unjudged].join("; ");
    });
  await gates.judge("limits", async () => {
    const bound = placing.limits.of(principal, toolset, tool, undefined, payload ?? Buffer.alloc(0));
    if (bound === undefined) return "no limit applies";
    const { counted, reserved, reservedAt } = bound;
    const refused =
      (await peekLimits(store, keyspace.forToolset(toolset), counted)) ??
      (await peekLimits(store, reservedAt, reserved));
    if (refused !== undefined) throw limitError(refused, principal.tenant);
    return `${counted.length + reserved.length} limits apply, and have room`;
  });
  await gates.judge("health", async () => {
    const nowMs = parts.leaseClock.nowMs(keyspace.forToolset(toolset));
    if (!isHealthy(epoch, nowMs, parts.healthRule)) throw unhealthy(route, nowMs);
    return `a provider answered a ping ${seconds(nowMs - epoch.health.lastPongMs)} ago`;
  });
  await gates.judge("backlog", async () => {
    const waiting = await countUnfinished(store, toolset, epoch.epoch);
    if (waiting >= epoch.maxBacklog)
      throw new ToolgateError(
        "BACKLOG_FULL",
        `${waiting} calls of "${toolset}" have not ended, as many as it may have`,
      );
    return `${waiting} calls of ${epoch.maxBacklog} have not ended`;
  });
  return gates.explanation;
}

/** Decides as for a call, but says of a tool that the principal does not even see that it is the policy which hides it. */
function decideOn(access: CallerAccess, ruled: Parameters<typeof requireCall>[1], { tool }: Route) {
  if (access.mayUse("discover", ruled, tool).allowed) return requireCall(access, ruled, tool);
  const message = `"${tool.name}" of "${ruled.name}" is not visible to the principal, which hears that there is none`;
  throw new ToolgateError("FORBIDDEN", message);
}

/** What the call would get, with what its caller does not hear: which conditions decided without being judged. */
function refusedArguments({ toolset, tool, access }: ExplainedCall, unjudged: readonly string[]): ToolgateError {
  const { message, metadata } = argumentsForbidden(access, toolset, tool);
  return new ToolgateError("FORBIDDEN", [message, ...unjudged].join("; "), { metadata });
}

/** A call of no digest and of usual patience. */
function routeQuestion({ toolset, tool }: ExplainedCall, reader: TenantName): CallSpec {
  return {
    ...{
      toolset,
      tool,
      shown: shownToolset(reader, toolset),
      payload: Buffer.alloc(0),
      meta: {},
      repeatable: false,
      expectDigest: undefined,
    },
    ...{ wait: false, continueOnDisconnect: false, timeoutMs: 0, lostNodes: 0 },
  };
}

function unhealthy({ toolset, epoch }: Route, nowMs: number): ToolgateError {
  const { lastPongMs, room } = epoch.health;
  const why =
    lastPongMs === 0
      ? "none has ever answered a ping"
      : room === 0
        ? "none is attached and takes calls"
        : `the last answer to a ping was ${seconds(nowMs - lastPongMs)} ago`;
  return new ToolgateError("NO_HEALTHY_PROVIDER", `no provider of "${toolset.name}" is healthy: ${why}`);
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** The verdicts so far: after a failure, the rest is skipped. */
class Gates {
  readonly #verdicts: GateVerdict[] = [];
  #failed: ToolgateError | undefined;

  get explanation(): Explanation {
    return { gates: this.#verdicts, outcome: this.#failed === undefined ? "ready" : outcomeOf(this.#failed) };
  }

  pass(gate: Gate, detail: string): void {
    this.#verdicts.push({ gate, verdict: "passed", detail, remedy: "", error: undefined });
  }

  skip(gate: Gate, detail: string): void {
    this.#verdicts.push({ gate, verdict: "skipped", detail, remedy: "", error: undefined });
  }

  /** @param judge says why the gate is passed; throws what the call would get. */
  async judge(gate: Gate, judge: () => Promise<string>): Promise<void> {
    if (this.#failed !== undefined) {
      this.skip(gate, "an earlier one failed");
      return;
    }
    try {
      this.pass(gate, await judge());
    } catch (error) {
      this.fail(gate, error);
    }
  }

  fail(gate: Gate, thrown: unknown): this {
    const error = toToolgateError(thrown);
    this.#failed = error;
    this.#verdicts.push({ gate, verdict: "failed", detail: error.message, remedy: remedyOf(gate, error), error });
    return this;
  }

  /** Nothing more can be judged. */
  skipRest(): Explanation {
    const judged = new Set(this.#verdicts.map(({ gate }) => gate));
    for (const gate of GATES) if (!judged.has(gate)) this.skip(gate, "an earlier one failed");
    return this.explanation;
  }
}

/** Reasons that mean that there is nothing to be seen, or that it could not be found out. */
const UNDECIDED: ReadonlySet<ErrorReason> = new Set([
  "UNKNOWN_TOOLSET",
  "UNKNOWN_TOOL",
  "STORE_UNAVAILABLE",
  "VERDICT_UNAVAILABLE",
  "INTERNAL",
]);
/** Reasons that pass by themselves. */
const PASSING: ReadonlySet<ErrorReason> = new Set([
  "RATE_LIMITED",
  "BUDGET_EXHAUSTED",
  "NO_HEALTHY_PROVIDER",
  "BACKLOG_FULL",
]);

function outcomeOf({ reason }: ToolgateError): ExplainedOutcome {
  if (UNDECIDED.has(reason)) return "unknown";
  return PASSING.has(reason) ? "retry" : "operator";
}

function remedyOf(gate: Gate, { reason, metadata, retryAfterMs }: ToolgateError): string {
  switch (gate) {
    case "contract":
      return "toolgate search WORDS";
    case "policy":
      return "give the principal a role that allows it: toolgate access role list; of another tenant's toolset, have it shared: toolgate access share --help";
    case "arguments":
      return reason === "FORBIDDEN"
        ? "give other arguments, or look at the conditions of the principal's roles: toolgate access role get ROLE"
        : "correct the arguments: toolgate get TOOLSET --tool TOOL";
    case "limits": {
      const wait = retryAfterMs === undefined ? "" : `wait ${retryAfterMs} ms, or `;
      return `${wait}raise the limit: toolgate access get limit ${metadata.limit_document ?? "NAME"}`;
    }
    case "health":
      return "start a provider, or look at those that there are: toolgate get TOOLSET; toolgate doctor";
    case "backlog":
      return "add providers, or wait: toolgate calls list --toolset TOOLSET";
    default:
      return gate satisfies never;
  }
}
