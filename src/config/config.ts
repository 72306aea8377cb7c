import { allowListFault } from "../egress/allow-list-fault.js";
import { ADDRESS_PATTERN, isLoopback, splitAddress } from "./address.js";
import { CLIENT_SECRETS, CLIENT_SETTINGS } from "./client-schema.js";
import { HTTP_AUTO, HTTP_AUTO_ADDRESS, HTTP_OFF } from "./http-listen.js";
import { LARGEST_MESSAGE_BYTES, MESSAGE_OVERHEAD_BYTES, SMALLEST_MESSAGE_BYTES } from "./message-limits.js";
import { OTLP_PATTERN, OTLP_RULE, withOpenTelemetry } from "./otlp-url.js";
import { redisUrlFault, redisUrlsFault } from "./redis-url.js";
import {
  type ChoiceSetting,
  type CrossRule,
  type IntegerSetting,
  readSettings,
  type Setting,
  type SettingOptions,
  type SettingsSchema,
  type Sources,
  settingsOf,
  type TextSetting,
  type ValuesOf,
} from "./settings.js";

const MiB = 1_048_576;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** The longest that the pinger's election may hold, in milliseconds. */
export const MAX_LOCK_TTL_MS = MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const IDENTIFIER_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$";
const IDENTIFIER_RULE =
  "must be letters, digits, dots, underscores and dashes, begin with a letter or digit, and be at most 128 long";

function milliseconds(fallback: number, minimum: number, maximum: number, description: string): IntegerSetting {
  return { type: "integer", default: fallback, minimum, maximum, description, placeholder: "ms" };
}

function bytes(fallback: number, minimum: number, maximum: number, description: string): IntegerSetting {
  return { type: "integer", default: fallback, minimum, maximum, description, placeholder: "bytes" };
}

function count(fallback: number, minimum: number, maximum: number, description: string): IntegerSetting {
  return { type: "integer", default: fallback, minimum, maximum, description, placeholder: "n" };
}

function text(
  fallback: string,
  placeholder: string,
  description: string,
  more: Partial<SettingOptions> & Pick<TextSetting, "pattern"> = {},
): TextSetting {
  return { type: "text", default: fallback, description, placeholder, ...more };
}

function choice<const Word extends string>(
  words: readonly Word[],
  fallback: NoInfer<Word>,
  placeholder: string,
  description: string,
): ChoiceSetting<Word> {
  return { type: "choice", words, default: fallback, placeholder, description };
}

/** Where a node has its metrics unless said. Where another process listens there, the node lets the system choose a port. */
export const DEFAULT_OPS_LISTEN = "127.0.0.1:7481";
/** What stands in place of an address where there is to be no listener. */
export const OFF = "off";

