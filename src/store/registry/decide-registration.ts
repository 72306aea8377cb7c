import compare from "semver/functions/compare.js";
import type { Digest, Epoch } from "../../identity/names.js";
import { ANONYMOUS, ownerName } from "../../identity/principal.js";
import type { EpochRecord, ToolsetRecord } from "./toolset-record.js";

/** What a provider asks for, as far as the decision needs it. */
export interface RegistrationRequest {
  readonly owner: string;
  /** It may have a name that belongs to another principal: then that is its own from now on. */
  readonly administers: boolean;
  readonly digest: Digest;
  readonly version: string;
  /** Accept another contract whose version is not higher. */
  readonly replace: boolean;
}

export type RegistrationDecision =
  /** The contract is there: the provider joins its epoch. */
  | { readonly kind: "join"; readonly epoch: Epoch }
  /** A new epoch is made: active when it is the first, a candidate otherwise. */
  | { readonly kind: "create" }
  /** Another contract with this or a higher version is there. */
  | { readonly kind: "conflict"; readonly with: EpochRecord }
  | { readonly kind: "not_owner" }
  /** It would be one epoch too many. */
  | { readonly kind: "crowded" };

/**
 * The most epochs that a toolset has at once, those included whose last providers are still leaving: each has its contract and its
 * keys in Redis, and every registration reads the record of all.
 */
export const MAX_EPOCHS = 32;

/** The owner of what was registered where nobody was authenticated. */
const OPEN_OWNER = ownerName(ANONYMOUS);

/**
 * Whether a principal may have a name that another one, or itself, owns: one that may administer the tenant has any. What was
 * registered while the registry was open goes to the first that registers it when it is not.
 */
export function mayHave(owner: string, by: Pick<RegistrationRequest, "owner" | "administers">): boolean {
  return owner === by.owner || owner === OPEN_OWNER || by.administers;
}

/**
 * Decides a registration from the toolset's record: the same contract joins, a higher version or `replace` makes a new
 * epoch, anything else is refused. So a version names one contract for ever, and a crash-looping old replica cannot
 * take the toolset back.
 */
export function decideRegistration(
  record: ToolsetRecord | undefined,
  request: RegistrationRequest,
): RegistrationDecision {
  if (record === undefined) return { kind: "create" };
  if (!mayHave(record.owner, request)) return { kind: "not_owner" };
  const current = record.epochs.filter((epoch) => epoch.state !== "retiring");
  const same = current.find((epoch) => epoch.digest === request.digest);
  if (same !== undefined) return { kind: "join", epoch: same.epoch };
  const create: RegistrationDecision = { kind: record.epochs.length < MAX_EPOCHS ? "create" : "crowded" };
  if (request.replace) return create;
  // Build metadata does not order versions (https://semver.org/#spec-item-10), so it cannot make one higher.
  const inTheWay = current
    .filter((epoch) => compare(request.version, epoch.version) <= 0)
    .sort((a, b) => compare(b.version, a.version))[0];
  return inTheWay === undefined ? create : { kind: "conflict", with: inTheWay };
}
