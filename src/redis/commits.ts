import type { Redis } from "ioredis";
import { fromRedisError } from "../errors/redis-errors.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Logger } from "../observe/logger.js";
import { withHistory } from "./history.js";
import type { ShardKeys } from "./keys.js";
import type { RedisClient, RedisLink } from "./redis-client.js";
import { ReplicaBarrier, unconfirmed } from "./replica-barrier.js";
import { answerOf, asArray, asText, type Reply, runScript, type Script, type ScriptArgument } from "./script.js";

/**
 * When the effects of a script may become visible outside the node.
 *
 * With `fast` at once: Redis has them. With `replicated` when its replicas have them too, so that a failover takes back nothing
 * that became visible. Waiting is apart from running, because not everything becomes visible: what a node only remembers
 * for itself needs no confirmation.
 *
 * What is confirmed before it becomes visible, and where:
 *   ADMIT           where the caller gets a handle, or the end of an earlier request's call (admit.ts). A caller that only waits
 *                   for the end hears nothing before it, and the end lies behind the admission in the same replication stream.
 *                   And where providers of the node claim by it what waited before, as TAKE, or what its caller can repeat:
 *                   after a failover that took the call back, the repeat would run beside it. A new call that cannot
 *                   be repeated is handed to a provider before: if it is taken back, its end is that it is unknown, and
 *                   no other end becomes visible before COMPLETE is confirmed.
 *   TAKE, RESUME    before a provider gets the calls (epoch-dispatcher.ts, take.ts)
 *   COMPLETE        before its provider may forget the result (complete.ts)
 *   CANCEL          before the caller hears what became of the call (cancel.ts)
 *   APPLY_DOCUMENTS before the author hears that it is done (apply-documents.ts). Nodes follow documents before that: what a failover takes
 *                   back, they take back too.
 *   READ, PROBE     before output and ends become visible (read-call.ts). The reader confirms what it read, whichever node
 *                   wrote it. READ_PIECE (large-readings.ts) as well.
 *   notifications           before the end that they bring becomes visible (call-notifications.ts). A notification names the history in which it was notified, since
 *                   it may come from a master whose writes are about to be lost; one that names none is a reason to look.
 * Everything else (SETTLE, RENEW, REASSIGN, APPEND, registrations) becomes visible by one of these, or comes back by itself.
 */
