import type { CallerAccess } from "../../access/caller-access.js";
import { scopeOf } from "../../access/scope.js";
import { lookAtAll, lookForNear, visibleTo } from "../../access/visible-catalog.js";
import { runInSlices } from "../../async/steps.js";
import { TimeSlice } from "../../async/time-slice.js";
import type { CatalogReader } from "../../catalog/catalog-copy.js";
import { bindRevision, unbindRevision } from "../../catalog/revision.js";
import { SharedAnswers } from "../../catalog/shared-answers.js";
import { readFilter } from "../../catalog/toolset-filter.js";
import {
  type EpochView,
  factsOf,
  type HealthAt,
  type HealthRule,
  type ToolsetView,
} from "../../catalog/toolset-view.js";
import { unknownTool } from "../../catalog/unknown-tool.js";
import { unknownToolset } from "../../catalog/unknown-toolset.js";
import { checkWatchRequest, type WatchedChange, type Watches, type WatchStep } from "../../catalog/watch.js";
import { WireContractCache } from "../../catalog/wire-contract-cache.js";
import type { Contract, ToolContract } from "../../contract/contract.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { invalidField, type NodeId, parseToolName, type ToolsetName } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import { resolveToolset, shownToolset } from "../../identity/toolset-name.js";
import type { CatalogHandlers } from "../../protocol/generated/toolgate/v1/Catalog.js";
import type { Change } from "../../protocol/generated/toolgate/v1/Change.js";
import type { ChangeKind as WireChangeKind } from "../../protocol/generated/toolgate/v1/ChangeKind.js";
import type { GetRegistryResponse } from "../../protocol/generated/toolgate/v1/GetRegistryResponse.js";
import type { GetToolsetRequest__Output } from "../../protocol/generated/toolgate/v1/GetToolsetRequest.js";
import type { GetToolsetResponse } from "../../protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { Limits } from "../../protocol/generated/toolgate/v1/Limits.js";
import type { ListToolsetsRequest__Output } from "../../protocol/generated/toolgate/v1/ListToolsetsRequest.js";
import type { ListToolsetsResponse } from "../../protocol/generated/toolgate/v1/ListToolsetsResponse.js";
import type { SearchRequest__Output } from "../../protocol/generated/toolgate/v1/SearchRequest.js";
import type { SearchResponse } from "../../protocol/generated/toolgate/v1/SearchResponse.js";
import type { ToolsetSummary } from "../../protocol/generated/toolgate/v1/ToolsetSummary.js";
import type { WatchRequest__Output } from "../../protocol/generated/toolgate/v1/WatchRequest.js";
import type { WatchResponse } from "../../protocol/generated/toolgate/v1/WatchResponse.js";
import type { Keyspace } from "../../redis/keys.js";
import type { SearchIndex } from "../../search/search-index.js";
import type { LeaseClock } from "../../store/lease-clock.js";
import type { ChangeKind } from "../../store/registry/change-feed.js";
import type { ListedNode } from "../../store/registry/node-list.js";
import { VERSION } from "../../version.js";
import { type ListReader, listToolsets, writeDamaged } from "./list-toolsets.js";
import { type Methods, serverStream, unary } from "./methods.js";
import { listBytes, PAGE_BYTES, summaryBytes } from "./page-bytes.js";
import { writeEpochs, writeSummary } from "./write-summary.js";

const LIST_PAGE = { usual: 100, most: 1_000 };
/** As many as a contract may have. */
const MAX_NAMED_TOOLS = 1_024;
const SEARCH_PAGE = { usual: 20, most: 200 };
/** About what a hit of a search or a change takes, in bytes. */
const HIT_BYTES = 1_024;

type WatchSnapshot = Extract<WatchStep, { kind: "snapshot" }>;
type WatchChanges = Extract<WatchStep, { kind: "changes" }>;

/** One message of a snapshot. */
interface SnapshotPart {
  readonly message: WatchResponse;
  /** Where the next part begins; undefined after the last. */
  readonly next: number | undefined;
  readonly bytes: number;
}

