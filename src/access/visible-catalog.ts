import { runInSlices, type Steps } from "../async/steps.js";
import type { CatalogReader, Damage } from "../catalog/catalog-copy.js";
import type { ContractFacts, ContractOutline, ContractText, OutlinedTool } from "../catalog/contract-text.js";
import {
  type EpochRecord,
  type EpochState,
  type EpochView,
  type ToolsetView,
  toolsetView,
} from "../catalog/toolset-view.js";
import { nearToolsets } from "../catalog/unknown-toolset.js";
import type { Contract, ToolContract } from "../contract/contract.js";
import type { Digest, Epoch, ToolsetName } from "../identity/names.js";
import { nearNames } from "../identity/near-names.js";
import { DEFAULT_TENANT, type TenantName } from "../identity/tenant.js";
import { isToolsetName } from "../identity/toolset-name.js";
import type { EpochHealth } from "../store/registry/health-entry.js";
import type { CallerAccess } from "./caller-access.js";

/*
 * The catalogue as a caller may see it. What it may not discover is not there, by the same code that finds nothing where there is
 * nothing: a toolset of which no tool is visible, and, in the contracts of others, each tool that is not. Digests stay those of the
 * whole contracts, which is what callers pin and providers registered.
 *
 * Callers of one view share what was found out for them: an epoch is looked at once, whatever becomes of its health.
 */

/**
 * The catalogue as a caller sees it: without the toolsets and tools that it may not discover.
 *
 * @returns the catalogue itself where the caller sees all of it; else the same object for the same access
 */
export function visibleTo(catalog: CatalogReader, access: CallerAccess): CatalogReader {
  if (access.seesWholeRegistry && !catalog.hasTenants) return catalog;
  const known = access.derived.get(catalog);
  if (known instanceof VisibleCatalog) return known;
  const visible = new VisibleCatalog(catalog, access);
  access.derived.set(catalog, visible);
  return visible;
}

/**
 * Finds out what of a catalogue is visible, a toolset in a step: of 20,000, 100 ms. Afterwards `all` only looks it up, until the catalogue
 * or the caller's rights change.
 */
export function* lookAtAll(visible: Pick<CatalogReader, "all">): Steps<void> {
  if (visible instanceof VisibleCatalog) yield* visible.lookAtAll();
}

/**
 * Has done in slices what `unknownToolset` needs, where it is about to be asked for a toolset that is not there for a caller.
 *
 * @param visible the catalogue as the caller sees it
 */
export async function lookForNear(
  visible: Pick<CatalogReader, "all" | "damageOf">,
  tenant: TenantName,
  toolset: ToolsetName,
): Promise<void> {
  await runInSlices(lookAtAll(visible), tenant);
  if (visible.damageOf(toolset) === undefined) await runInSlices(nearToolsets(visible, tenant, toolset), tenant);
}

/** What of an epoch is visible. */
type Visibility = "all" | "none" | ReadonlySet<string>;

/** A toolset and the tools of a record that cannot be read: rules that are about all tools decide on it, and no others. */
const UNREADABLE_TOOL: OutlinedTool = { name: "", tags: [] };

class VisibleCatalog implements CatalogReader {
  readonly #catalog: CatalogReader;
  readonly #access: CallerAccess;
  readonly #epochs = new WeakMap<ContractText, Visibility>();
  readonly #views = new WeakMap<ToolsetView, ToolsetView>();
  #all: { readonly of: readonly ToolsetView[]; readonly visible: readonly ToolsetView[] } | undefined;

  constructor(catalog: CatalogReader, access: CallerAccess) {
    this.#catalog = catalog;
    this.#access = access;
  }

  get(name: string): ToolsetView | undefined {
    const view = this.#catalog.get(name);
    return view === undefined ? undefined : this.#visible(view);
  }