export interface Commits {
  /** Whether there is anything to wait for. */
  readonly waits: boolean;
  /** Whether the replicas confirmed when they were asked last. */
  readonly confirming: boolean;
  /** Runs a script of one shard, as `runScript` does. */
  run(
    redis: RedisClient,
    script: Script,
    shard: ShardKeys,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<Outcome>;
  /**
   * Resolves when what was written in this history so far may become visible.
   *
   * @throws ToolgateError STORE_UNAVAILABLE, as `Outcome.confirm`
   */
  confirm(shard: ShardKeys, history: string): Promise<void>;
}

/** What a script answered. */
export interface Outcome {
  readonly reply: Reply;
  /**
   * Resolves when the script's effects may become visible.
   *
   * @throws ToolgateError STORE_UNAVAILABLE, `executed = unknown`, when the replicas do not confirm in time, or when another
   * master has taken over since: then it may be lost.
   */
  confirm(): Promise<void>;
}

/** What runs scripts of calls: a Redis, and what its replicas say. */
export interface CommittedStore {
  readonly redis: RedisClient;
  readonly commits: Commits;
}

/** Runs a script and waits until its effects may become visible. @throws ToolgateError STORE_UNAVAILABLE */
export async function runConfirmed(
  { redis, commits }: CommittedStore,
  shard: ShardKeys,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<Reply> {
  if (!commits.waits) return runScript(redis, script, keys, args);
  const { reply, confirm } = await commits.run(redis, script, shard, keys, args);
  await confirm();
  return reply;
}

const CONFIRMED = Promise.resolve();

/** `fast`: what Redis has may become visible. */
export const FAST_COMMITS: Commits = {
  waits: false,
  confirming: true,
  async run(redis, script, _shard, keys, args) {
    return { reply: await runScript(redis, script, keys, args), confirm: () => CONFIRMED };
  },
  confirm: () => CONFIRMED,
};

/** How often the replicas are asked while no write asks them, so that readiness is true, in milliseconds. */
const PROBE_INTERVAL_MS = 1_000;

export interface ReplicatedSettings {
  /** Connections of their own: waiting blocks them. */
  readonly link: RedisLink;
  readonly shards: readonly ShardKeys[];
  readonly replicas: number;
  readonly timeoutMs: number;
  readonly log: Logger;
  /** Told when the replicas begin to confirm, and when they stop. */
  readonly onConfirming: (confirming: boolean) => void;
}

/**
 * `replicated`: what the replicas have may become visible.
 *
 * A script's reply carries the id of the history that its master writes (Redis names a new one at each promotion); a later
 * confirmation counts only if it comes from the same history. So a write on a master that was cut off, and a confirmation by
 * the one that took its place, do not pass for one another, however the connections move.
 */
export class ReplicatedCommits implements Commits {
  readonly waits = true;
  readonly #settings: ReplicatedSettings;
  /** By the connection to their master: shards of one master share a barrier. */
  readonly #barriers = new Map<Redis, ReplicaBarrier>();
  readonly #variants = new WeakMap<Script, Script>();
  #probe: NodeJS.Timeout | undefined;

  constructor(settings: ReplicatedSettings) {
    this.#settings = settings;
  }

  /** @throws ToolgateError INVALID_CONFIG when Redis has too few replicas, STORE_UNAVAILABLE */
  async start(): Promise<void> {
    const { link, replicas } = this.#settings;
    await link.start().catch((error: unknown) => {
      throw fromRedisError(error);
    });
    for (const master of link.masters()) {
      const connected = await connectedReplicas(master);
      if (connected === undefined) {
        throw new ToolgateError(
          "INVALID_CONFIG",
          "TOOLGATE_DURABILITY=replicated needs Redis to say how it is replicated; allow the node's user INFO, or set TOOLGATE_DURABILITY=fast",
        );
      }
      if (connected >= replicas) continue;
      throw new ToolgateError(
        "INVALID_CONFIG",
        `TOOLGATE_DURABILITY=replicated waits for ${replicas} of Redis's replicas, and it has ${connected}; start them, lower TOOLGATE_REPLICAS, or set TOOLGATE_DURABILITY=fast`,
      );
    }
    // Replicas that are behind are no fault of the settings: the node is not ready yet.
    await this.#probeAll();
    this.#probe = setInterval(() => void this.#probeAll(), PROBE_INTERVAL_MS);
    this.#probe.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#probe);
    this.#settings.link.stop();
    for (const barrier of this.#barriers.values()) await barrier.stop();
  }

  /** Whether the replicas of all shards confirmed when they were asked last. */
  get confirming(): boolean {
    return this.#settings.shards.every((keys) => this.#barrierOf(keys)?.confirming ?? false);
  }

  async run(
    redis: RedisClient,
    script: Script,
    shard: ShardKeys,
    keys: readonly string[],
    args: readonly ScriptArgument[],
  ): Promise<Outcome> {
    const [history, reply = null] = asArray(await runScript(redis, this.#withHistory(script), keys, args));
    return { reply: answerOf(redis, reply), confirm: () => this.confirm(shard, asText(history)) };
  }

  async confirm(shard: ShardKeys, history: string): Promise<void> {
    const barrier = this.#barrierOf(shard);
    if (barrier === undefined) throw unconfirmed("the master that had the write is away");
    await barrier.commit(shard.commit, history);
  }

  /** The barrier of the shard's master; undefined while it has none. */
  #barrierOf(shard: ShardKeys): ReplicaBarrier | undefined {
    const { link, replicas, timeoutMs, log, onConfirming } = this.#settings;
    let client: Redis;
    try {
      client = link.masterOf(shard.commit);
    } catch {
      return undefined; // the master is not known just now
    }
    let barrier = this.#barriers.get(client);
    if (barrier === undefined) {
      const onChange = (): void => onConfirming(this.confirming);
      barrier = new ReplicaBarrier({ client, replicas, timeoutMs, log, onChange });
      this.#barriers.set(client, barrier);
    }
    return barrier;
  }

  /** Asks each master, and forgets those that are none any more. */
  async #probeAll(): Promise<void> {
    const { link, shards } = this.#settings;
    const masters = new Set(link.masters());
    for (const client of this.#barriers.keys()) if (!masters.has(client)) this.#barriers.delete(client);
    const probed = new Set<ReplicaBarrier>();
    await Promise.all(
      shards.map(async (keys) => {
        const barrier = this.#barrierOf(keys);
        if (barrier === undefined || probed.has(barrier)) return;
        probed.add(barrier);
        await barrier.probe(keys.commit);
      }),
    );
  }

  #withHistory(script: Script): Script {
    let variant = this.#variants.get(script);
    if (variant === undefined) {
      variant = withHistory(script);
      this.#variants.set(script, variant);
    }
    return variant;
  }
}

/** How many replicas a master sees; nothing where it does not tell, nor names its history. */
async function connectedReplicas(client: Redis): Promise<number | undefined> {
  const info = await client.info("replication").catch(() => "");
  const count = /^connected_slaves:(\d+)/m.exec(info)?.[1];
  return count === undefined || !/^master_replid:\w/m.test(info) ? undefined : Number(count);
}
