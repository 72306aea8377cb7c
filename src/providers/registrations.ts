import type { CallerAccess } from "../access/caller-access.js";
import { absentTo, ruledToolset } from "../access/require-on-toolset.js";
import type { CatalogCopy, CatalogReader } from "../catalog/catalog-copy.js";
import type { EpochView } from "../catalog/toolset-view.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { hashLeaseToken } from "../identity/lease-token.js";
import type { Epoch, Incarnation, ProviderId, ToolsetName } from "../identity/names.js";
import { ownerName, type Principal } from "../identity/principal.js";
import { DEFAULT_TENANT } from "../identity/tenant.js";
import { shownToolset, tenantOf, toolsetOf } from "../identity/toolset-name.js";
import type { Logger } from "../observe/logger.js";
import type { Contract__Output } from "../protocol/generated/toolgate/v1/Contract.js";
import type { Requester } from "../schemas/contract-validators.js";
import type { UsableContract } from "../schemas/validator-cache.js";
import { type Lease, leaseLost, releaseLease, renewLease } from "../store/registry/leases.js";
import { recordPongs } from "../store/registry/pongs.js";
import { promote } from "../store/registry/promote.js";
import { type Registered, type RegistrationOptions, register } from "../store/registry/register.js";
import type { RegistryStore } from "../store/registry/registry-store.js";
import type { EpochState } from "../store/registry/toolset-record.js";
import { unregister } from "../store/registry/unregister.js";
import type { AdmissionPacing, AdmissionRequest } from "./admission-pacing.js";
import type { ContractReader } from "./contract-reader.js";
import { supersede } from "./follow-epochs.js";
import type { KeepAlive, NamedCall } from "./keep-alive.js";
import type { OpenChannel } from "./provider-channel.js";
import type { ProviderSession } from "./provider-session.js";
import type { AttachWish, ProviderSessions } from "./provider-sessions.js";

export interface RegistrationsSettings {
  readonly store: RegistryStore;
  readonly catalog: CatalogCopy;
  readonly contracts: ContractReader;
  readonly sessions: ProviderSessions;
  readonly pacing: AdmissionPacing;
  readonly keepAlive: KeepAlive;
  readonly randomBytes: (size: number) => Buffer;
  readonly log: Logger;
  readonly leaseMs: number;
  readonly maxTimeoutMs: number;
  readonly maxToolsets: number;
  /** Makes sure that all nodes know of tenants. @throws ToolgateError NODES_OUTDATED, STORE_UNAVAILABLE */
  readonly requireTenancy: () => Promise<void>;
  /** Ends the calls that wait for a toolset that was just removed. */
  readonly abandon: (toolset: ToolsetName, epochs: readonly EpochView[]) => Promise<void>;
}

/** A contract that a provider serves from now on. */
export interface RegistrationRequest {
  readonly principal: Principal;
  /** It may take over the name from another principal. */
  readonly administers: boolean;
  readonly provider: ProviderId;
  readonly incarnation: Incarnation;
  readonly contract: Contract__Output | null;
  /** Leaves out what cannot be used, rather than refusing the whole. */
  readonly skipInvalid: boolean;
  readonly options: RegistrationOptions;
}

/** A provider that waits for a registration. */
export interface Registrant extends Omit<AdmissionRequest, "bytes">, Pick<Requester, "signal"> {}

/** What a provider learns of its registration. */
export interface RegistrationAnswer extends Registered, UsableContract {
  /** Proves the lease. */
  readonly leaseToken: string;
}

/** A provider's session, with the contract that it serves. */
export interface Attachment {
  readonly session: ProviderSession;
  readonly epoch: EpochView;
}

/** What providers ask for beside their calls: to be registered and attached, to stay, and to go. */
export class Registrations {
  readonly #settings: RegistrationsSettings;

  constructor(settings: RegistrationsSettings) {
    this.#settings = settings;
  }

  /** The node's copy of what is registered. */
  get catalog(): CatalogReader {
    return this.#settings.catalog;
  }

