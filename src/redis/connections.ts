import slotOf from "cluster-key-slot";
import { Redis } from "ioredis";
import { type HostAndPort, parseRedisUrl, type RedisAddress, withoutCredentials } from "../config/redis-url.js";
import { describeDenial, readDenial } from "../errors/redis-denial.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { type Logger, SILENT_LOGGER } from "../observe/logger.js";
import { ClusterMap } from "./cluster-map.js";
import { ConnectionFaults } from "./connection-faults.js";
import { type ClientOptions, COMMAND_TIMEOUT_MS, FAIL_FAST, memberOptions } from "./fail-fast.js";
import { GroupLink } from "./group-link.js";
import { MAP_TIMEOUT_MS, type MasterMap, toHostAndPort } from "./master-map.js";
import type { RedisClient, RedisLink } from "./redis-client.js";
import { SentinelMap } from "./sentinel-map.js";
import { SingleLink } from "./single-link.js";
import { type ChannelRoutes, Subscriber } from "./subscriber.js";

/** A node's connections to Redis: for commands, for channels, for the pinger's lock, for commits. */
export interface RedisConnections {
  readonly command: RedisLink;
  readonly subscriber: Subscriber;
  /** One per Redis that votes in the pinger's election. */
  readonly locks: readonly RedisLink[];
  /** For waiting on replicas; started by its first user. */
  readonly commit: RedisLink;
  /** Whether commands can be sent just now. */
  ready(): boolean;
  /** @throws ToolgateError STORE_UNAVAILABLE when Redis cannot be reached. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ConnectionSettings {
  readonly redisUrl: string;
  /** Where the pinger's lock is, when not there: independent servers. */
  readonly lockUrls?: readonly string[];
  readonly lockTtlMs: number;
  /** How long a WAIT may block the commits' connection, in milliseconds. */
  readonly replicaTimeoutMs?: number;
  readonly log: Logger;
  /** Told when commands can be sent, and when they cannot any more. */
  readonly onReady: (ready: boolean) => void;
}

/** What one purpose asks of its connections, above being fail-fast. */
interface Purpose {
  readonly name: "command" | "lock" | "commit";
  readonly options?: ClientOptions;
  readonly onReady?: (ready: boolean) => void;
}

/** How one Redis is reached, whatever it is made of. */
interface Topology {
  link(purpose: Purpose): RedisLink;
  channels(): ChannelRoutes;
  /** @throws the reason why no server can be reached */
  start(): Promise<void>;
  stop(): void;
}

/** Prepares the connections of one node; `start` opens them. */
export function createConnections(settings: ConnectionSettings): RedisConnections {
  const { redisUrl, log } = settings;
  const faults = new ConnectionFaults(log);
  const topology = topologyOf(parseRedisUrl(redisUrl), log, faults);
  const command = topology.link({
    name: "command",
    onReady: (ready) => {
      if (ready) {
        faults.clear();
        log.info({ event: "redis_ready" });
      }
      settings.onReady(ready);
    },
  });
  // The lock's clients give up long before the lock does: a frozen server must not hold up the election.
  const lockPurpose: Purpose = {
    name: "lock",
    options: {
      commandTimeout: Math.max(100, Math.floor(settings.lockTtlMs / 10)),
      // Their questions to the server fall under that time-out too; the lock does not need their answers.
      enableReadyCheck: false,
      disableClientInfo: true,
    },
  };
  const { lockUrls = [] } = settings;
  const locks =
    lockUrls.length === 0
      ? [topology.link(lockPurpose)]
      : lockUrls.map((url) => topologyOf(parseRedisUrl(url), log, faults).link(lockPurpose));
  const commit = topology.link({
    name: "commit",
    options: { commandTimeout: COMMAND_TIMEOUT_MS + (settings.replicaTimeoutMs ?? 0) },
  });
  const subscriber = new Subscriber(topology.channels(), log);

  return {
    command,
    subscriber,
    locks,
    commit,
    ready: () => command.ready,
    async start() {
      try {
        await topology.start();
        // Without the lock's connections this node is not elected, and works all the same; it goes on trying.
        for (const lock of locks) lock.start().catch(() => {});
        await Promise.all([command.start(), subscriber.start()]);
      } catch (error) {
        // What connecting rejects with is only that the connection is closed; the fault before it says why.
        const cause = faults.last || (error instanceof Error ? error.message : String(error));
        const denial = readDenial(cause);
        if (denial !== undefined)
          throw new ToolgateError("STORE_UNAVAILABLE", describeDenial(denial), { cause: error });
        throw new ToolgateError(
          "STORE_UNAVAILABLE",
          `Redis at ${withoutCredentials(redisUrl)} cannot be reached (${cause}); start it, or set REDIS_URL`,
          { cause: error },
        );
      }
    },
    async stop() {
      await subscriber.stop();
      for (const link of [command, ...locks, commit]) link.stop();
      topology.stop();
    },
  };
}