/** Every setting of a gateway node, with its default, its bounds and its meaning: the only such list. */
const CONFIG_SCHEMA = {
  listen: text("127.0.0.1:7400", "host:port", "Where the node listens for gRPC. Port 0 lets the system choose.", {
    pattern: ADDRESS_PATTERN,
    rule: 'must be a host and a port, as in "127.0.0.1:7400" or "[::1]:7400"',
  }),
  httpListen: text(
    HTTP_AUTO,
    "host:port",
    `Where the node listens for HTTP; \`off\` for nowhere. \`auto\`: ${HTTP_AUTO_ADDRESS}, or nowhere where that is taken.`,
    {
      pattern: `^(${HTTP_AUTO}|${HTTP_OFF})$|${ADDRESS_PATTERN}`,
      rule: 'must be "auto", "off", or a host and a port, as in "127.0.0.1:7480"',
    },
  ),
  httpHosts: text(
    "",
    "hosts",
    "Names by which clients ask the node by HTTP, with commas between them. Addresses and `localhost` need not be named.",
    {
      pattern: "^$|^[A-Za-z0-9.-]+(,\\s*[A-Za-z0-9.-]+)*$",
      rule: 'must be host names, as in "tools.example, tools.local"',
    },
  ),
  httpOrigins: text(
    "",
    "origins",
    "Web pages of other origins that may ask the node by HTTP, with commas between them: `https://console.example`.",
    {
      pattern: "^$|^https?://[^\\s/,]+(,\\s*https?://[^\\s/,]+)*$",
      rule: 'must be origins, as in "https://console.example"',
    },
  ),
  mcpTaskAfterMs: milliseconds(
    5_000,
    0,
    HOUR_MS,
    "How long a client of MCP that takes tasks waits for the end of a call, before it gets a task to come back for.",
  ),
  advertise: text("", "host:port", "What the node calls itself to others, where that is not what it listens on.", {
    pattern: `^$|${ADDRESS_PATTERN}`,
    rule: 'must be a host and a port, as in "node-1.example:7400"',
  }),
  opsListen: text(
    DEFAULT_OPS_LISTEN,
    "host:port",
    "Where the node has metrics, health and diagnostics for its operators (docs/metrics.md). `off`: nowhere, and nothing is measured unless it is sent somewhere.",
    {
      pattern: `^off$|${ADDRESS_PATTERN}`,
      rule: 'must be a host and a port, as in "127.0.0.1:7481", or "off"',
    },
  ),
  opsAuth: choice(
    ["auto", "required", "none"],
    "auto",
    "mode",
    "Whether metrics take a credential that may `operate`. `auto`: on an address that is not a loopback one.",
  ),
  opsTls: choice(
    ["off", "on"],
    "off",
    "mode",
    "Whether the operators' listener speaks TLS only, with the certificate and the client certificates of the others.",
  ),
  metricsTools: count(
    200,
    0,
    2_000,
    "How many tools have metrics of their own: those that are used most; the others are counted as `_other`.",
  ),
  metricsPush: text(
    "",
    "url",
    "Where metrics are sent, too: a collector that takes OTLP/HTTP. Empty: what OpenTelemetry's own variables name, or nowhere; `off`: nowhere.",
    { pattern: OTLP_PATTERN, rule: OTLP_RULE },
  ),
  metricsPushMs: milliseconds(MINUTE_MS, 1_000, HOUR_MS, "How often they are sent there."),
  redisUrl: text(
    "redis://127.0.0.1:6379",
    "url",
    "Redis, the nodes' only shared state: a server, `redis+sentinel://h1,h2,h3/name` or `redis+cluster://h1,h2,h3`; `rediss` for TLS.",
    { variable: "REDIS_URL", secret: true },
  ),
  shards: count(0, 0, 1_024, "How many parts the registry is spread over; 0: 16 on a Redis Cluster, else 1."),
  lockRedisUrls: text(
    "",
    "urls",
    "Independent Redis servers that elect the pinger by majority, separated by commas; the Redis itself when empty.",
    { secret: true },
  ),
  durability: choice(
    ["fast", "replicated"],
    "fast",
    "mode",
    "Whether a call is acknowledged when Redis has it, or when its replicas have it too.",
  ),
  replicas: count(1, 1, 16, "With `replicated`: how many replicas must have a write before it becomes visible."),
  // At most as long as a connection may be silent without being taken for half open; see redis/connection-watchdog.ts.
  replicaTimeoutMs: milliseconds(
    1_000,
    50,
    1_500,
    "With `replicated`: how long the replicas may take; then nothing is acknowledged.",
  ),
  registry: text("default", "name", "The cluster's name: nodes of one name on one Redis are one cluster.", {
    pattern: IDENTIFIER_PATTERN,
    rule: IDENTIFIER_RULE,
  }),
  nodeId: text("", "name", "The node's own name; random when empty. Two running nodes must not share one.", {
    pattern: `^$|${IDENTIFIER_PATTERN}`,
    rule: IDENTIFIER_RULE,
  }),
  tlsCert: text("", "file", "Certificate chain (PEM). With it and its key, the node speaks TLS only."),
  tlsKey: text("", "file", "Private key of the certificate (PEM)."),
  tlsClientAuth: choice(
    ["none", "request", "require"],
    "none",
    "mode",
    "Whether clients are asked for a certificate, and must have one. One that is sent must be valid in either case.",
  ),
  tlsClientCa: text("", "file", "Certificates (PEM) of the authorities that vouch for clients' certificates."),
  tlsClientCrl: text(
    "",
    "file",
    "Revocation lists (PEM) of those authorities; with it, each of them must have one, and what it lists is refused.",
  ),
  auth: choice(
    ["auto", "required", "none"],
    "auto",
    "mode",
    "Whether callers must prove who they are. `auto`: from the registry's first credential on; until then the node is open, on a loopback address only.",
  ),
  bootstrapKeyFile: text(
    "",
    "file",
    "A file with an API key. Where the registry has no administrator, the node makes one of it.",
  ),
  egressAllow: text(
    "",
    "hosts",
    "Hosts, addresses or CIDRs that URLs of documents may name although they are private, with commas between them; they may speak plain HTTP. `host:port` allows that port alone.",
  ),
  webhookSecrets: text(
    "",
    "folder",
    "A folder with what webhooks' messages are signed with: a file `<tenant>/<name>` each, `whsec_` and 24 to 64 bytes in Base64. Empty: this node tells no webhook.",
  ),
  webhookTimeoutMs: milliseconds(10_000, 100, MINUTE_MS, "How long a webhook's receiver may take to answer."),
  webhookBackoffMs: milliseconds(
    5_000,
    10,
    HOUR_MS,
    "How long after a first attempt that failed a webhook is told again; each later pause is three times as long, up to an hour.",
  ),
  webhookRetryMs: milliseconds(
    DAY_MS,
    0,
    2 * DAY_MS,
    "How long after a call's end its webhooks are told of it; then they are given up.",
  ),
  loginTtlMs: milliseconds(HOUR_MS, MINUTE_MS, DAY_MS, "How long a person's login holds."),
  logLevel: choice(
    ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
    "info",
    "level",
    "The least important log line that is written.",
  ),
  traces: text(
    "",
    "url",
    "Where spans of sampled calls go: a collector that takes OTLP/HTTP. Empty: what OpenTelemetry's own variables name, or nowhere; `off`: nowhere.",
    { pattern: OTLP_PATTERN, rule: OTLP_RULE },
  ),
  traceRatio: text(
    "0",
    "share",
    "Which share of the calls that come without trace context is traced, from 0 to 1. Those with one are traced where it says that they are sampled.",
    { pattern: "^(0|1|0?\\.[0-9]{1,9}|1\\.0+)$", rule: "must be a share from 0 to 1, as in 0.05" },
  ),
  maxTracesPerSecond: count(
    100,
    1,
    100_000,
    "How many calls a second the node traces at most, as they come and as it delivers them: whether one is sampled is for callers to say.",
  ),
  listEndedCalls: choice(
    ["on", "off"],
    "on",
    "word",
    "Whether lists of calls have those that have ended: the latest ones, in at most 15 MiB of Redis per shard.",
  ),
  logFile: text("", "file", "A file that has the log's lines too, besides standard output."),
  logFileBytes: bytes(
    64 * MiB,
    65_536,
    1_048_576 * MiB,
    "How large that file becomes, about; then it is put aside as `<file>.1`, and a new one begins.",
  ),
  logFiles: count(5, 1, 1_000, "How many files that were put aside are kept."),
  audit: choice(
    ["auto", "off", "changes", "calls"],
    "auto",
    "level",
    "What the audit records: `changes` of documents and registrations, logins and refusals; or `calls`, too. `auto`: `calls` where callers must prove who they are, else `off`.",
  ),
  auditRetentionMs: milliseconds(
    30 * DAY_MS,
    60_000,
    400 * DAY_MS,
    "How long the audit keeps a day's records after that day, as far as there is room for them.",
  ),
  auditMaxBytes: bytes(
    256 * MiB,
    MiB,
    1_048_576 * MiB,
    "How much of Redis the audit may take in all; above it, the oldest records go. A call takes about 600 bytes.",
  ),
  keyringFile: text(
    "",
    "file",
    "Keys that are not in Redis, the newest first: a line each of an id and 32 bytes in base64. They sign the audit.",
  ),
  pingIntervalMs: milliseconds(10_000, 100, HOUR_MS, "How often each epoch's providers are pinged."),
  missedPings: count(3, 0, 100, "How many pings an epoch may miss and still be healthy."),
  leaseMs: milliseconds(30_000, 100, HOUR_MS, "How long a provider's lease lasts without being renewed."),
  claimLeaseOnceMs: milliseconds(
    30_000,
    100,
    HOUR_MS,
    "How long a `once` call waits for a lost provider to come back before its outcome is unknown.",
  ),
  claimLeaseIdempotentMs: milliseconds(
    5_000,
    100,
    HOUR_MS,
    "How long an `idempotent` call waits for a lost provider before another may take it.",
  ),
  maxAttempts: count(3, 1, 100, "How often an `idempotent` call is delivered before it is given up."),
  defaultTimeoutMs: milliseconds(MINUTE_MS, 1, DAY_MS, "How long a call may take when its caller does not say."),
  maxTimeoutMs: milliseconds(10 * MINUTE_MS, 1, DAY_MS, "How long a call may take at most."),
  resultTtlMs: milliseconds(10 * MINUTE_MS, 1_000, 7 * DAY_MS, "How long a call's outcome is kept after its deadline."),
  maxBacklog: count(
    10_000,
    1,
    1_000_000,
    "How many unfinished calls an epoch may have, when its provider does not say.",
  ),
  retentionMs: milliseconds(DAY_MS, 1_000, 365 * DAY_MS, "How long a toolset without any provider stays listed."),
  retireAfterMs: milliseconds(10 * MINUTE_MS, 100, 7 * DAY_MS, "How long a retiring epoch's providers may go on."),
  lockTtlMs: milliseconds(
    5_000,
    500,
    MAX_LOCK_TTL_MS,
    "How long the pinger's election holds; another node takes over after it.",
  ),
  drainGraceMs: milliseconds(10_000, 0, HOUR_MS, "How long a stopping node waits for what is under way."),
  heartbeatMs: milliseconds(
    10_000,
    100,
    HOUR_MS,
    "How often a provider session shows a sign of life; one that is silent for three is lost.",
  ),
  maxPayloadBytes: bytes(MiB, 1, 32 * MiB, "The largest payload of a call."),
  maxResultBytes: bytes(3 * MiB, 1, 32 * MiB, "The largest result of a call."),
  maxOutputBytes: bytes(16 * MiB, 1, 1_024 * MiB, "How much output (deltas) a call may have in all."),
  maxDeltas: count(10_000, 1, 1_000_000, "How many pieces of output a call may have."),
  maxToolsets: count(20_000, 1, 1_000_000, "How many toolsets the registry may have; a new one above that is refused."),
  maxContractBytes: bytes(4 * MiB, 1_024, 32 * MiB, "The largest contract, as canonical JSON."),
  maxSchemaBytes: bytes(262_144, 2, 32 * MiB, "The largest schema of a tool."),
  maxStreamsPerConnection: count(4_096, 1, 1_000_000, "How many gRPC calls one connection may have open at once."),
  maxInFlightPerPeer: count(8_192, 1, 1_000_000, "How many calls one session may have unfinished at once."),
  maxSessions: count(4_096, 1, 1_000_000, "How many sessions, of agents and providers, the node holds at once."),
  maxSessionsPerPeer: count(1_024, 1, 1_000_000, "How many of them one connection may hold."),
  maxSessionsPerHost: count(
    3_584,
    1,
    1_000_000,
    "How many of them one host may hold: an IPv4 address, or the 64-bit prefix of an IPv6 one.",
  ),
  maxConnections: count(8_192, 1, 1_000_000, "How many connections the node holds at once."),
  maxConnectionsPerHost: count(7_168, 1, 1_000_000, "How many of them one host may hold."),
  maxHeldBytes: bytes(
    256 * MiB,
    MiB,
    65_536 * MiB,
    "How much the node holds of what its peers have not sent whole or not read yet, in all; above it, what holds the most is ended.",
  ),
  maxHeldBytesPerPeer: bytes(96 * MiB, MiB, 65_536 * MiB, "How much of that is for one connection."),
  messageTimeoutMs: milliseconds(MINUTE_MS, 100, HOUR_MS, "How long a message may take to arrive whole."),
  readTimeoutMs: milliseconds(
    30_000,
    100,
    HOUR_MS,
    "How long a peer may take to read 256 KiB of what waits for it, or one message whole, before its stream is ended.",
  ),
  maxMessageBytes: bytes(
    8 * MiB,
    SMALLEST_MESSAGE_BYTES,
    LARGEST_MESSAGE_BYTES,
    "The largest gRPC message, in either direction.",
  ),
  maxCachedContracts: count(1_000, 1, 1_000_000, "How many contracts the node keeps compiled."),
  schemaWorkers: count(
    0,
    0,
    64,
    "How many threads check values that are too costly for the event loop; 0: one less than there are cores, from 3 to 4.",
  ),
} as const satisfies SettingsSchema;

