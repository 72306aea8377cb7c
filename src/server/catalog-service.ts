import type { CatalogReader } from "../catalog/catalog-copy.js";
import type { ChangeKind } from "../catalog/change-feed.js";
import { damagedToWire, listToolsets } from "../catalog/list.js";
import { PAGE_BYTES, summaryBytes } from "../catalog/page-bytes.js";
import type { SearchIndex } from "../catalog/search-index.js";
import { epochsToWire, factsOf, type HealthAt, summaryToWire } from "../catalog/summary-to-wire.js";
import { TimeSlice } from "../catalog/time-slice.js";
import { readFilter } from "../catalog/toolset-filter.js";
import type { EpochView, HealthRule, ToolsetView } from "../catalog/toolset-view.js";
import { unknownTool } from "../catalog/unknown-tool.js";
import { unknownToolset } from "../catalog/unknown-toolset.js";
import { checkWatchRequest, type WatchedChange, type Watches, type WatchStep } from "../catalog/watch.js";
import type { Contract } from "../contract/contract.js";
import { contractToWire } from "../contract/contract-to-wire.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { invalidField, type NodeId, parseToolName, parseToolsetName } from "../identity/names.js";
import type { CatalogHandlers } from "../protocol/generated/toolgate/v1/Catalog.js";
import type { Change } from "../protocol/generated/toolgate/v1/Change.js";
import type { ChangeKind as WireChangeKind } from "../protocol/generated/toolgate/v1/ChangeKind.js";
import type { GetRegistryResponse } from "../protocol/generated/toolgate/v1/GetRegistryResponse.js";
import type { GetToolsetRequest__Output } from "../protocol/generated/toolgate/v1/GetToolsetRequest.js";
import type { GetToolsetResponse } from "../protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { Limits } from "../protocol/generated/toolgate/v1/Limits.js";
import type { ListToolsetsRequest__Output } from "../protocol/generated/toolgate/v1/ListToolsetsRequest.js";
import type { ListToolsetsResponse } from "../protocol/generated/toolgate/v1/ListToolsetsResponse.js";
import type { SearchRequest__Output } from "../protocol/generated/toolgate/v1/SearchRequest.js";
import type { SearchResponse } from "../protocol/generated/toolgate/v1/SearchResponse.js";
import type { ToolsetSummary } from "../protocol/generated/toolgate/v1/ToolsetSummary.js";
import type { WatchRequest__Output } from "../protocol/generated/toolgate/v1/WatchRequest.js";
import type { WatchResponse } from "../protocol/generated/toolgate/v1/WatchResponse.js";
import type { RedisClock } from "../redis/redis-time.js";
import { VERSION } from "../version.js";
import { type Methods, serverStream, unary } from "./methods.js";

const LIST_PAGE = { usual: 100, most: 1_000 };
/** As many as a contract may have. */
const MAX_NAMED_TOOLS = 1_024;
const SEARCH_PAGE = { usual: 20, most: 200 };

/** What a handler needs to know of the call that it answers. */
export interface CatalogCallContext {
  /** Fires when the caller has gone. */
  readonly signal: AbortSignal;
}

/** The handlers of `toolgate.v1.Catalog`, without gRPC around them. */
export interface CatalogService {
  listToolsets(request: ListToolsetsRequest__Output): Promise<ListToolsetsResponse>;
  getToolset(request: GetToolsetRequest__Output): Promise<GetToolsetResponse>;
  search(request: SearchRequest__Output): Promise<SearchResponse>;
  getRegistry(): Promise<GetRegistryResponse>;
  watch(request: WatchRequest__Output, context: CatalogCallContext): AsyncGenerator<WatchResponse, void, void>;
}

export interface CatalogServiceParts {
  readonly catalog: CatalogReader;
  readonly searchIndex: Pick<SearchIndex, "search">;
  readonly watches: Pick<Watches, "watch">;
  /** By which leases and health are judged. */
  readonly redisClock: RedisClock;
  readonly healthRule: HealthRule;
  /** The registry's name. */
  readonly registry: string;
  readonly node: NodeId;
  readonly limits: Limits;
  readonly monotonicMs: () => number;
}

/** Answers everything about the catalogue from this node's copy; never asks Redis. */
export function createCatalogService(parts: CatalogServiceParts): CatalogService {
  const { catalog, searchIndex, watches, redisClock, healthRule, monotonicMs } = parts;
  const healthNow = (): HealthAt => ({ nowRedisMs: redisClock.nowMs(), rule: healthRule });

  return {
    async listToolsets(request) {
      const filter = readFilter(request.tags, request.health);
      // Taken first: whoever resumes a watch from it may see a change twice, but never misses one.
      const revision = catalog.revision();
      const size = pageSize(request.pageSize, LIST_PAGE);
      const slice = new TimeSlice(monotonicMs);
      const page = await listToolsets(catalog, filter, size, request.pageToken, healthNow(), slice);
      // After the page: what it turned out to be unable to read is among them.
      const quarantined = request.pageToken === "" ? damagedToWire(catalog) : [];
      return { ...page, stale: catalog.stale, revision, quarantined };
    },

    async getToolset(request) {
      const name = parseToolsetName(request.name, "name");
      const view = catalog.get(name);
      if (view === undefined) throw unknownToolset(catalog, name);
      const epoch = epochOf(view, request.epoch);
      return {
        contract: contractToWire(withTools(epoch.contract(), request.tools)),
        digest: epoch.digest,
        epoch: epoch.epoch,
        epochs: epochsToWire(view, healthNow()),
        stale: catalog.stale,
      };
    },

    async search(request) {
      const page = await searchIndex.search(
        {
          query: request.query,
          filter: readFilter(request.tags, request.health),
          pageSize: pageSize(request.pageSize, SEARCH_PAGE),
          pageToken: request.pageToken,
        },
        healthNow(),
      );
      return { ...page, stale: catalog.stale };
    },

    async getRegistry() {
      return { registry: parts.registry, nodeId: parts.node, version: VERSION, limits: parts.limits };
    },

    async *watch(request, { signal }) {
      const asked = {
        revision: request.revision,
        toolsets: request.toolsets.map((name, index) => parseToolsetName(name, `toolsets[${index}]`)),
      };
      checkWatchRequest(asked);
      for await (const step of watches.watch(asked, signal)) yield* stepToWire(step, healthNow, monotonicMs);
    },
  };
}

