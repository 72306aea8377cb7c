import { type CallerName, callerName } from "./caller-name.js";
import { DEFAULT_TENANT, type TenantName } from "./tenant.js";

/** How a principal proves who it is: by an API key, as a person, by a token of an issuer, by a client certificate; or not at all. */
export type PrincipalKind = "key" | "user" | "token" | "certificate" | "anonymous";

/** The maker of a request: everything that is decided about a caller is decided about this. */
export interface Principal {
  /** The tenant that owns what the caller makes; call ids are derived within it. */
  readonly tenant: TenantName;
  /** The caller itself, within its tenant: it stays when a key is rotated. */
  readonly id: string;
  readonly kind: PrincipalKind;
  /** What it may do: names of role documents of its tenant, or of built-in roles. */
  readonly roles: readonly string[];
  /** What its credential says of it besides, for conditions. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** The principal of everybody, where a node does not authenticate: it may do anything. */
export const ANONYMOUS: Principal = Object.freeze({
  tenant: DEFAULT_TENANT,
  id: "anonymous",
  kind: "anonymous",
  roles: Object.freeze(["admin", "cluster-admin"]),
  attributes: Object.freeze({}),
});

/** The owner of what a principal registers, as it stands in records: `tenant/id`, encoded as a caller's name is. */
export function ownerName(principal: Pick<Principal, "tenant" | "id">): string {
  const name: CallerName = callerName(principal);
  return name.replace(" ", "/");
}
