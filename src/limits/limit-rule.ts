import { hash } from "node:crypto";
import { compileCallMatch, type MatchedCall } from "../documents/call-match.js";
import type { StoredDocument } from "../documents/document.js";
import type { TenantName } from "../identity/tenant.js";
import type { CallLimit, LimitKind } from "../store/call-limits/call-limit.js";
import { burstOf, type LimitPer, type LimitSpec } from "./limit.js";

/** A limit of a document, as it bears on one call. */
export interface RuledLimit extends CallLimit {
  readonly rule: LimitRule;
}

/** A document of limits, ready to be asked. */
export interface LimitRule {
  readonly tenant: TenantName;
  readonly name: string;
  readonly spec: LimitSpec;
  fits(call: MatchedCall): boolean;
  /** The kinds that it limits, but for loops. */
  readonly counts: readonly Pick<CallLimit, "kind" | "most" | "everyUs">[];
}

/** Compiles a document of limits. */
export function compileLimit({ ref: { tenant, name }, spec }: StoredDocument<LimitSpec>): LimitRule {
  const { rate, concurrency, daily, total } = spec;
  const count = (kind: LimitKind, most: number | undefined, everyUs = 0) =>
    most === undefined ? [] : [{ kind, most, everyUs }];
  return {
    tenant,
    name,
    spec,
    // A tenant limits its own callers, and all callers of its toolsets.
    fits: compileCallMatch(tenant, spec.match ?? {}, (call) => call.tenant === tenant || call.toolsetTenant === tenant),
    counts: [
      ...count("rate", rate && burstOf(rate), rate === undefined ? 0 : (rate.perMs * 1_000) / rate.calls),
      ...count("running", concurrency),
      ...count("daily", daily),
      ...count("total", total),
    ],
  };
}

/** Whether what a limit counts for is of one toolset: it is kept where that is. Otherwise it is where the caller's tenant is. */
export function isOfToolset(per: LimitPer): boolean {
  return per === "toolset" || per === "tool";
}

/** The subject of one of a document's limits for a call: the same on every node. */
export function subjectOf(rule: LimitRule, kind: LimitKind, call: MatchedCall, runId: string): string {
  return hashOf([kind, rule.tenant, rule.name, rule.spec.per, ...forWhom(rule.spec.per, call, runId)]);
}

/** The subject of a run's call that may fail again and again: no document's, for all of them look at the same failures. */
export function loopSubject(call: MatchedCall, runId: string, payload: Buffer): string {
  return hashOf(["loop", call.tenant, runId, call.toolset, call.tool, hash("sha256", payload, "base64url")]);
}

function forWhom(per: LimitPer, call: MatchedCall, runId: string): readonly string[] {
  switch (per) {
    case "caller":
      return [call.tenant, call.id];
    case "tenant":
      return [call.tenant];
    case "toolset":
      return [call.toolset];
    case "tool":
      return [call.toolset, call.tool];
    case "run":
      return [call.tenant, runId];
    default:
      return per satisfies never;
  }
}

function hashOf(words: readonly string[]): string {
  return hash("sha256", JSON.stringify(words), "base64url").slice(0, 22);
}

/** How a tenant is told of a document: by its name, and by its tenant too where that is another one. */
export function shownName({ tenant, name }: LimitRule, reader: TenantName): string {
  return tenant === reader ? name : `${tenant}/${name}`;
}