/** The side of everybody, as the server's methods. */
export function catalogMethods(service: CatalogService): Methods<CatalogHandlers> {
  return {
    ListToolsets: unary((request) => service.listToolsets(request)),
    GetToolset: unary((request) => service.getToolset(request)),
    Search: unary((request) => service.search(request)),
    GetRegistry: unary(() => service.getRegistry()),
    Watch: serverStream((request, context) => service.watch(request, context)),
  };
}

/** 0 asks for the toolset as discovery shows it: the active epoch, or what there is while none is active. */
function epochOf(view: ToolsetView, epoch: number): EpochView {
  if (epoch === 0) return view.shown;
  const found = view.epochs.find((candidate) => candidate.epoch === epoch);
  if (found !== undefined) return found;
  const known = view.epochs.map(({ epoch, state }) => `${epoch} (${state})`).join(", ");
  throw new ToolgateError("EPOCH_MISMATCH", `"${view.name}" has no epoch ${epoch}; it has ${known}`);
}

/** The contract with only these tools, where some are named. @throws ToolgateError INVALID_REQUEST, UNKNOWN_TOOL */
function withTools(contract: Contract, names: readonly string[]): Contract {
  if (names.length === 0) return contract;
  if (names.length > MAX_NAMED_TOOLS) throw invalidField("tools", `must be at most ${MAX_NAMED_TOOLS} names`);
  const wanted = new Set(names);
  const tools = contract.tools.filter(({ name }) => wanted.delete(name));
  for (const missing of wanted) throw unknownTool(contract.name, parseToolName(missing, "tools"), contract.tools);
  return { ...contract, tools };
}

function pageSize(asked: number, { usual, most }: { readonly usual: number; readonly most: number }): number {
  return asked === 0 ? usual : Math.min(asked, most);
}

async function* stepToWire(
  step: WatchStep,
  healthNow: () => HealthAt,
  monotonicMs: () => number,
): AsyncGenerator<WatchResponse, void, void> {
  switch (step.kind) {
    case "snapshot":
      yield* snapshotToWire(step, healthNow, monotonicMs);
      return;
    case "changes": {
      const at = healthNow();
      yield { revision: step.revision, changes: step.changes.map((change) => changeToWire(change, at)) };
      return;
    }
    default:
      step satisfies never;
  }
}

/** A snapshot in parts that any client takes. Only with the last one does the reader know all, and where to resume. */
async function* snapshotToWire(
  { toolsets, revision }: Extract<WatchStep, { kind: "snapshot" }>,
  healthNow: () => HealthAt,
  monotonicMs: () => number,
): AsyncGenerator<WatchResponse, void, void> {
  const slice = new TimeSlice(monotonicMs);
  let part: ToolsetSummary[] = [];
  let bytes = 0;
  let at = healthNow();
  for (const view of toolsets) {
    if (slice.over()) await slice.next();
    const facts = factsOf(view);
    if (facts === undefined) continue;
    if (bytes >= PAGE_BYTES) {
      yield { snapshot: { toolsets: part, more: true } };
      part = [];
      bytes = 0;
      at = healthNow();
    }
    const summary = summaryToWire(view, facts, at);
    part.push(summary);
    bytes += summaryBytes(summary);
  }
  yield { revision, snapshot: { toolsets: part } };
}

const KINDS = {
  registered: "CHANGE_KIND_REGISTERED",
  activated: "CHANGE_KIND_ACTIVATED",
  retired: "CHANGE_KIND_RETIRED",
  healthy: "CHANGE_KIND_HEALTHY",
  unhealthy: "CHANGE_KIND_UNHEALTHY",
  unregistered: "CHANGE_KIND_UNREGISTERED",
} as const satisfies Record<ChangeKind, WireChangeKind>;

function changeToWire({ entry, toolset }: WatchedChange, at: HealthAt): Change {
  const facts = toolset === undefined ? undefined : factsOf(toolset);
  return {
    kind: KINDS[entry.kind],
    toolset: entry.toolset,
    epoch: entry.epoch,
    atMs: entry.atMs,
    ...(toolset === undefined || facts === undefined ? {} : { summary: summaryToWire(toolset, facts, at) }),
  };
}
