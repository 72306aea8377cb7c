import type { CatalogReader, Damage } from "../../src/catalog/catalog-copy.js";
import { ContractText, createContractCache } from "../../src/catalog/contract-text.js";
import { epochView, type ToolsetView, toolsetView } from "../../src/catalog/toolset-view.js";
import type { Contract } from "../../src/contract/contract.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import type { Epoch, ToolsetName } from "../../src/identity/names.js";
import { nearNames } from "../../src/identity/near-names.js";
import type { TenantName } from "../../src/identity/tenant.js";
import { toolsetOf } from "../../src/identity/toolset-name.js";

/** A catalogue without Redis. */
export class CatalogInMemory implements CatalogReader {
  readonly #views = new Map<string, ToolsetView>();
  readonly #damaged = new Map<string, Damage>();
  readonly #cache;
  #all: readonly ToolsetView[] | undefined;
  version = 0;
  readonly stale = false;

  constructor(cachedContracts = 1_000) {
    this.#cache = createContractCache(cachedContracts);
  }

  /** Puts an epoch's contract, as the active one, beside those of earlier calls. */
  put(tenant: TenantName, contract: Contract, lastPongMs = 0): void {
    const name = toolsetOf(tenant, contract.name);
    const { digest, canonicalJson } = sealContract(contract);
    const known = this.#views.get(name)?.epochs ?? [];
    const text =
      known.find((epoch) => epoch.digest === digest)?.text ??
      ContractText.check(name, digest, canonicalJson, this.#cache, () => {});
    if (text === undefined) throw new Error("the digest is not the contract's");
    const record = {
      ...{ epoch: (known.length + 1) as Epoch, digest, version: contract.version, state: "active" as const }, // counted
      ...{ registeredAtMs: 0, activateAt: 0, maxBacklog: 1, retentionMs: 0, retireAfterMs: 0, retireAtMs: 0 },
    };
    const former = known
      .filter((epoch) => epoch.digest !== digest)
      .map((epoch) => epochView(name, { ...epoch, state: "retiring" }, epoch.text, epoch.health));
    const epoch = epochView(name, record, text, { lastPongMs, liveUntilMs: 0, room: 0 });
    const view = toolsetView(name, "default/somebody", [epoch, ...former]);
    if (view !== undefined) this.#views.set(name, view);
    this.#changed();
  }

  remove(name: ToolsetName): void {
    this.#views.delete(name);
    this.#changed();
  }

  damage(name: string): void {
    this.#damaged.set(name, { reason: "it is no record", epoch: undefined });
    this.#changed();
  }

  get(name: string): ToolsetView | undefined {
    return this.#views.get(name);
  }

  all(): readonly ToolsetView[] {
    this.#all ??= [...this.#views.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#all;
  }

  *after(name: string): Generator<ToolsetView> {
    for (const view of this.all()) if (view.name > name) yield view;
  }

  get size(): number {
    return this.#views.size;
  }

  get hasTenants(): boolean {
    return [...this.#views.keys(), ...this.#damaged.keys()].some((name) => name.includes("/"));
  }

  revision(): string {
    return String(this.version);
  }

  nearNames(name: string): string[] {
    return nearNames(name, this.#views.keys());
  }

  damageOf(name: string): Damage | undefined {
    return this.#damaged.get(name);
  }

  damaged(): readonly string[] {
    return [...this.#damaged.keys()].sort();
  }

  #changed(): void {
    this.version++;
    this.#all = undefined;
  }
}