  /**
   * Registers a contract, or joins the epoch that serves the same one.
   *
   * @throws ToolgateError INVALID_CONTRACT, INVALID_SCHEMA, LIMIT_EXCEEDED, STORE_UNAVAILABLE, and what `register` refuses
   */
  async register(request: RegistrationRequest, registrant: Registrant): Promise<RegistrationAnswer> {
    const { store, catalog, contracts, pacing, randomBytes, log, leaseMs, maxToolsets } = this.#settings;
    const { provider, incarnation, options } = request;
    const { client, signal } = registrant;
    const usable = await contracts.read(request.contract, request.skipInvalid, { client, signal });
    const { sealed, skipped } = usable;
    const toolset = toolsetOf(request.principal.tenant, sealed.contract.name);
    if (tenantOf(toolset) !== DEFAULT_TENANT) await this.#settings.requireTenancy();
    const leaseToken = randomBytes(24).toString("base64url");
    // Its schemas are inspected outside of this: that may take long, and keeps no other provider waiting.
    const registered = await pacing.run({ ...registrant, bytes: sealed.canonicalJson.length }, async () => {
      const granted = await register(store, {
        toolset,
        owner: ownerName(request.principal),
        administers: request.administers,
        sealed,
        provider,
        incarnation,
        options,
        tokenHash: hashLeaseToken(leaseToken),
        leaseMs,
        maxToolsets,
        toolsetsElsewhere: catalog.sizeOfOthers(toolset),
      });
      // A replica of what the copy has already changes nothing that is read there.
      if (!isCopied(catalog, granted)) await catalog.refresh(granted.lease.toolset);
      return granted;
    });
    log.info({
      event: "provider_registered",
      toolset: registered.lease.toolset,
      epoch: registered.lease.epoch,
      version: sealed.contract.version,
      state: registered.state,
      provider,
      ...(skipped.length === 0 ? {} : { skipped: skipped.length }),
    });
    return { ...registered, ...usable, leaseToken };
  }

  /** Opens a provider's session. @throws ToolgateError LEASE_LOST, NODE_DRAINING, STORE_UNAVAILABLE */
  async attach(wish: AttachWish, open: OpenChannel): Promise<Attachment> {
    const { catalog, sessions } = this.#settings;
    const { lease } = wish;
    const epoch = await this.#epochOf(lease);
    const session = await sessions.attach(wish, open);
    // What happened while it was opened included.
    if (catalog.get(lease.toolset)?.retiring.some((known) => known.epoch === lease.epoch))
      supersede(catalog, sessions, lease.toolset);
    return { session, epoch };
  }

  /** A provider without a session lives. @throws ToolgateError LEASE_LOST, STORE_UNAVAILABLE */
  async pong(lease: Lease): Promise<{ readonly state: EpochState }> {
    const { store, leaseMs } = this.#settings;
    // The renewal proves the token, which a pong alone does not.
    const { state } = await renewLease(store, leaseMs, { lease, room: 0, routing: "keep", session: "" });
    const [answer] = await recordPongs(store, store.keyspace.forToolset(lease.toolset), [{ ...lease, outside: true }]);
    if (answer === undefined || answer === "refused") throw leaseLost(lease, "lost");
    return { state };
  }

  /**
   * A provider without a session stays, and so do the claims of the calls that it runs.
   *
   * @returns when its lease ends, and those of the calls that are not its own any more
   * @throws ToolgateError LEASE_LOST, STORE_UNAVAILABLE
   */
  async renew(
    lease: Lease,
    room: number,
    inHand: readonly NamedCall[],
  ): Promise<{ readonly untilMs: number; readonly fenced: readonly NamedCall[] }> {
    const { store, leaseMs, keepAlive } = this.#settings;
    const { untilMs } = await renewLease(store, leaseMs, { lease, room, routing: "keep", session: "" });
    return { untilMs, fenced: await keepAlive.renewInHand(lease, inHand) };
  }