/** A node's settings; frozen. Times are in milliseconds, sizes in bytes, as the names say. */
export type Config = ValuesOf<typeof CONFIG_SCHEMA>;

/** Every setting of a node, in order: for flags, help texts and the table of docs/settings.md. */
export const SETTINGS: readonly Setting[] = settingsOf(CONFIG_SCHEMA);

/** What says how a node is reached where it runs. */
const LISTENER_SCHEMA = {
  listen: CONFIG_SCHEMA.listen,
  tlsCert: CONFIG_SCHEMA.tlsCert,
  tlsKey: CONFIG_SCHEMA.tlsKey,
  tlsClientAuth: CONFIG_SCHEMA.tlsClientAuth,
} as const satisfies SettingsSchema;

/** The settings of a node that say how it is reached where it runs; frozen. */
export type ListenerConfig = ValuesOf<typeof LISTENER_SCHEMA>;

/** Those settings, in order: for flags and help texts. */
export const LISTENER_SETTINGS: readonly Setting[] = settingsOf(LISTENER_SCHEMA);

const CROSS_RULES: readonly CrossRule<Config>[] = [
  {
    keys: ["tlsCert", "tlsKey"],
    holds: ({ tlsCert, tlsKey }) => (tlsCert === "") === (tlsKey === ""),
    fault: () => "go together: give the certificate and its key, or neither",
  },
  {
    keys: ["tlsClientAuth", "tlsClientCa"],
    holds: ({ tlsClientAuth, tlsClientCa }) => (tlsClientAuth === "none") === (tlsClientCa === ""),
    fault: () => "go together: say whose certificates are asked for, and whether clients must have one, or neither",
  },
  {
    keys: ["tlsClientAuth", "tlsCert"],
    holds: ({ tlsClientAuth, tlsCert }) => tlsClientAuth === "none" || tlsCert !== "",
    fault: () => "go together: clients are asked for certificates with TLS only, for which the node needs one itself",
  },
  {
    keys: ["tlsClientCrl", "tlsClientCa"],
    holds: ({ tlsClientCrl, tlsClientCa }) => tlsClientCrl === "" || tlsClientCa !== "",
    fault: () => "go together: revocation lists are of the authorities that vouch for clients",
  },
  needsAuthentication("listen", ({ listen }) => listen),
  needsAuthentication("httpListen", ({ httpListen }) =>
    httpListen === HTTP_AUTO || httpListen === HTTP_OFF ? HTTP_AUTO_ADDRESS : httpListen,
  ),
  {
    keys: ["opsListen", "opsAuth", "auth"],
    holds: ({ opsListen, opsAuth, auth }) =>
      opsListen === OFF || auth !== "none" || opsAuth === "none" || isLoopback(splitAddress(opsListen)?.host ?? ""),
    fault: (name, { opsListen }) =>
      `do not fit: others can reach ${opsListen}, metrics name toolsets and tools, and with ${name("auth")}=none nobody has a credential; set ${name("opsAuth")}=none where everybody may read them`,
  },
  {
    keys: ["opsTls", "tlsCert"],
    holds: ({ opsTls, tlsCert }) => opsTls === "off" || tlsCert !== "",
    fault: () => "go together: TLS takes a certificate",
  },
  atMost("defaultTimeoutMs", "maxTimeoutMs"),
  atMost("maxSchemaBytes", "maxContractBytes"),
  fitsMessage("maxPayloadBytes"),
  fitsMessage("maxResultBytes"),
  fitsMessage("maxContractBytes"),
  atMost("maxHeldBytesPerPeer", "maxHeldBytes"),
  {
    keys: ["maxMessageBytes", "maxHeldBytesPerPeer"],
    holds: (config) => config.maxMessageBytes + MESSAGE_OVERHEAD_BYTES <= config.maxHeldBytesPerPeer,
    fault: (name, { maxMessageBytes, maxHeldBytesPerPeer }) =>
      `do not fit: ${name("maxHeldBytesPerPeer")} (${maxHeldBytesPerPeer}) must be at least ${MESSAGE_OVERHEAD_BYTES} over ${name("maxMessageBytes")} (${maxMessageBytes})`,
  },
  {
    // A lease is renewed as the session's heartbeats are answered: one that is late must not end it.
    keys: ["leaseMs", "heartbeatMs"],
    holds: ({ leaseMs, heartbeatMs }) => leaseMs >= 2 * heartbeatMs,
    fault: (name, { leaseMs, heartbeatMs }) =>
      `do not fit: a lease must outlast two heartbeats, so ${name("leaseMs")} (${leaseMs}) must be at least twice ${name("heartbeatMs")} (${heartbeatMs})`,
  },
];