  all(): readonly ToolsetView[] {
    const of = this.#catalog.all();
    if (this.#all?.of !== of) this.#all = { of, visible: of.flatMap((view) => this.#visible(view) ?? []) };
    return this.#all.visible;
  }

  *lookAtAll(): Steps<void> {
    const of = this.#catalog.all();
    if (this.#all?.of === of) return;
    const visible: ToolsetView[] = [];
    for (const view of of) {
      yield;
      const seen = this.#visible(view);
      if (seen !== undefined) visible.push(seen);
    }
    // Views are found out once: whatever was asked for meanwhile has found the same.
    if (this.#all?.of !== of && of === this.#catalog.all()) this.#all = { of, visible };
  }

  *after(name: string): Generator<ToolsetView> {
    for (const view of this.#catalog.after(name)) {
      const visible = this.#visible(view);
      if (visible !== undefined) yield visible;
    }
  }

  get size(): number {
    return this.all().length;
  }

  get hasTenants(): boolean {
    return this.#catalog.hasTenants;
  }

  revision(): string {
    return this.#catalog.revision();
  }

  get version(): number {
    return this.#catalog.version;
  }

  get stale(): boolean {
    return this.#catalog.stale;
  }

  nearNames(name: string): string[] {
    return nearNames(name, namesOf(this.all()));
  }

  damageOf(name: string): Damage | undefined {
    return this.#seesDamaged(name) ? this.#catalog.damageOf(name) : undefined;
  }

  damaged(): readonly string[] {
    return this.#catalog.damaged().filter((name) => this.#seesDamaged(name));
  }

  /** Of a record that cannot be read neither tools nor tags are known; of one with a bad name, not even a tenant. */
  #seesDamaged(name: string): boolean {
    if (!isToolsetName(name)) return this.#access.mayIn("administer", DEFAULT_TENANT).allowed;
    return this.#access.mayUse("discover", { name, tags: [] }, UNREADABLE_TOOL).allowed;
  }

  #visible(view: ToolsetView): ToolsetView | undefined {
    const known = this.#views.get(view);
    if (known !== undefined) return known;
    const epochs = view.epochs.flatMap((epoch) => {
      const visibility = this.#visibilityOf(epoch);
      if (visibility === "none") return [];
      return [visibility === "all" ? epoch : new VisibleEpoch(epoch, visibility)];
    });
    const whole = epochs.every((epoch, index) => epoch === view.epochs[index]) && epochs.length === view.epochs.length;
    const visible = whole ? view : toolsetView(view.name, view.owner, epochs);
    if (visible !== undefined) this.#views.set(view, visible);
    return visible;
  }

  #visibilityOf(epoch: EpochView): Visibility {
    let visibility = this.#epochs.get(epoch.text);
    if (visibility === undefined) {
      visibility = this.#lookAt(epoch);
      this.#epochs.set(epoch.text, visibility);
    }
    return visibility;
  }

  #lookAt(epoch: EpochView): Visibility {
    let outline: ContractOutline;
    try {
      outline = epoch.outline();
    } catch {
      return "none"; // it was quarantined just now, and is a damaged one from here on
    }
    const toolset = { name: epoch.toolset, tags: outline.tags };
    const seen = this.#access.visibleTools(toolset, outline.tools);
    if (seen.length === 0) return "none";
    return seen.length === outline.tools.length ? "all" : new Set(seen.map(({ name }) => name));
  }
}

function* namesOf(views: readonly ToolsetView[]): Generator<ToolsetName> {
  for (const { name } of views) yield name;
}

/** An epoch of which some tools are hidden. A class, because catalogues hold many of them. */
class VisibleEpoch implements EpochView {
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
  readonly digest: Digest;
  readonly version: string;
  readonly state: EpochState;
  readonly registeredAtMs: number;
  readonly activateAt: number;
  readonly maxBacklog: number;
  readonly retentionMs: number;
  readonly retireAfterMs: number;
  readonly retireAtMs: number;
  readonly health: EpochHealth;
  readonly #whole: EpochView;
  readonly #tools: ReadonlySet<string>;
  #contract: { readonly of: Contract; readonly visible: Contract } | undefined;

  constructor(whole: EpochView, tools: ReadonlySet<string>) {
    this.toolset = whole.toolset;
    this.#whole = whole;
    this.#tools = tools;
    const record: EpochRecord = whole;
    this.epoch = record.epoch;
    this.digest = record.digest;
    this.version = record.version;
    this.state = record.state;
    this.registeredAtMs = record.registeredAtMs;
    this.activateAt = record.activateAt;
    this.maxBacklog = record.maxBacklog;
    this.retentionMs = record.retentionMs;
    this.retireAfterMs = record.retireAfterMs;
    this.retireAtMs = record.retireAtMs;
    this.health = whole.health;
  }

  /** Of the whole: nothing that is made for callers may be made from it. */
  get text(): ContractText {
    return this.#whole.text;
  }

  contract(): Contract {
    const of = this.#whole.contract();
    if (this.#contract?.of !== of) {
      this.#contract = { of, visible: { ...of, tools: of.tools.filter(({ name }) => this.#tools.has(name)) } };
    }
    return this.#contract.visible;
  }

  tool(name: string): ToolContract | undefined {
    return this.#tools.has(name) ? this.#whole.tool(name) : undefined;
  }

  facts(): ContractFacts {
    return { ...this.#whole.facts(), toolCount: this.#tools.size };
  }

  outline(): ContractOutline {
    const { tags, tools } = this.#whole.outline();
    return { tags, tools: tools.filter(({ name }) => this.#tools.has(name)) };
  }
}
