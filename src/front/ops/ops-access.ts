import type { AccessControl, Credentials } from "../../access/access-control.js";
import type { CallerAccess } from "../../access/caller-access.js";
import { isLoopback } from "../../config/address.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { ToolsetName } from "../../identity/names.js";

/** What a route of the ops listener needs of its caller. */
export type OpsNeed =
  /** Nothing: balancers ask it, which have no credentials. */
  | "nothing"
  /** It names toolsets and tools: a credential that may `operate`, unless the listener is for this machine alone, or is open. */
  | "metrics"
  /** It shows memory, or changes something: where the registry asks for credentials such a one, else a caller on this machine. */
  | "operate";

export interface OpsAccessOptions {
  readonly access: Pick<AccessControl, "required" | "authenticate" | "accessOf">;
  /** The setting `opsAuth`. */
  readonly mode: "auto" | "required" | "none";
  /** The host that is listened on. */
  readonly host: string;
  /** Whether the registry has toolsets of tenants: then only who may operate all of them may operate its nodes. */
  readonly hasTenants: () => boolean;
}

/** What stands for a node where rules decide: no toolset can have these names, and patterns for any name match them. */
const OWN_NODE = "_node" as ToolsetName;
const ANY_TENANTS_NODE = "_node/_node" as ToolsetName;

/** Who may ask the ops listener what. */
export class OpsAccess {
  readonly #options: OpsAccessOptions;
  readonly #isLocal: boolean;

  constructor(options: OpsAccessOptions) {
    this.#options = options;
    this.#isLocal = isLoopback(options.host);
  }

  /** @throws ToolgateError UNAUTHENTICATED, FORBIDDEN */
  async require(need: OpsNeed, credentials: Credentials): Promise<void> {
    const { access, mode, hasTenants } = this.#options;
    if (need === "nothing") return;
    if (need === "metrics" && (mode === "none" || (mode === "auto" && this.#isLocal))) return;
    if (!access.required) {
      if (this.#isLocal && mode !== "required") return;
      throw new ToolgateError(
        "UNAUTHENTICATED",
        "this takes a credential, and the registry has none yet: make one with `toolgate access init`",
      );
    }
    const { principal } = await access.authenticate(credentials);
    if (mayOperateNodes(access.accessOf(principal), hasTenants())) return;
    throw new ToolgateError("FORBIDDEN", "the caller's roles do not allow it to operate the registry's nodes", {
      metadata: { verb: "operate" },
    });
  }

  /** Whether a caller may, without a reason where not. */
  async allows(need: OpsNeed, credentials: Credentials): Promise<boolean> {
    return this.require(need, credentials).then(
      () => true,
      () => false,
    );
  }
}

function mayOperateNodes(access: CallerAccess, hasTenants: boolean): boolean {
  const may = (name: ToolsetName) => access.may("operate", { name, tags: [] }).allowed;
  return may(ANY_TENANTS_NODE) || (!hasTenants && may(OWN_NODE));
}