/** The reader of an answer. */
interface Reader extends ListReader {
  /** The catalogue as it sees it. */
  readonly visible: CatalogReader;
}

/** What a handler needs to know of the call that it answers. */
export interface CatalogCallContext {
  /** What the caller may see. */
  readonly access: CallerAccess;
  /** Fires when the caller has gone. */
  readonly signal: AbortSignal;
}

/** The handlers of `toolgate.v1.Catalog`, without gRPC around them. */
export interface CatalogService {
  listToolsets(
    request: ListToolsetsRequest__Output,
    caller: Pick<CatalogCallContext, "access">,
  ): Promise<ListToolsetsResponse>;
  getToolset(
    request: GetToolsetRequest__Output,
    caller: Pick<CatalogCallContext, "access">,
  ): Promise<GetToolsetResponse>;
  search(request: SearchRequest__Output, caller: Pick<CatalogCallContext, "access">): Promise<SearchResponse>;
  getRegistry(): Promise<GetRegistryResponse>;
  watch(request: WatchRequest__Output, context: CatalogCallContext): AsyncGenerator<WatchResponse, void, void>;
}

export interface CatalogServiceParts {
  readonly catalog: CatalogReader;
  readonly searchIndex: Pick<SearchIndex, "search">;
  readonly watches: Pick<Watches, "watch">;
  /** By which leases and health are judged, in each shard by itself. */
  readonly leaseClock: Pick<LeaseClock, "nowMs">;
  readonly keyspace: Pick<Keyspace, "forToolset">;
  readonly healthRule: HealthRule;
  /** The registry's name. */
  readonly registry: string;
  readonly node: NodeId;
  /** The nodes that live. */
  readonly nodes: () => readonly ListedNode[];
  readonly limits: Limits;
  readonly monotonicMs: () => number;
}

