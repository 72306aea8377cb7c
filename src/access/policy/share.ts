import { BodyReader } from "../../documents/body-reader.js";
import type { DocumentKind } from "../../documents/document.js";
import { readToolPatterns, readToolsetPatterns } from "../../documents/read-patterns.js";
import { isTenantName, type TenantName } from "../../identity/tenant.js";

/** What a tenant lets others use. It gives them nothing by itself: their roles must allow it too. */
export interface ShareSpec {
  /** Patterns of the tenant's own toolsets. */
  readonly toolsets: readonly string[];
  readonly tools: readonly string[];
  /** The tenants with which it is shared. */
  readonly with: readonly TenantName[];
  readonly verbs: readonly ("discover" | "call")[];
}

const MAX_TENANTS = 1_000;

/** Toolsets that a tenant shares with others. */
export const SHARE: DocumentKind<ShareSpec> = {
  kind: "share",
  parse(body, ref) {
    const reader = new BodyReader();
    const { toolsets, tools, with: tenants, verbs } = reader.object(body, "", ["toolsets", "tools", "with", "verbs"]);
    const shareable = ["discover", "call"] as const;
    const spec: ShareSpec = {
      toolsets: readToolsetPatterns(reader, toolsets, "/toolsets"),
      tools: tools === undefined ? ["*"] : readToolPatterns(reader, tools, "/tools"),
      with: reader
        .list(tenants, "/with", { least: 1, most: MAX_TENANTS })
        .map(([tenant, place]) => readTenant(reader, tenant, place))
        .filter((tenant) => tenant !== undefined),
      verbs:
        verbs === undefined
          ? shareable
          : reader
              .list(verbs, "/verbs", { least: 1, most: 2 })
              .map(([verb, place]) => reader.word(verb, place, shareable))
              .filter((verb) => verb !== undefined),
    };
    for (const [index, pattern] of spec.toolsets.entries())
      if (pattern.includes("/"))
        reader.add(`/toolsets/${index}`, "must name toolsets of the own tenant, without a slash");
    for (const [index, tenant] of spec.with.entries())
      if (tenant === ref.tenant) reader.add(`/with/${index}`, "must be another tenant");
    reader.throwIfAny(ref);
    return spec;
  },
};

/** The tenants of each share as a set: a registry may have thousands of shares with a thousand tenants each. */
const TENANTS = new WeakMap<ShareSpec, ReadonlySet<TenantName>>();

/** Whether something is shared with a tenant. */
export function isSharedWith(share: ShareSpec, tenant: TenantName): boolean {
  let tenants = TENANTS.get(share);
  if (tenants === undefined) {
    tenants = new Set(share.with);
    TENANTS.set(share, tenants);
  }
  return tenants.has(tenant);
}

function readTenant(reader: BodyReader, value: unknown, place: string): TenantName | undefined {
  if (typeof value === "string" && isTenantName(value)) return value;
  reader.add(place, "must be a tenant's name, such as acme; there is no pattern for all tenants");
  return undefined;
}