/** What others can reach asks who they are, or says that it does not. */
function needsAuthentication(key: "listen" | "httpListen", addressOf: (config: Config) => string): CrossRule<Config> {
  return {
    keys: [key, "auth", "bootstrapKeyFile"],
    holds: (config) =>
      config.auth !== "auto" ||
      config.bootstrapKeyFile !== "" ||
      isLoopback(splitAddress(addressOf(config))?.host ?? ""),
    fault: (_, config) =>
      `do not fit: others can reach ${addressOf(config)}, and would not have to say who they are. Add these two lines, with a file that holds a key (\`toolgate access init\` makes one):
    TOOLGATE_AUTH=required
    TOOLGATE_BOOTSTRAP_KEY_FILE=/path/to/key
  or, where everybody who reaches the node may do anything: TOOLGATE_AUTH=none`,
  };
}

type NumberKey = { [K in keyof Config]: Config[K] extends number ? K : never }[keyof Config];

function atMost(less: NumberKey, more: NumberKey): CrossRule<Config> {
  return {
    keys: [less, more],
    holds: (config) => config[less] <= config[more],
    fault: (name, config) =>
      `do not fit: ${name(less)} (${config[less]}) must not be over ${name(more)} (${config[more]})`,
  };
}

function fitsMessage(key: NumberKey): CrossRule<Config> {
  return {
    keys: [key, "maxMessageBytes"],
    holds: (config) => config[key] + MESSAGE_OVERHEAD_BYTES <= config.maxMessageBytes,
    fault: (name, config) =>
      `do not fit: ${name("maxMessageBytes")} (${config.maxMessageBytes}) must be at least ${MESSAGE_OVERHEAD_BYTES} over ${name(key)} (${config[key]})`,
  };
}