/** Answers everything about the catalogue from this node's copy; never asks Redis. */
export function createCatalogService(parts: CatalogServiceParts): CatalogService {
  const { catalog, searchIndex, watches, leaseClock, keyspace, healthRule, monotonicMs } = parts;
  const at: HealthAt = { nowMsOf: (toolset) => leaseClock.nowMs(keyspace.forToolset(toolset)), rule: healthRule };
  const slice = new TimeSlice(monotonicMs);
  const contracts = new WireContractCache(slice);
  const shared = new SharedAnswers(monotonicMs);

  /** Answers that are made for one reader are given to those of its tenant that see the same. */
  const readerOf = (access: CallerAccess): Reader => ({
    tenant: access.principal.tenant,
    scope: scopeOf(access),
    visible: visibleTo(catalog, access),
  });

  return {
    async listToolsets(request, { access }) {
      const reader = readerOf(access);
      const { visible, scope, tenant } = reader;
      const filter = readFilter(request.tags, request.health);
      const size = pageSize(request.pageSize, LIST_PAGE);
      const make = async () => {
        // Taken first: a watch that resumes from it may see a change twice, but never misses one.
        const revision = catalog.revision();
        const page = await listToolsets(visible, filter, size, request.pageToken, at, slice, reader);
        // After the page: what it turned out to be unable to read is among them.
        const quarantined = request.pageToken === "" ? writeDamaged(visible, tenant) : [];
        return { ...page, stale: catalog.stale, revision: bindRevision(revision, scope), quarantined };
      };
      const question = JSON.stringify(["list", ...scope, filter, size, request.pageToken, catalog.stale]);
      return shared.get(question, catalog.version, make, ({ toolsets }) => listBytes(toolsets));
    },

    async getToolset(request, { access }) {
      const { visible, scope, tenant } = readerOf(access);
      const name = resolveToolset(tenant, request.name, "name");
      const view = visible.get(name);
      if (view === undefined) {
        await lookForNear(visible, tenant, name);
        throw unknownToolset(visible, tenant, name);
      }
      const epoch = epochOf(view, request.epoch, shownToolset(tenant, name));
      let bytes = 0;
      const make = async () => {
        const seen = epoch.contract();
        const chosen = chosenTools(seen, request.tools, shownToolset(tenant, name));
        // What is kept of a contract, for all readers, is made of the whole.
        const whole =
          catalog
            .get(name)
            ?.epochs.find(({ epoch: known }) => known === epoch.epoch)
            ?.contract() ?? seen;
        const wire = await contracts.get(epoch.digest, whole, chosen);
        bytes = wire.bytes;
        return {
          contract: wire.contract,
          digest: epoch.digest,
          epoch: epoch.epoch,
          epochs: writeEpochs(view, at),
          stale: catalog.stale,
        };
      };
      // Of some tools there are many selections, and they are small mostly.
      if (request.tools.length > 0) return make();
      return shared.get(JSON.stringify(["get", ...scope, name, epoch.epoch, catalog.stale]), view, make, () => bytes);
    },

    async search(request, { access }) {
      const { visible, scope, tenant } = readerOf(access);
      const searcher = { seen: visible === catalog ? undefined : visible, scope };
      const asked = {
        query: request.query,
        filter: readFilter(request.tags, request.health),
        pageSize: pageSize(request.pageSize, SEARCH_PAGE),
        pageToken: request.pageToken,
      };
      const make = async () => {
        await runInSlices(lookAtAll(visible), tenant);
        const page = await searchIndex.search(asked, at, searcher);
        const hits = page.hits.map((hit) => ({ ...hit, toolset: shownToolset(tenant, hit.toolset as ToolsetName) })); // an identity, as the index has them
        return { ...page, hits, stale: catalog.stale };
      };
      const question = JSON.stringify(["search", ...scope, asked, catalog.stale]);
      return shared.get(question, catalog.version, make, ({ hits }) => hits.length * HIT_BYTES);
    },

    async getRegistry() {
      return {
        ...{ registry: parts.registry, nodeId: parts.node, version: VERSION, limits: parts.limits },
        nodes: parts.nodes().map(({ id, version }) => ({ nodeId: id, version })),
      };
    },

    async *watch(request, { signal, access }) {
      const reader = readerOf(access);
      const { scope, tenant } = reader;
      const asked = {
        revision: request.revision,
        toolsets: request.toolsets.map((name, index) => resolveToolset(tenant, name, `toolsets[${index}]`)),
      };
      checkWatchRequest(asked);
      const from = { ...asked, revision: unbindRevision(asked.revision, scope) };
      // Asked anew each time: a watch may be there before the first toolset that its reader may not see.
      const seen = {
        get: (name: string) => visibleTo(catalog, access).get(name),
        all: () => visibleTo(catalog, access).all(),
        get isWhole() {
          return visibleTo(catalog, access) === catalog;
        },
      };
      await runInSlices(lookAtAll(reader.visible), tenant);
      for await (const step of watches.watch(from, signal, seen)) {
        if (step.kind === "changes") yield await changesToWire(step, reader);
        else yield* snapshotToWire(step, reader);
      }
    },
  };

  /** A snapshot in parts that any client takes. Only with the last one does the reader know all, and where to resume. */
  async function* snapshotToWire(snapshot: WatchSnapshot, reader: Reader): AsyncGenerator<WatchResponse, void, void> {
    const { toolsets, revision } = snapshot;
    let start: number | undefined = 0;
    while (start !== undefined) {
      const from: number = start;
      const make = () => snapshotPart(snapshot, from, reader);
      // Of a snapshot that is no longer what the catalogue is, each reader makes its own parts, one at a time: of all such the
      // parts would be more than a node holds.
      const isCurrent = toolsets === reader.visible.all();
      const part: SnapshotPart = isCurrent
        ? await shared.get(
            JSON.stringify(["watch", ...reader.scope, from, revision]),
            toolsets,
            make,
            ({ bytes }) => bytes,
          )
        : await make();
      yield part.message;
      start = part.next;
    }
  }

  /** All watches that follow the same toolsets hear of the same changes at once. */
  function changesToWire({ changes, revision }: WatchChanges, { tenant, scope }: Reader): Promise<WatchResponse> {
    const make = async () => ({
      revision: bindRevision(revision, scope),
      changes: changes.map((change) => changeToWire(change, at, tenant)),
    });
    const question = JSON.stringify([
      "changes",
      ...scope,
      revision,
      ...changes.map(({ entry }) => [entry.toolset, entry.id]),
    ]);
    return shared.get(question, catalog.version, make, () => changes.length * HIT_BYTES);
  }

  async function snapshotPart(
    { toolsets, revision }: WatchSnapshot,
    start: number,
    { tenant, scope }: Reader,
  ): Promise<SnapshotPart> {
    const part: ToolsetSummary[] = [];
    let bytes = 0;
    for (let index = start; index < toolsets.length; index++) {
      if (slice.over()) await slice.next();
      const view = toolsets[index];
      const facts = view === undefined ? undefined : factsOf(view);
      if (view === undefined || facts === undefined) continue;
      if (bytes >= PAGE_BYTES) return { message: { snapshot: { toolsets: part, more: true } }, next: index, bytes };
      const summary = writeSummary(view, facts, at, tenant);
      part.push(summary);
      bytes += summaryBytes(summary);
    }
    const message = { revision: bindRevision(revision, scope), snapshot: { toolsets: part } };
    return { message, next: undefined, bytes };
  }
}

