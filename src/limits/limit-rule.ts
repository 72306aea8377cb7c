import { hash } from "node:crypto";
import type { StoredDocument } from "../documents/document.js";
import { compilePattern, compileToolPattern, type Matcher, splitToolsetPattern } from "../identity/name-pattern.js";
import type { ToolName, ToolsetName } from "../identity/names.js";
import type { TenantName } from "../identity/tenant.js";
import type { CallLimit, LimitKind } from "../store/call-limits/call-limit.js";
import { burstOf, type LimitPer, type LimitSpec } from "./limit.js";

/** Who calls what: all that limits look at. */
export interface LimitedCall {
  readonly tenant: TenantName;
  /** The principal's id within its tenant. */
  readonly id: string;
  /** The toolset's identity, and apart. */
  readonly toolset: ToolsetName;
  readonly toolsetTenant: TenantName;
  readonly toolsetName: string;
  readonly tool: ToolName;
}

/** A limit of a document, as it bears on one call. */
export interface RuledLimit extends CallLimit {
  readonly rule: LimitRule;
}

/** A document of limits, ready to be asked. */
export interface LimitRule {
  readonly tenant: TenantName;
  readonly name: string;
  readonly spec: LimitSpec;
  fits(call: LimitedCall): boolean;
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
    fits: fitsCall(tenant, spec),
    counts: [
      ...count("rate", rate && burstOf(rate), rate === undefined ? 0 : (rate.perMs * 1_000) / rate.calls),
      ...count("running", concurrency),
      ...count("daily", daily),
      ...count("total", total),
    ],
  };
}

/** A tenant limits its own callers, and all callers of its toolsets; the default one any tenants' callers where it names them. */
function fitsCall(owner: TenantName, { match = {} }: LimitSpec) {
  const { principals, tenants, toolsets, tools } = match;
  const ofTenant = tenants && anyOf(tenants.map(compilePattern));
  const ofPrincipal = principals && anyOf(principals.map(compileToolPattern));
  const ofTool = tools && anyOf(tools.map(compileToolPattern));
  const ofToolset = toolsets?.map((pattern) => {
    const parts = splitToolsetPattern(pattern);
    return {
      tenant: parts.tenant === undefined ? undefined : compilePattern(parts.tenant),
      name: compilePattern(parts.name),
    };
  });
  return (call: LimitedCall): boolean => {
    const concerns =
      ofTenant === undefined ? call.tenant === owner || call.toolsetTenant === owner : ofTenant(call.tenant);
    if (!concerns) return false;
    // A pattern without a tenant is about the document's own toolsets; where it names tenants, about those of each.
    const home = ofTenant === undefined ? owner : call.tenant;
    return (
      (ofPrincipal === undefined || ofPrincipal(call.id)) &&
      (ofTool === undefined || ofTool(call.tool)) &&
      (ofToolset === undefined ||
        ofToolset.some(
          ({ tenant, name }) =>
            (tenant === undefined ? call.toolsetTenant === home : tenant(call.toolsetTenant)) && name(call.toolsetName),
        ))
    );
  };
}

function anyOf(matchers: readonly Matcher[]): Matcher {
  return (text) => matchers.some((matches) => matches(text));
}

/** Whether what a limit counts for is of one toolset: it is kept where that is. Otherwise it is where the caller's tenant is. */
export function isOfToolset(per: LimitPer): boolean {
  return per === "toolset" || per === "tool";
}

/** The subject of one of a document's limits for a call: the same on every node. */
export function subjectOf(rule: LimitRule, kind: LimitKind, call: LimitedCall, runId: string): string {
  return hashOf([kind, rule.tenant, rule.name, rule.spec.per, ...forWhom(rule.spec.per, call, runId)]);
}

/** The subject of a run's call that may fail again and again: no document's, for all of them look at the same failures. */
export function loopSubject(call: LimitedCall, runId: string, payload: Buffer): string {
  return hashOf(["loop", call.tenant, runId, call.toolset, call.tool, hash("sha256", payload, "base64url")]);
}

function forWhom(per: LimitPer, call: LimitedCall, runId: string): readonly string[] {
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