/** A connection to a Redis from outside of a node, for checks such as those of `toolgate doctor`. */
export interface RedisInspection {
  /** For commands; to be used when it has started. */
  readonly client: RedisClient;
  /** Connects, and resolves to its masters. @throws Error that says why not */
  start(): Promise<readonly Redis[]>;
  stop(): void;
}

/** Prepares to inspect the Redis that a URL names. */
export function inspectRedis(redisUrl: string): RedisInspection {
  const faults = new ConnectionFaults(SILENT_LOGGER);
  const topology = topologyOf(parseRedisUrl(redisUrl), SILENT_LOGGER, faults);
  const link = topology.link({ name: "command" });
  return {
    client: link.client,
    async start() {
      try {
        await topology.start();
        await link.start();
        return link.masters();
      } catch (error) {
        throw new Error(faults.last || (error instanceof Error ? error.message : String(error)), { cause: error });
      }
    },
    stop() {
      link.stop();
      topology.stop();
    },
  };
}

function topologyOf(address: RedisAddress, log: Logger, faults: ConnectionFaults): Topology {
  switch (address.kind) {
    case "standalone":
      return singleTopology(address.url, log, faults);
    case "sentinel": {
      const { sentinels, name, database, login, sentinelLogin, tls } = address;
      const dialSentinel = memberDialler((sentinel) => memberOptions(sentinel, sentinelLogin, tls), faults);
      const dial = memberDialler((member) => ({ ...memberOptions(member, login, tls), db: database }), faults);
      const map = new SentinelMap({ sentinels, name, dial: dialSentinel("sentinel", DISCOVERY_OPTIONS), log });
      return groupTopology(map, dial, log);
    }
    case "cluster": {
      const { seeds, login, tls } = address;
      const dial = memberDialler((member) => memberOptions(member, login, tls), faults);
      const map = new ClusterMap({ seeds, dial: dial("map", DISCOVERY_OPTIONS), byHostname: tls, log });
      return groupTopology(map, dial, log);
    }
    default:
      return address satisfies never;
  }
}

/** One server. */
function singleTopology(url: string, log: Logger, faults: ConnectionFaults): Topology {
  return {
    link({ name, options = {}, onReady }) {
      const all = { ...FAIL_FAST, connectionName: `toolgate-${name}`, ...options };
      return new SingleLink({ url, options: all, log, faults, ...(onReady === undefined ? {} : { onReady }) });
    },
    channels: () => ({
      routes: () => ["master"],
      routeOf: () => "master",
      dial: () => {
        const redis = new Redis(url, { ...FAIL_FAST, connectionName: "toolgate-channels" });
        redis.on("error", (error: Error) => faults.report("channels", error));
        return redis;
      },
      onChange: () => {},
      refreshRoutes: () => {},
    }),
    async start() {},
    stop() {},
  };
}

/** For asking which server is the master. */
const DISCOVERY_OPTIONS: ClientOptions = {
  commandTimeout: MAP_TIMEOUT_MS,
  connectTimeout: MAP_TIMEOUT_MS,
  enableReadyCheck: false,
  disableClientInfo: true,
};

/** Makes connections for a purpose to servers of a group; not connected yet. */
type MemberDialler = (name: string, options?: ClientOptions) => (member: HostAndPort) => Redis;

function memberDialler(optionsOf: (member: HostAndPort) => ClientOptions, faults: ConnectionFaults): MemberDialler {
  return (name, options = {}) =>
    (member) => {
      const redis = new Redis({
        ...FAIL_FAST,
        ...optionsOf(member),
        connectionName: `toolgate-${name}`,
        ...options,
      });
      const connection = `${name} ${member.host}:${member.port}`;
      redis.on("error", (error: Error) => faults.report(connection, error));
      redis.on("ready", () => faults.recovered(connection));
      return redis;
    };
}

/** The masters of a Redis Cluster, or the one that Sentinels name. */
function groupTopology(map: MasterMap, dial: MemberDialler, log: Logger): Topology {
  return {
    link: ({ name, options, onReady }) =>
      new GroupLink({ map, dial: dial(name, options), log, ...(onReady === undefined ? {} : { onReady }) }),
    channels: () => {
      const dialChannels = dial("channels");
      return {
        routes: () => map.masters,
        routeOf: (channel) => map.ownerOf(slotOf(channel)),
        dial: (route) => dialChannels(toHostAndPort(route)),
        onChange: (listener) => map.onChange(listener),
        refreshRoutes: () => void map.refresh(),
      };
    },
    start: () => map.start(),
    stop: () => map.stop(),
  };
}
