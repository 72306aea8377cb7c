/** What a metric is, as people and scrapers see it. */
export interface MetricDeclaration {
  /**
   * `counter`: only ever grows, and its name ends in `_total`. `gauge`: is read when it is scraped. `histogram`: how many observations
   * were at most each of the bounds.
   */
  readonly kind: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

const TOOL = ["toolset", "tool"] as const;

/**
 * Every metric of a node: the only such list, and the table of docs/metrics.md. A registry makes no other one. Names are as OpenMetrics
 * wants them: the unit is their last word (`_seconds`, `_bytes`), before `_total`
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/#metric-naming). Values of labels come from the code, or are budgeted: see
 * label-budget.ts.
 */
export const METRICS = {
  // Calls
  toolgate_calls_admitted_total: { kind: "counter", labels: TOOL, help: "Calls that this node admitted." },
  toolgate_calls_total: {
    kind: "counter",
    labels: [...TOOL, "outcome"],
    help: "Calls that this node ended, by how, and calls that it refused (`rejected`).",
  },
  toolgate_call_queue_seconds: {
    kind: "histogram",
    labels: TOOL,
    help: "From the admission of an ended call to its first claim, by Redis's clock.",
  },
  toolgate_call_run_seconds: {
    kind: "histogram",
    labels: TOOL,
    help: "From the first claim of an ended call to its end, by Redis's clock.",
  },
  toolgate_call_seconds: {
    kind: "histogram",
    labels: TOOL,
    help: "From the admission of a call to its end, by Redis's clock.",
  },
  toolgate_call_ends_total: {
    kind: "counter",
    labels: ["outcome", "reason"],
    help: "The same ends by their reason; a tool's own reasons are `TOOL_ERROR`.",
  },
  toolgate_refusals_total: {
    kind: "counter",
    labels: ["verb", "reason"],
    help: "What the node refused, by what it would have been: calls, registrations, changes, logins (no verb).",
  },
  toolgate_limit_refusals_total: {
    kind: "counter",
    labels: ["tenant", "limit", "kind"],
    help: "Calls that this node refused by a limit document, by what that counts: `rate`, `running`, `daily`, `total`, `loop`.",
  },
  toolgate_rpc_failures_total: {
    kind: "counter",
    labels: ["rpc", "reason"],
    help: "Requests that were answered with an error, refusals included.",
  },
  toolgate_calls_awaited: { kind: "gauge", labels: [], help: "Calls whose end is awaited at this node." },
  toolgate_client_calls: { kind: "gauge", labels: [], help: "Calls under way that clients of this node made." },
  toolgate_backlog_calls: {
    kind: "gauge",
    labels: ["toolset"],
    help: "Calls that have not ended, of toolsets that have providers at this node; each such node says the same.",
  },
  toolgate_webhook_attempts_total: {
    kind: "counter",
    labels: ["outcome"],
    help: "Attempts of this node to tell webhooks: `delivered`, `retried` later, `failed` (given up), or `skipped`.",
  },
  // Providers
  toolgate_provider_sessions: {
    kind: "gauge",
    labels: ["state"],
    help: "Sessions of providers: each holds one lease.",
  },
  toolgate_provider_calls: { kind: "gauge", labels: [], help: "Calls that providers of this node have in hand." },
  toolgate_provider_room: { kind: "gauge", labels: [], help: "How many calls those providers take at once." },
  toolgate_provider_credits: { kind: "gauge", labels: [], help: "How many more they would take now." },
  toolgate_provider_pings_total: { kind: "counter", labels: [], help: "Pings that were handed to providers." },
  toolgate_provider_pongs_total: { kind: "counter", labels: [], help: "Pings that providers answered." },
  toolgate_provider_leases_lost_total: {
    kind: "counter",
    labels: [],
    help: "Leases of this node's providers that ended while they were attached.",
  },
  // Catalogue, documents, cluster
  toolgate_toolsets: { kind: "gauge", labels: ["health"], help: "Toolsets of the catalogue." },
  toolgate_catalog_stale: {
    kind: "gauge",
    labels: [],
    help: "1 while the node's copy of the catalogue may be behind.",
  },
  toolgate_documents_revision: {
    kind: "gauge",
    labels: [],
    help: "The revision of the documents that the node heeds.",
  },
  toolgate_node_info: {
    kind: "gauge",
    labels: ["node", "registry", "version"],
    help: "Always 1; says which node this is.",
  },
  toolgate_nodes: { kind: "gauge", labels: ["version"], help: "Nodes of the registry that this node knows of." },
  toolgate_node_ready: { kind: "gauge", labels: [], help: "1 while the node takes requests, as /readyz says." },
  toolgate_node_leads: { kind: "gauge", labels: [], help: "1 while this node pings and maintains." },
  // Redis
  toolgate_redis_ready: { kind: "gauge", labels: [], help: "1 while commands can be sent to Redis." },
  toolgate_redis_connects_total: {
    kind: "counter",
    labels: [],
    help: "How often the connection for commands became ready; more than one is a reconnect.",
  },
  toolgate_redis_script_seconds: {
    kind: "histogram",
    labels: ["script"],
    help: "Round trips of scripts, from sending to the answer.",
  },
  toolgate_redis_script_failures_total: {
    kind: "counter",
    labels: ["script"],
    help: "Scripts that were refused, or whose answer did not come.",
  },
  // Schemas
  toolgate_validators_compiled_total: { kind: "counter", labels: [], help: "Contracts whose validators were made." },
  toolgate_validators_hits_total: { kind: "counter", labels: [], help: "How often they were there already." },
  toolgate_validators_evicted_total: { kind: "counter", labels: [], help: "How often they made room for others." },
  toolgate_schemas_compiled_total: { kind: "counter", labels: [], help: "Schemas that were compiled for use." },
  toolgate_schema_worker_values_total: { kind: "counter", labels: [], help: "Values that were checked by a worker." },
  toolgate_schema_workers_started_total: { kind: "counter", labels: [], help: "Workers that were started." },
  toolgate_schema_inspections: {
    kind: "gauge",
    labels: ["state"],
    help: "Schemas of registrations that are looked at, or wait for it.",
  },
  // Connections
  toolgate_connections: {
    kind: "gauge",
    labels: ["front"],
    help: "Open connections: by `grpc`, or by `http`, which has MCP too.",
  },
  toolgate_streams: {
    kind: "gauge",
    labels: ["front"],
    help: "Open streams: of agents and providers by `grpc`, of events by `http`.",
  },
  toolgate_http_requests_total: {
    kind: "counter",
    labels: ["method", "route", "status"],
    help: "Requests by HTTP that were answered, by the route's path (`other` where there is none) and class of status (`4xx`). A stream counts when it is over.",
  },
  toolgate_held_bytes: {
    kind: "gauge",
    labels: [],
    help: "What is held of what peers have not sent whole, or not read.",
  },
  // Audit, logs
  toolgate_audit_waiting: { kind: "gauge", labels: [], help: "Records of this node that are not written yet." },
  toolgate_audit_dropped_total: {
    kind: "counter",
    labels: [],
    help: "Records of this node that were dropped, since too many waited.",
  },
  toolgate_log_lines_total: { kind: "counter", labels: ["level"], help: "Lines that were written to the log." },
  toolgate_log_lines_dropped_total: {
    kind: "counter",
    labels: [],
    help: "Lines that were dropped, since nothing read them.",
  },
  // Process
  toolgate_loop_seconds_total: {
    kind: "counter",
    labels: ["state"],
    help: "Time of the event loop: `active`, or `idle`.",
  },
  toolgate_loop_delay_seconds: {
    kind: "gauge",
    labels: ["quantile"],
    help: "How late the event loop's timers were, since about ten seconds ago.",
  },
  toolgate_gc_seconds_total: { kind: "counter", labels: ["kind"], help: "Time that garbage collections took." },
  toolgate_heap_bytes: { kind: "gauge", labels: ["kind"], help: "Memory of V8, and what is outside of its heap." },
  process_cpu_seconds_total: { kind: "counter", labels: [], help: "CPU time of all threads." },
  process_resident_memory_bytes: { kind: "gauge", labels: [], help: "Resident memory." },
  process_start_time_seconds: { kind: "gauge", labels: [], help: "When the process started, in Unix seconds." },
  process_open_fds: { kind: "gauge", labels: [], help: "Open file descriptors, where the system tells." },
} as const satisfies Readonly<Record<string, MetricDeclaration>>;

/** The metrics of a kind, by name. */
export type MetricName<Kind extends MetricDeclaration["kind"] = MetricDeclaration["kind"]> = {
  [Name in keyof typeof METRICS]: (typeof METRICS)[Name]["kind"] extends Kind ? Name : never;
}[keyof typeof METRICS];

/** A text for each of a list's. */
type TextsFor<List extends readonly string[]> = { readonly [Index in keyof List]: string };

/** One value for each label of a metric, in their order. */
export type LabelValues<Name extends MetricName> = TextsFor<(typeof METRICS)[Name]["labels"]>;
