import type { AuditedAct, AuditLog } from "../../access/audit/audit-log.js";
import type { CatalogCopy } from "../../catalog/catalog-copy.js";
import { type HealthRule, isCallable } from "../../catalog/toolset-view.js";
import type { DocumentsCopy } from "../../documents/documents-copy.js";
import { ERROR_CODES } from "../../errors/codes.js";
import { toToolgateError } from "../../errors/to-toolgate-error.js";
import type { Epoch, NodeId, ToolsetName } from "../../identity/names.js";
import type { CallsInFlight } from "../../limits/calls-in-flight.js";
import type { RootLogger } from "../../observe/logger.js";
import { CallMetrics } from "../../observe/metrics/call-metrics.js";
import { ROUND_TRIP_BOUNDS } from "../../observe/metrics/histogram.js";
import { type Counter, MetricsRegistry } from "../../observe/metrics/metrics-registry.js";
import { ProcessMetrics } from "../../observe/metrics/process-metrics.js";
import type { ProviderSessions } from "../../providers/provider-sessions.js";
import type { RedisConnections } from "../../redis/connections.js";
import type { ScriptMeter } from "../../redis/script-meter.js";
import type { ValidatorCache } from "../../schemas/validator-cache.js";
import { parseEnds } from "../../store/calls/call-ends.js";
import type { CallNotifications } from "../../store/calls/call-notifications.js";
import type { ListedNode } from "../../store/registry/node-list.js";
import type { Leader } from "../../upkeep/leader.js";
import type { DeliveryOutcome } from "../../upkeep/webhook-deliveries.js";
import { VERSION } from "../../version.js";
import type { GrpcServer } from "../grpc/grpc-server.js";

/** How long what is asked of Redis for a scrape may take, and how old it may be, in milliseconds. */
const BACKLOG_WITHIN_MS = 500;
const BACKLOG_AGE_MS = 5_000;

export interface NodeMetricsOptions {
  /** How many tools have series of their own. */
  readonly mostTools: number;
  readonly monotonicMs: () => number;
  /** Asked when something is counted, not before. */
  readonly catalog: () => Pick<CatalogCopy, "get">;
}

/** The parts of a node whose state is read when metrics are collected. */
export interface MeasuredParts {
  readonly node: NodeId;
  readonly registryName: string;
  readonly ready: () => boolean;
  readonly connections: Pick<RedisConnections, "ready">;
  readonly catalog: Pick<CatalogCopy, "all" | "stale">;
  readonly healthRule: HealthRule;
  /** The time by which a toolset's leases and health are judged, in Unix milliseconds by Redis's clock. */
  readonly nowMs: (toolset: ToolsetName) => number;
  readonly documents: Pick<DocumentsCopy, "revision">;
  readonly nodes: () => readonly Pick<ListedNode, "version">[];
  readonly leader: Pick<Leader, "leads">;
  readonly sessions: Pick<ProviderSessions, "counters" | "totals" | "callsInHand" | "epochs">;
  /** How many calls of an epoch have not ended. */
  readonly unfinished: (toolset: ToolsetName, epoch: Epoch) => Promise<number>;
  readonly notifications: Pick<CallNotifications, "size">;
  readonly inFlight: Pick<CallsInFlight, "total">;
  readonly validators: Pick<ValidatorCache, "counters">;
  readonly http: { readonly connections: number; readonly streams: number };
  readonly server: Pick<GrpcServer, "connections" | "sessions" | "heldBytes">;
  readonly audit: Pick<AuditLog, "waiting" | "dropped">;
  readonly log: Pick<RootLogger, "counters">;
}

/** What a node measures. There is none where its operators want no metrics: then nothing is counted. */
export class NodeMetrics implements ScriptMeter {
  readonly registry = new MetricsRegistry();
  readonly calls: CallMetrics;
  readonly #process = new ProcessMetrics(this.registry);
  readonly #scriptSeconds = this.registry.histograms("toolgate_redis_script_seconds", ROUND_TRIP_BOUNDS);
  readonly #scriptFailures = this.registry.counters("toolgate_redis_script_failures_total");
  readonly #rpcFailures = this.registry.counters("toolgate_rpc_failures_total");
  readonly #httpRequests = this.registry.counters("toolgate_http_requests_total");
  readonly #webhooks = this.registry.counters("toolgate_webhook_attempts_total");
  readonly #connects: Counter = this.registry.counters("toolgate_redis_connects_total")();

  constructor({ mostTools, monotonicMs, catalog }: NodeMetricsOptions) {
    this.calls = new CallMetrics({
      ...{ registry: this.registry, mostTools, monotonicMs },
      exists: (toolset, tool) => existsIn(catalog(), toolset, tool),
      isReason: (reason) => Object.hasOwn(ERROR_CODES, reason),
    });
  }

  start(): void {
    this.#process.start();
  }

  /** Idempotent. */
  stop(): void {
    this.#process.stop();
  }

  ran(script: string, tookMs: number): void {
    this.#scriptSeconds(script).observe(tookMs / 1_000);
  }

  failed(script: string): void {
    this.#scriptFailures(script).add();
  }

  ended(said: string): void {
    for (const calls of parseEnds(said)) this.calls.ended(calls);
  }

  /** The connection for commands is ready. */
  redisReady(): void {
    this.#connects.add();
  }

  /** A webhook was told of a call, or was not. */
  webhookTold(outcome: DeliveryOutcome): void {
    this.#webhooks(outcome).add();
  }

  /** An RPC was answered with an error. @param path `/toolgate.v1.Gateway/Invoke`: of an RPC that is served */
  rpcFailed(path: string, error: unknown): void {
    this.#rpcFailures(path.slice(path.lastIndexOf(".") + 1), toToolgateError(error).reason).add();
  }