/**
 * A node's settings from variables (`TOOLGATE_MAX_PAYLOAD_BYTES`; `REDIS_URL` for `redisUrl`) and flags, keyed as Config
 * is (`maxPayloadBytes` for `--max-payload-bytes`). A flag wins over its variable; an empty variable counts as unset.
 *
 * @throws ToolgateError INVALID_CONFIG naming every fault at once, and never a secret
 */
export function parseConfig(sources: Sources): Config {
  return readSettings(CONFIG_SCHEMA, withOpenTelemetry(sources), {
    checks: { redisUrl: redisUrlFault, lockRedisUrls: redisUrlsFault, egressAllow: allowListFault },
    cross: CROSS_RULES,
    known: [...CLIENT_SETTINGS, ...CLIENT_SECRETS].map((setting) => setting.variable),
  });
}

/**
 * Where a node listens and what it speaks there, read as the node itself reads it, for a program beside it. Nothing else of the node's settings is
 * looked at, secrets least of all.
 *
 * @throws ToolgateError INVALID_CONFIG naming every fault at once
 */
export function parseListenerConfig(sources: Sources): ListenerConfig {
  return readSettings(LISTENER_SCHEMA, sources, {
    known: [...SETTINGS, ...CLIENT_SETTINGS, ...CLIENT_SECRETS].map((setting) => setting.variable),
  });
}