  /** A provider gets no more calls. @throws ToolgateError LEASE_LOST, STORE_UNAVAILABLE */
  async drain(lease: Lease): Promise<void> {
    const { store, catalog, leaseMs } = this.#settings;
    await renewLease(store, leaseMs, { lease, room: 0, routing: "drain", session: "" });
    await catalog.refresh(lease.toolset);
  }

  /** A provider goes. @throws ToolgateError STORE_UNAVAILABLE */
  async release(lease: Lease): Promise<void> {
    const { store, catalog, sessions, log } = this.#settings;
    if (await releaseLease(store, lease)) sessions.released(lease);
    await catalog.refresh(lease.toolset);
    log.info({ event: "provider_released", toolset: lease.toolset, epoch: lease.epoch, provider: lease.provider });
  }

  /**
   * Removes a toolset, and ends the calls that wait for it. Its owner may, and operators.
   *
   * @throws ToolgateError what `unregister` refuses, STORE_UNAVAILABLE
   */
  async unregister(access: CallerAccess, toolset: ToolsetName, epoch: Epoch): Promise<void> {
    const { store, catalog, maxTimeoutMs, abandon, log } = this.#settings;
    await catalog.refresh(toolset);
    const epochs = catalog.get(toolset)?.epochs ?? [];
    const { owner, shown } = this.#by(access, toolset);
    await unregister(store, toolset, epoch, owner, maxTimeoutMs, shown).catch(this.#hide(access, toolset));
    await abandon(toolset, epochs);
    await catalog.refresh(toolset);
    log.info({ event: "toolset_unregistered", toolset, epoch });
  }

  /** Makes a candidate the active epoch. Its owner may, and operators. @throws ToolgateError what `promote` refuses, STORE_UNAVAILABLE */
  async promote(access: CallerAccess, toolset: ToolsetName, epoch: Epoch): Promise<void> {
    const { store, catalog } = this.#settings;
    const { owner, shown } = this.#by(access, toolset);
    await promote(store, toolset, epoch, owner, shown).catch(this.#hide(access, toolset));
    await catalog.refresh(toolset);
  }

  /** Whose toolset a caller may change: its own, or anybody's where it may operate it. */
  #by(access: CallerAccess, toolset: ToolsetName): { readonly owner: string | undefined; readonly shown: string } {
    const { principal } = access;
    const { allowed } = access.may("operate", ruledToolset(this.#settings.catalog, toolset));
    return { owner: allowed ? undefined : ownerName(principal), shown: shownToolset(principal.tenant, toolset) };
  }

  /** Says of another's toolset that the caller may not see what it says of one that does not exist. */
  #hide(access: CallerAccess, toolset: ToolsetName): (error: unknown) => Promise<never> {
    return async (error) => {
      const isSaid =
        error instanceof ToolgateError && (error.reason === "NOT_OWNER" || error.reason === "UNKNOWN_TOOLSET");
      const absent = isSaid ? await absentTo(this.#settings.catalog, access, toolset) : undefined;
      throw absent ?? error;
    };
  }

  /** The contract that a provider serves; read anew if this node has not heard of it. */
  async #epochOf(lease: Lease): Promise<EpochView> {
    const { catalog } = this.#settings;
    const find = (): EpochView | undefined =>
      catalog.get(lease.toolset)?.epochs.find(({ epoch }) => epoch === lease.epoch);
    const known = find();
    if (known !== undefined) return known;
    await catalog.refresh(lease.toolset);
    const read = find();
    if (read === undefined) throw leaseLost(lease, "lost");
    return read;
  }
}

/** Whether the node's copy of the catalogue has an epoch as it was registered. */
function isCopied(catalog: CatalogCopy, { lease, state, registeredAtMs }: Registered): boolean {
  const known = catalog.get(lease.toolset)?.epochs.find(({ epoch }) => epoch === lease.epoch);
  return known?.state === state && known.registeredAtMs === registeredAtMs;
}