  /** A request of HTTP was answered. @param route the path of one of the node's routes, or `other` */
  requestAnswered(method: string, route: string, status: number): void {
    this.#httpRequests(method, route, `${Math.floor(status / 100)}xx`).add();
  }

  refused({ verb, toolset = "", tool = "" }: AuditedAct, reason: string): void {
    this.calls.refused(verb, reason, toolset, tool);
  }

  /** Reads the state of a node's parts from now on, whenever metrics are collected. */
  measure(parts: MeasuredParts): void {
    const { registry } = this;
    const { sessions, validators, catalog, server, http, audit, log } = parts;
    registry.read("toolgate_node_info", () => [[[parts.node, parts.registryName, VERSION], 1]]);
    registry.read("toolgate_node_ready", () => Number(parts.ready()));
    registry.read("toolgate_node_leads", () => Number(parts.leader.leads));
    registry.read("toolgate_nodes", () => countBy(parts.nodes(), ({ version }) => version));
    registry.read("toolgate_redis_ready", () => Number(parts.connections.ready()));
    registry.read("toolgate_catalog_stale", () => Number(catalog.stale));
    registry.read("toolgate_documents_revision", () => parts.documents.revision);
    registry.read("toolgate_toolsets", () => {
      const counts = { healthy: 0, unhealthy: 0 };
      for (const view of catalog.all())
        counts[isCallable(view, parts.nowMs(view.name), parts.healthRule) ? "healthy" : "unhealthy"]++;
      return Object.entries(counts).map(([health, count]) => [[health], count] as const);
    });

    registry.read("toolgate_calls_awaited", () => parts.notifications.size);
    registry.read("toolgate_client_calls", () => parts.inFlight.total);
    registry.read("toolgate_provider_calls", () => sessions.callsInHand);
    registry.read("toolgate_provider_sessions", () =>
      Object.entries(sessions.totals().sessions).map(([state, count]) => [[state], count] as const),
    );
    registry.read("toolgate_provider_room", () => sessions.totals().room);
    registry.read("toolgate_provider_credits", () => sessions.totals().credits);
    registry.read("toolgate_provider_pings_total", () => sessions.counters.pings);
    registry.read("toolgate_provider_pongs_total", () => sessions.counters.pongs);
    registry.read("toolgate_provider_leases_lost_total", () => sessions.counters.leasesLost);
    this.#measureBacklogs(parts);

    registry.read("toolgate_validators_compiled_total", () => validators.counters.compiled);
    registry.read("toolgate_validators_hits_total", () => validators.counters.hits);
    registry.read("toolgate_validators_evicted_total", () => validators.counters.evicted);
    registry.read("toolgate_schemas_compiled_total", () => validators.counters.schemas);
    registry.read("toolgate_schema_worker_values_total", () => validators.counters.pooled);
    registry.read("toolgate_schema_workers_started_total", () => validators.counters.workers);
    registry.read("toolgate_schema_inspections", () => {
      const { running, waiting } = validators.counters.admission;
      return [
        [["running"], running],
        [["waiting"], waiting],
      ];
    });

    registry.read("toolgate_connections", () => [
      [["grpc"], server.connections],
      [["http"], http.connections],
    ]);
    registry.read("toolgate_streams", () => [
      [["grpc"], server.sessions],
      [["http"], http.streams],
    ]);
    registry.read("toolgate_held_bytes", () => server.heldBytes);
    registry.read("toolgate_audit_waiting", () => audit.waiting);
    registry.read("toolgate_audit_dropped_total", () => audit.dropped);
    registry.read("toolgate_log_lines_total", () =>
      Object.entries(log.counters.lines).map(([level, count]) => [[level], count] as const),
    );
    registry.read("toolgate_log_lines_dropped_total", () => log.counters.dropped);
  }

  /** Of toolsets that have providers here: Redis knows how many of their calls have not ended. While it is away, nothing is said of them. */
  #measureBacklogs({ sessions, unfinished }: MeasuredParts): void {
    let backlogs: ReadonlyMap<string, number> = new Map();
    let readAtMs = Number.NEGATIVE_INFINITY;
    this.registry.beforeCollecting(async () => {
      if (performance.now() - readAtMs < BACKLOG_AGE_MS) return;
      readAtMs = performance.now();
      backlogs = await within(readBacklogs([...sessions.epochs()].slice(0, MOST_BACKLOGS), unfinished)).catch(
        () => new Map(),
      );
    });
    this.registry.read("toolgate_backlog_calls", () => [...backlogs].map(([toolset, count]) => [[toolset], count]));
  }
}

/** How many toolsets' backlogs are read for one scrape. */
const MOST_BACKLOGS = 200;

async function readBacklogs(
  epochs: readonly { readonly toolset: ToolsetName; readonly epoch: Epoch }[],
  unfinished: MeasuredParts["unfinished"],
): Promise<ReadonlyMap<string, number>> {
  const backlogs = new Map<string, number>();
  await Promise.all(
    epochs.map(async ({ toolset, epoch }) => {
      const count = await unfinished(toolset, epoch);
      backlogs.set(toolset, (backlogs.get(toolset) ?? 0) + count);
    }),
  );
  return backlogs;
}

async function within<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), BACKLOG_WITHIN_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): [readonly [string], number][] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return [...counts].map(([key, count]) => [[key], count]);
}

function existsIn(catalog: Pick<CatalogCopy, "get">, toolset: string, tool: string): boolean {
  try {
    return catalog.get(toolset as ToolsetName)?.active?.tool(tool) !== undefined; // any text may be asked for
  } catch {
    return false; // what cannot be read has no tools
  }
}
