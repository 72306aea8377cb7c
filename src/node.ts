import { randomBytes, randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { type Audit, createAudit } from "./access/audit/create-audit.js";
import { type BootstrapParts, keepBootstrapped, readBootstrapKey } from "./access/bootstrap.js";
import { createAuthentication } from "./access/credentials/authentication.js";
import { CERTIFICATE } from "./access/credentials/certificate-document.js";
import { ISSUER } from "./access/credentials/issuer-document.js";
import { KEY } from "./access/credentials/key-document.js";
import { KeyUseNotes } from "./access/credentials/key-use-notes.js";
import { PasswordQueue } from "./access/credentials/password-queue.js";
import { REVOCATION } from "./access/credentials/revocation-document.js";
import { SESSION } from "./access/credentials/session-document.js";
import { storedCredentials } from "./access/credentials/stored-credentials.js";
import { USER } from "./access/credentials/user-document.js";
import { createPolicy } from "./access/policy/policy.js";
import { ROLE } from "./access/policy/role.js";
import { SHARE } from "./access/policy/share.js";
import { TENANT } from "./access/policy/tenant-document.js";
import { UnjudgedConditions } from "./access/policy/unjudged-conditions.js";
import { policyCheck } from "./access/policy-check.js";
import { RegistryAccess } from "./access/registry-access.js";
import { hasAdministrator, hasCredentials, roleExists, tenantHolds } from "./access/registry-facts.js";
import { unjudgedCondition } from "./access/require.js";
import { SESSION_CHECK } from "./access/session-check.js";
import { deferred } from "./async/deferred.js";
import { loopUtilization } from "./async/loop-utilization.js";
import { TimeSlice } from "./async/time-slice.js";
import { CatalogCopy } from "./catalog/catalog-copy.js";
import { Watches } from "./catalog/watch.js";
import { isLoopback, splitAddress } from "./config/address.js";
import { type Config, OFF } from "./config/config.js";
import { otlpUrl } from "./config/otlp-url.js";
import { parseRedisUrl, splitRedisUrls } from "./config/redis-url.js";
import type { DocumentParts } from "./documents/apply-documents.js";
import { DocumentKinds } from "./documents/document-kinds.js";
import { DocumentsCopy } from "./documents/documents-copy.js";
import { allowList } from "./egress/allow-list.js";
import { createGuardedFetch } from "./egress/guarded-fetch.js";
import { ToolgateError } from "./errors/toolgate-error.js";
import { createGrpcServer } from "./front/grpc/grpc-server.js";
import { createHttpServer } from "./front/http/http-server.js";
import { Listeners } from "./front/listening/listeners.js";
import { type NodeHealth, RedisProbe } from "./front/ops/node-health.js";
import { NodeMetrics } from "./front/ops/node-metrics.js";
import { OpsServer } from "./front/ops/ops-server.js";
import { accessMethods } from "./front/services/access-service.js";
import { auditMethods } from "./front/services/audit-service.js";
import { audited, recordDenial } from "./front/services/audited-rpcs.js";
import type { FailedCall } from "./front/services/call-context.js";
import { catalogMethods, createCatalogService } from "./front/services/catalog-service.js";
import { deadCallsMethods } from "./front/services/dead-calls-service.js";
import { documentsMethods } from "./front/services/documents-service.js";
import { gatewayMethods } from "./front/services/gateway-service.js";
import { hidePasswords } from "./front/services/hide-passwords.js";
import { registryMethods } from "./front/services/registry-service.js";
import { limitsToWire } from "./front/services/wire-limits.js";
import { Cancellations } from "./gateway/cancellations.js";
import type { GatewayParts } from "./gateway/gateway-parts.js";
import { PageSeal } from "./gateway/page-seal.js";
import type { PlaceCallSettings } from "./gateway/place-call.js";
import { reassignDestination } from "./gateway/reassign-destination.js";
import { PayloadChecks } from "./gateway/validate-payload.js";
import { type NodeId, parseNodeId, parseRegistryName, type ToolsetName } from "./identity/names.js";
import { pooledRandomBytes } from "./identity/random-pool.js";
import { TextReader } from "./json/text-reader.js";
import { CallLimits } from "./limits/call-limits.js";
import { CallsInFlight } from "./limits/calls-in-flight.js";
import { LIMIT } from "./limits/limit.js";
import { OverLimit } from "./limits/over-limit.js";
import { hostOfShareKey } from "./limits/share-key.js";
import { secretsOf } from "./observe/config-secrets.js";
import type { LogFileOptions } from "./observe/log-file.js";
import { createLogger, type RootLogger } from "./observe/logger.js";
import { MetricsPush } from "./observe/metrics/metrics-push.js";
import { RecurringFaults } from "./observe/recurring-faults.js";
import { shownConfig } from "./observe/shown-config.js";
import { NodeTraces } from "./observe/traces/node-traces.js";
import { loadProtocol } from "./protocol/load.js";
import { AdmissionPacing } from "./providers/admission-pacing.js";
import { CallReports } from "./providers/call-reports.js";
import { ResultChecks } from "./providers/check-result.js";
import { ContractReader } from "./providers/contract-reader.js";
import { followEpochs } from "./providers/follow-epochs.js";
import { KeepAlive } from "./providers/keep-alive.js";
import { ProviderSessions } from "./providers/provider-sessions.js";
import { Registrations } from "./providers/registrations.js";
import { AccessWatch } from "./redis/access-watch.js";
import { warnOfRedis } from "./redis/check-redis.js";
import { FAST_COMMITS, ReplicatedCommits } from "./redis/commits.js";
import { createConnections } from "./redis/connections.js";
import { createKeyspace } from "./redis/keys.js";
import { MemoryWatch } from "./redis/memory-watch.js";
import { SampledRedisClock } from "./redis/redis-time.js";
import { ValidatorCache } from "./schemas/validator-cache.js";
import { SearchIndex } from "./search/search-index.js";
import { KeyUses } from "./store/access/key-uses.js";
import { LoginAttempts } from "./store/access/login-attempts.js";
import { agreeOnShards, shardCount } from "./store/agree-on-shards.js";
import { registryAuditKey } from "./store/audit/audit-key.js";
import { Reservations } from "./store/call-limits/reservations.js";
import { Admissions } from "./store/calls/admit.js";
import { BatchSize } from "./store/calls/batch-size.js";
import { CallNotifications } from "./store/calls/call-notifications.js";
import { CallOutbox } from "./store/calls/call-outbox.js";
import type { CallStore } from "./store/calls/call-store.js";
import { cancelCall } from "./store/calls/cancel.js";
import { LargeReadings } from "./store/calls/large-readings.js";
import { LostCalls } from "./store/calls/lost-calls.js";
import { reassignCalls } from "./store/calls/reassign.js";
import { countUnfinished } from "./store/calls/unfinished-calls.js";
import { LeaseClock } from "./store/lease-clock.js";
import { mendKeys } from "./store/mend-keys.js";
import { NodeList } from "./store/registry/node-list.js";
import { requireTenancyFormat } from "./store/registry/raise-format.js";
import type { RegistryStore } from "./store/registry/registry-store.js";
import { AuditSealer } from "./upkeep/audit-sealer.js";
import { createCredentialUpkeep } from "./upkeep/ended-credentials.js";
import { Leader } from "./upkeep/leader.js";
import { Maintenance } from "./upkeep/maintenance.js";
import { Pinger } from "./upkeep/pinger.js";
import { createSettler } from "./upkeep/settler.js";
import { MOST_OF_ONE, WebhookDeliveries } from "./upkeep/webhook-deliveries.js";
import { VERSION } from "./version.js";
import { SigningSecrets } from "./webhooks/signing-secrets.js";
import { WEBHOOK } from "./webhooks/webhook.js";
import { WebhookChoice } from "./webhooks/webhook-choice.js";

/** One gateway process. */
export interface GatewayNode {
  readonly nodeId: NodeId;
  /**
   * Connects to Redis, reads the catalogue, and listens.
   *
   * @returns where clients reach it, and where its operators do; they do not where `opsListen` is `off`
   * @throws ToolgateError STORE_UNAVAILABLE when Redis cannot be reached, INVALID_CONFIG when the address cannot be used
   */
  start(): Promise<{
    readonly address: string;
    readonly httpAddress: string | undefined;
    readonly opsAddress?: string | undefined;
  }>;
  /**
   * Resolves, with what to say of it, when the node must be stopped: the registry has come to be kept in a format that only later versions
   * know.
   */
  readonly outdated: Promise<ToolgateError>;
  /** Drains within the grace, and lets go of everything. Idempotent. */
  stop(): Promise<void>;
}

/** What a node takes from outside, for tests to replace. */
export interface NodeSurroundings {
  readonly monotonicMs: () => number;
  readonly random: () => number;
  readonly randomBytes: (size: number) => Buffer;
  readonly log: RootLogger;
}

/**
 * How providers are admitted that come at once. One waits for less long than the SDK's do for an answer: 30 s to be registered, 10 s
 * to be attached.
 */
const PACING = {
  maxUnderWay: 8,
  maxWaiting: 2_048,
  maxWaitingBytes: 32 * 1_048_576,
  maxWaitMs: { register: 15_000, attach: 5_000 },
};

/** The file that has the log's lines, where one is configured. */
function logFileOf({ logFile, logFileBytes, logFiles }: Config): LogFileOptions | undefined {
  return logFile === "" ? undefined : { path: logFile, maxBytes: logFileBytes, kept: logFiles };
}

/** Puts a node together: the composition root, used by `toolgate serve` and by tests alike. Nothing runs until `start`. */
export function createNode(config: Config, surroundings: Partial<NodeSurroundings> = {}): GatewayNode {
  const monotonicMs = surroundings.monotonicMs ?? (() => performance.now());
  const random = surroundings.random ?? Math.random;
  const bytes = surroundings.randomBytes ?? pooledRandomBytes(randomBytes);
  const node = parseNodeId(config.nodeId === "" ? `node-${bytes(6).toString("hex")}` : config.nodeId, "nodeId");
  const secrets = secretsOf(config);
  const log =
    surroundings.log ?? createLogger({ level: config.logLevel, fields: { node }, secrets, file: logFileOf(config) });
  const faults = new RecurringFaults(log, monotonicMs);
  const limits = limitsToWire(config);
  const sender = { version: VERSION, node, registry: config.registry, log, faults };
  const metricsTo = otlpUrl("metrics", config.metricsPush);
  const metrics =
    config.opsListen === OFF && metricsTo === undefined
      ? undefined
      : new NodeMetrics({ mostTools: config.metricsTools, monotonicMs, catalog: () => catalog });
  const metricsPush =
    metrics && metricsTo
      ? new MetricsPush({ ...sender, url: metricsTo, intervalMs: config.metricsPushMs, metrics: metrics.registry })
      : undefined;

  const tracesTo = otlpUrl("traces", config.traces);
  const traces =
    tracesTo === undefined
      ? undefined
      : new NodeTraces({
          ...{ ...sender, url: tracesTo, random, monotonicMs },
          ratio: Number(config.traceRatio),
          maxPerSecond: config.maxTracesPerSecond,
          redisNowMs: () => clock.nowMs(),
        });

  // Redis
  const shards = shardCount(config.shards, parseRedisUrl(config.redisUrl));
  const keyspace = createKeyspace(parseRegistryName(config.registry, "registry"), shards);
  const connections = createConnections({
    redisUrl: config.redisUrl,
    lockUrls: splitRedisUrls(config.lockRedisUrls),
    lockTtlMs: config.lockTtlMs,
    replicaTimeoutMs: config.replicaTimeoutMs,
    log,
    onReady: (isReady) => {
      if (isReady) metrics?.redisReady();
      tellReady();
    },
  });
  const { subscriber } = connections;
  const redis = connections.command.client;
  redis.meter = metrics;
  const clock = new SampledRedisClock(redis, monotonicMs);
  const leaseClock = new LeaseClock(clock);
  const memory = new MemoryWatch({ redis, shards: keyspace.shards, log });
  const access = new AccessWatch({
    redis,
    shards: keyspace.shards,
    node,
    use: { cluster: parseRedisUrl(config.redisUrl).kind === "cluster", replicated: config.durability !== "fast" },
    log,
    onChange: () => tellReady(),
  });
  const rule = { intervalMs: config.pingIntervalMs, missed: config.missedPings };
  const registry: RegistryStore = { redis, keyspace, healthWindowMs: (rule.missed + 1) * rule.intervalMs };
  const replicated =
    config.durability === "fast"
      ? undefined
      : new ReplicatedCommits({
          link: connections.commit,
          shards: keyspace.shards,
          replicas: config.replicas,
          timeoutMs: config.replicaTimeoutMs,
          log,
          onConfirming: (confirming) => {
            tellReady();
            // Calls that were claimed and not handed out, because it was not known whether that lasts.
            if (confirming) sessions.wakeAll();
          },
        });
  const calls: CallStore = {
    redis,
    commits: replicated ?? FAST_COMMITS,
    keyspace,
    claimLeaseMs: { once: config.claimLeaseOnceMs, idempotent: config.claimLeaseIdempotentMs },
    absenceGraceMs: Math.max(config.leaseMs, registry.healthWindowMs),
    maxAttempts: config.maxAttempts,
    resultTtlMs: config.resultTtlMs,
    maxDeltas: config.maxDeltas,
    maxOutputBytes: config.maxOutputBytes,
    listEnded: config.listEndedCalls === "on",
  };

  // What administrators configure: each capability names its kinds of documents here, and what it checks of changes.
  const kinds = new DocumentKinds([
    ROLE,
    SHARE,
    TENANT,
    KEY,
    USER,
    SESSION,
    ISSUER,
    CERTIFICATE,
    REVOCATION,
    LIMIT,
    WEBHOOK,
  ]);
  const documents: DocumentParts = {
    auditAuthor: (principal, credential) => audit.log.authorOf({ principal, credential }),
    store: { redis, commits: calls.commits, keyspace },
    kinds,
    copy: new DocumentsCopy({ redis, subscriber, keyspace, kinds, log, monotonicMs }),
    checks: [policyCheck({ all: () => catalog.all() }, () => clock.nowMs()), SESSION_CHECK],
  };

  // Access: the policy and the credentials take a change of documents over before those that ask them hear of it.
  const unjudged = new UnjudgedConditions(documents.copy, () => clock.nowMs());
  const policy = createPolicy(documents.copy, (tenant, fault) => {
    const { rule, why } = fault;
    unjudged.note(tenant, fault);
    faults.warn({ event: "condition_unjudged", of: `${tenant}/${rule}`, error: unjudgedCondition(tenant, rule, why) });
  });
  const egress = createGuardedFetch({ allow: allowList(config.egressAllow) });
  const authentication = createAuthentication({
    documents: documents.copy,
    tenantHolds: (tenant) => tenantHolds(documents.copy, tenant),
    clock,
    log,
    ...{ faults, monotonicMs },
    fetch: egress,
    onKeyUsed: (id) => keyUseNotes.add(id),
  });
  const keyUses = new KeyUses(redis, keyspace);
  const keyUseNotes = new KeyUseNotes(
    (ids) => keyUses.note(ids),
    (error) => faults.warn({ event: "key_use_failed", error }),
  );
  const accessControl = new RegistryAccess({
    mode: config.auth,
    bootstraps: config.bootstrapKeyFile !== "",
    exposed: [config.listen, config.httpListen].some((address) => {
      const host = splitAddress(address)?.host; // HTTP may be a word instead of an address
      return host !== undefined && !isLoopback(host);
    }),
    authentication,
    policy,
    hasCredentials: () => hasCredentials(documents.copy),
    onDocuments: (listener) => documents.copy.onChange(listener),
    refresh: () => documents.copy.catchUp(),
    nowMs: () => clock.nowMs(),
    log,
  });
  const audit: Audit = createAudit({
    ...{ config, keyspace, node, monotonicMs, faults },
    store: calls,
    required: () => accessControl.required,
    randomBytes: bytes,
    onRefused: metrics && ((act, reason) => metrics.refused(act, reason)),
  });

  const outdated = deferred<ToolgateError>();
  const nodeList = new NodeList({
    ...{ redis, keyspace, node, version: VERSION, faults },
    onOutdated: (error) => {
      log.error({ event: "node_outdated", error });
      outdated.resolve(error);
    },
  });

  // Discovery
  const catalog = new CatalogCopy({
    redis,
    subscriber,
    shards: keyspace.shards,
    shardOf: (name) => keyspace.forToolset(name).shard,
    log,
    monotonicMs,
    pingIntervalMs: config.pingIntervalMs,
    maxCachedContracts: config.maxCachedContracts,
  });
  const searchIndex = new SearchIndex(catalog, monotonicMs);
  const watches = new Watches(catalog);
  const validators = new ValidatorCache({
    maxContracts: config.maxCachedContracts,
    maxSchemaBytes: config.maxSchemaBytes,
    workers: config.schemaWorkers,
    monotonicNow: monotonicMs,
    hostOf: hostOfShareKey,
    log,
  });
  const texts = new TextReader({ monotonicMs, hostOf: hostOfShareKey });

  // Providers
  const lost = new LostCalls(calls, log);
  const inHand = new BatchSize(() => sessions.callsInHand, monotonicMs);
  const outboxes = keyspace.shards.map(
    (keys) =>
      new CallOutbox(
        calls,
        keys,
        node,
        () => inHand.get(),
        (id, ending) => notifications.ended(id, ending),
      ),
  );
  const sessions: ProviderSessions = new ProviderSessions({
    ...config,
    registry,
    calls,
    lost,
    subscriber,
    node,
    log,
    faults,
    traces,
    monotonicMs,
    onTakeRefused: (session) => void keepAlive.check(session),
    onUndeliverable: (session, call) => reports.undeliverable(session, call),
  });
  const keepAlive = new KeepAlive({ ...config, registry, calls, sessions, node, faults, monotonicMs });
  const reports: CallReports = new CallReports({
    ...{ sessions, log, faults },
    outboxOf: outboxFor,
    metrics: metrics?.calls,
  });
  function outboxFor(toolset: ToolsetName): CallOutbox {
    const outbox = outboxes[keyspace.forToolset(toolset).shard];
    if (outbox === undefined) throw new RangeError("a toolset outside of the keyspace");
    return outbox;
  }
  const epochs = followEpochs(catalog, sessions, clock);

  // Agents
  const notifications: CallNotifications = new CallNotifications({
    store: calls,
    subscriber,
    node,
    log,
    monotonicMs,
    onStop: (notice) => sessions.stopCall(notice),
  });
  const awaited = new BatchSize(() => notifications.size, monotonicMs);
  const payloads = new PayloadChecks(validators);
  const callLimits = new CallLimits(documents.copy, keyspace);
  const webhookChoice = new WebhookChoice(documents.copy, () => documents.copy.catchUp());
  const placing: PlaceCallSettings = {
    webhooks: webhookChoice,
    catalog,
    admissions: new Admissions(calls, {
      ...{ node, healthWindowMs: registry.healthWindowMs },
      batchSize: () => awaited.get(),
      offer: (toolset, epoch, count) => sessions.offer(toolset, epoch, count),
    }),
    audit: audit.log,
    metrics: metrics?.calls,
    limits: callLimits,
    overLimit: new OverLimit(monotonicMs),
    reservations: new Reservations(calls, monotonicMs),
    memory,
    payloads,
    texts,
    keyspace,
    randomBytes: bytes,
    defaultTimeoutMs: config.defaultTimeoutMs,
    maxTimeoutMs: config.maxTimeoutMs,
    maxPayloadBytes: config.maxPayloadBytes,
    pingIntervalMs: config.pingIntervalMs,
  };
  const cancellations = new Cancellations({
    ...config,
    cancel: (id, caller) => cancelCall(calls, id, caller),
    faults,
    monotonicMs,
  });
  const inFlight = new CallsInFlight(config.maxInFlightPerPeer);
  let draining = false;
  const readings = new LargeReadings(calls);
  const gateway: GatewayParts = {
    placing,
    awaiting: { notifications, lost, clock, monotonicMs },
    following: { store: calls, notifications, node, lost, readings, clock, monotonicMs },
    readings,
    pageSeal: new PageSeal(() => registryAuditKey(redis, keyspace, bytes), bytes),
    maxMessageBytes: config.maxMessageBytes,
    traces,
    enter(peer) {
      if (draining) throw new ToolgateError("NODE_DRAINING", `node "${node}" is stopping; call another one`);
      return inFlight.enter(peer);
    },
    cancel: (id, caller) => cancellations.cancel(id, caller),
  };

  // What time does
  const destinationOf = reassignDestination(catalog, payloads, texts, config.maxPayloadBytes);
  const toolsets = () => catalog.all();
  const leader = new Leader({
    clients: connections.locks.map(({ client }) => client),
    key: keyspace.pingerLock,
    ttlMs: config.lockTtlMs,
    monotonicMs,
    random,
    log,
    onElected: () => void pinger.tick(),
  });
  const onPing = (...ping: Parameters<ProviderSessions["ping"]>) => void sessions.ping(...ping);
  const pinger = new Pinger({ registry, leader, clock, leaseClock, subscriber, node, rule, toolsets, onPing, faults });
  const maintenance = new Maintenance({
    registry,
    calls,
    leader,
    clock: leaseClock,
    rule,
    toolsets,
    destinationOf,
    lingerMs: config.maxTimeoutMs,
    log,
    faults,
  });
  const credentialUpkeep = createCredentialUpkeep({
    ...{ clock, keyUses, leader, faults },
    documents: storedCredentials(documents),
    copy: documents.copy,
  });
  const sealer = new AuditSealer({
    ...config,
    ...{ redis, node, monotonicMs, random, log, faults },
    shards: keyspace.shards,
    records: () => audit.log.level !== "off",
    keyRing: audit.keyRing,
  });
  const webhooks = new WebhookDeliveries({
    ...{ store: calls, readings, documents: documents.copy, clock, random, log, faults },
    secrets: config.webhookSecrets === "" ? undefined : new SigningSecrets(config.webhookSecrets, secrets),
    fetch: createGuardedFetch({
      allow: allowList(config.egressAllow),
      timeoutMs: config.webhookTimeoutMs,
      connections: MOST_OF_ONE,
    }),
    ...{ timeoutMs: config.webhookTimeoutMs, backoffMs: config.webhookBackoffMs, retryMs: config.webhookRetryMs },
    onOutcome: metrics && ((outcome) => metrics.webhookTold(outcome)),
  });
  const settler = createSettler(calls, toolsets, leaseClock, random, log, faults);

  // gRPC
  const protocol = loadProtocol();
  const pacing = new AdmissionPacing({ ...PACING, monotonicMs, random, busyShare: loopUtilization() });
  const catalogService = createCatalogService({
    catalog,
    searchIndex,
    watches,
    leaseClock,
    keyspace,
    healthRule: rule,
    registry: config.registry,
    node,
    nodes: () => nodeList.nodes,
    limits,
    monotonicMs,
  });
  const onFailure = (call: FailedCall, error: unknown): void => {
    recordDenial(audit.log, call, error);
    metrics?.rpcFailed(call.path, error);
  };
  const services = [
    {
      definition: protocol.Registry.service,
      methods: registryMethods({
        ...config,
        registrations: new Registrations({
          ...config,
          store: registry,
          catalog,
          contracts: new ContractReader(validators, config),
          sessions,
          pacing,
          keepAlive,
          randomBytes: bytes,
          log,
          requireTenancy: () => requireTenancyFormat(redis, keyspace),
          // The toolset is gone: what waits for it did not run, and will not.
          abandon: async (toolset, gone) => {
            for (const { epoch } of gone) await reassignCalls(calls, toolset, epoch, async () => undefined);
          },
        }),
        results: new ResultChecks({ validators, texts, maxResultBytes: config.maxResultBytes, clock }),
        sessions,
        pacing,
        reports,
        limits,
      }),
    },
    { definition: protocol.Catalog.service, methods: catalogMethods(catalogService) },
    { definition: protocol.Gateway.service, methods: gatewayMethods(gateway) },
    { definition: protocol.DeadCalls.service, methods: deadCallsMethods(calls, placing) },
    {
      definition: protocol.Access.service,
      methods: accessMethods({
        documents,
        keyUses,
        clock,
        randomBytes: bytes,
        roleExists: (tenant, role) => roleExists(documents.copy, tenant, role),
        tenantHolds: (tenant) => tenantHolds(documents.copy, tenant),
        passwords: new PasswordQueue(),
        attempts: new LoginAttempts(redis, keyspace),
        sessionTtlMs: config.loginTtlMs,
        explaining: {
          ...{ placing, leaseClock, catalog, store: calls, healthRule: rule },
          ...{ documents: documents.copy, access: accessControl },
        },
      }),
    },
    {
      definition: protocol.Audit.service,
      methods: auditMethods({
        ...{ redis, shards: keyspace.shards, keyRing: audit.keyRing },
        slice: new TimeSlice(monotonicMs),
        nowMs: () => clock.nowMs(),
      }),
    },
    { definition: protocol.Documents.service, methods: documentsMethods(documents, unjudged) },
  ].map((service) => hidePasswords(audited(service, audit.log), secrets));
  const listeners = new Listeners({ config, log });
  const server = createGrpcServer({ config, listeners, log, access: accessControl, onFailure, whole: true, services });
  const redisProbe = new RedisProbe(() => connections.command.masters(), monotonicMs);
  const health = async (): Promise<NodeHealth> => {
    const parts = {
      started,
      serving: !draining,
      redisConnected: connections.ready(),
      redisAnswers: await redisProbe.answers(),
      redisAccess: access.granted,
      replicasConfirm: replicated?.confirming ?? true,
    };
    return { ready: Object.values(parts).every(Boolean), parts };
  };
  const http = createHttpServer({
    ...{ config, listeners, log, services, access: accessControl, onFailure, health },
    newId: randomUUID,
    onAnswered: (method, route, status) => metrics?.requestAnswered(method, route, status),
    moreRoutes: () =>
      import("./front/mcp/mcp-routes.js").then(({ mcpRoutes }) =>
        mcpRoutes({ catalog, taskAfterMs: config.mcpTaskAfterMs }),
      ),
  });

  // Operators
  metrics?.measure({
    ...{
      node,
      registryName: config.registry,
      ready: isReady,
      connections,
      catalog,
      healthRule: rule,
      leader,
      sessions,
    },
    ...{ notifications, inFlight, validators, server, http, log },
    nowMs: (toolset) => leaseClock.nowMs(keyspace.forToolset(toolset)),
    documents: documents.copy,
    nodes: () => nodeList.nodes,
    unfinished: (toolset, epoch) => countUnfinished(calls, toolset, epoch),
    audit: audit.log,
  });
  const ops =
    metrics && config.opsListen !== OFF
      ? new OpsServer({
          ...{ config, log, access: accessControl, metrics: metrics.registry, tls: listeners.tls },
          hasTenants: () => catalog.hasTenants,
          health,
          settings: () => shownConfig(config, secrets),
        })
      : undefined;

  let bootstrapped: ReturnType<typeof keepBootstrapped> | undefined;
  const bootstrapping: BootstrapParts = {
    documents,
    hasAdministrator: () => hasAdministrator(documents.copy, policy, "bootstrap"),
    nowMs: () => clock.nowMs(),
    log,
  };

  let started = false;
  function isReady(): boolean {
    return started && !draining && connections.ready() && access.granted && (replicated?.confirming ?? true);
  }
  function tellReady(): void {
    if (started) server.setServing("all", isReady());
  }

  let stopping: Promise<void> | undefined;
  return {
    nodeId: node,
    outdated: outdated.promise,

    async start() {
      const bootstrapKey = config.bootstrapKeyFile === "" ? undefined : await readBootstrapKey(config.bootstrapKeyFile);
      await traces?.start();
      await metricsPush?.start();
      // First of all, so that it tells of a node that does not get to start.
      metrics?.start();
      await listeners.start();
      const opsAddress = (await ops?.start())?.address;
      validators.warm();
      await connections.start();
      await access.start();
      await agreeOnShards(redis, keyspace);
      await nodeList.start();
      await warnOfRedis(connections.command.masters(), log, replicated === undefined ? 0 : config.replicas);
      await replicated?.start();
      await clock.start();
      await memory.start();
      await audit.start();
      await mendKeys(redis, keyspace.shards);
      await documents.copy.start();
      callLimits.start();
      webhookChoice.start();
      if (bootstrapKey !== undefined) {
        bootstrapped = keepBootstrapped(bootstrapping, bootstrapKey, faults);
        await bootstrapped.start();
      }
      accessControl.start();
      await catalog.start();
      await notifications.start();
      sessions.start();
      cancellations.start();
      keepAlive.start();
      await pinger.start();
      searchIndex.start();
      epochs.start();
      leader.start();
      maintenance.start();
      credentialUpkeep.start();
      keyUseNotes.start();
      settler.start();
      webhooks.start();
      sealer.start();
      const httpAddress = await http.start(); // first: what it is asked meanwhile, it says that the node is not ready
      const { address } = await server.start();
      started = true;
      tellReady();
      log.info({ event: "node_started", version: VERSION, address, ...(httpAddress && { httpAddress }) });
      return { address, httpAddress, opsAddress };
    },

    stop() {
      stopping ??= stop();
      return stopping;
    },
  };

  /**
   * The order in which a node ends: first nothing new comes in and all peers are told to move, then the lock is handed on,
   * then what is under way ends, and only then go the parts that it needs.
   */
  async function stop(): Promise<void> {
    draining = true;
    log.info({ event: "node_draining", callsInFlight: inFlight.total, providerSessions: sessions.size });
    server.beginDrain();
    http.beginDrain();
    sessions.drainNode();
    watches.stop();
    await leader.stop();
    await Promise.all([pinger.stop(), maintenance.stop(), credentialUpkeep.stop(), epochs.stop()]);
    await Promise.all([server.stop(config.drainGraceMs), http.stop(config.drainGraceMs)]);
    await keepAlive.stop();
    await sessions.stop();
    // What agents and providers heard of is in its spans by now.
    const sent = traces?.stop();
    await Promise.all([
      cancellations.stop(),
      settler.stop(),
      webhooks.stop(),
      notifications.stop(),
      searchIndex.stop(),
      validators.stop(),
    ]);
    await audit.stop();
    await sealer.stop();
    await bootstrapped?.stop();
    await catalog.stop();
    callLimits.stop();
    webhookChoice.stop();
    accessControl.stop();
    authentication.stop();
    await egress.stop();
    await keyUseNotes.stop();
    await documents.copy.stop();
    await memory.stop();
    await nodeList.stop();
    await access.stop();
    await clock.stop();
    await replicated?.stop();
    await connections.stop();
    await sent;
    await metricsPush?.stop(); // all is counted
    faults.stop();
    await ops?.stop();
    await listeners.stop();
    metrics?.stop();
    log.info({ event: "node_stopped" });
    if (surroundings.log === undefined) await log.stop();
  }
}