/** The catalogue's service, as the server's methods. */
export function catalogMethods(service: CatalogService): Methods<CatalogHandlers> {
  const shared = { sharesAnswers: true };
  return {
    ListToolsets: unary((request, context) => service.listToolsets(request, context), shared),
    GetToolset: unary((request, context) => service.getToolset(request, context), shared),
    Search: unary((request, context) => service.search(request, context), shared),
    GetRegistry: unary(() => service.getRegistry()),
    Watch: serverStream((request, context) => service.watch(request, context), shared),
  };
}

/** 0 asks for the toolset as discovery shows it: the active epoch, or what there is while none is active. */
function epochOf(view: ToolsetView, epoch: number, shown: string): EpochView {
  if (epoch === 0) return view.shown;
  const found = view.epochs.find((candidate) => candidate.epoch === epoch);
  if (found !== undefined) return found;
  const known = view.epochs.map(({ epoch, state }) => `${epoch} (${state})`).join(", ");
  throw new ToolgateError("EPOCH_MISMATCH", `"${shown}" has no epoch ${epoch}; it has ${known}`);
}

/** The contract's tools of these names, all where none is named. @throws ToolgateError INVALID_REQUEST, UNKNOWN_TOOL */
function chosenTools(contract: Contract, names: readonly string[], shown: string): readonly ToolContract[] {
  if (names.length === 0) return contract.tools;
  if (names.length > MAX_NAMED_TOOLS) throw invalidField("tools", `must be at most ${MAX_NAMED_TOOLS} names`);
  const wanted = new Set(names);
  const tools = contract.tools.filter(({ name }) => wanted.delete(name));
  for (const missing of wanted) throw unknownTool(shown, parseToolName(missing, "tools"), contract.tools);
  return tools;
}

function pageSize(asked: number, { usual, most }: { readonly usual: number; readonly most: number }): number {
  return asked === 0 ? usual : Math.min(asked, most);
}

const KINDS = {
  registered: "CHANGE_KIND_REGISTERED",
  activated: "CHANGE_KIND_ACTIVATED",
  retired: "CHANGE_KIND_RETIRED",
  healthy: "CHANGE_KIND_HEALTHY",
  unhealthy: "CHANGE_KIND_UNHEALTHY",
  unregistered: "CHANGE_KIND_UNREGISTERED",
} as const satisfies Record<ChangeKind, WireChangeKind>;

function changeToWire({ entry, toolset }: WatchedChange, at: HealthAt, tenant: TenantName): Change {
  const facts = toolset === undefined ? undefined : factsOf(toolset);
  return {
    kind: KINDS[entry.kind],
    toolset: shownToolset(tenant, entry.toolset),
    epoch: entry.epoch,
    atMs: entry.atMs,
    ...(toolset === undefined || facts === undefined ? {} : { summary: writeSummary(toolset, facts, at, tenant) }),
  };
}
