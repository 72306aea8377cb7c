import type { Redis } from "ioredis";
import type { HostAndPort } from "../config/redis-url.js";
import type { Logger } from "../observe/logger.js";
import { MasterMap } from "./master-map.js";
import { reconnect } from "./reconnect.js";

export interface SentinelMapSettings {
  readonly sentinels: readonly HostAndPort[];
  /** What they call the master. */
  readonly name: string;
  /** A connection to a Sentinel, for questions only; not connected yet. */
  readonly dial: (sentinel: HostAndPort) => Redis;
  readonly log: Logger;
}

/** A Sentinel tells it of each failover that it hears of: `<name> <old host> <old port> <new host> <new port>`. */
const FAILOVERS = "+switch-master";

/** What one Sentinel says of the master. */
interface View {
  readonly address: string;
  readonly configEpoch: number;
}

/**
 * The master that the Sentinels name.
 *
 * Each Sentinel is asked for its own view and listened to, over one connection for all that the node does with Redis; of
 * those that can be reached, the one whose view has the highest configuration epoch is believed, as Sentinels do among
 * themselves. So one that was cut off, or has not heard yet, cannot lead the node back to a former master, not even
 * to one that has been started again and calls itself the master. When none answers, the last one stays.
 */
export class SentinelMap extends MasterMap {
  readonly #settings: SentinelMapSettings;
  readonly #sentinels: Redis[] = [];
  readonly #views = new Map<Redis, View>();
  #master: string | undefined;

  constructor(settings: SentinelMapSettings) {
    super();
    this.#settings = settings;
  }

  get masters(): readonly string[] {
    return this.#master === undefined ? [] : [this.#master];
  }

  ownerOf(): string | undefined {
    return this.#master;
  }

  /** @throws when no Sentinel names a master. */
  override async start(): Promise<void> {
    const { sentinels, name, dial } = this.#settings;
    for (const place of sentinels) {
      const sentinel = dial(place);
      this.#sentinels.push(sentinel);
      sentinel.on("ready", () => {
        // Where the subscription fails, there are still the questions.
        sentinel.subscribe(FAILOVERS).catch(() => {});
        void this.#querySentinel(sentinel);
      });
      sentinel.on("message", () => void this.#querySentinel(sentinel));
      sentinel.on("close", () => this.#views.delete(sentinel));
    }
    await Promise.all(this.#sentinels.map((sentinel) => sentinel.connect().catch(() => {}))); // it goes on trying
    await super.start();
    if (this.#master === undefined) throw this.discoveryError(`no Sentinel names a master "${name}"`);
  }

  override stop(): void {
    super.stop();
    for (const sentinel of this.#sentinels) sentinel.disconnect();
  }

  protected async discover(): Promise<void> {
    const present = this.#sentinels.filter(({ status }) => status === "ready");
    await Promise.all(present.map((sentinel) => this.#querySentinel(sentinel)));
  }

  async #querySentinel(sentinel: Redis): Promise<void> {
    const { name } = this.#settings;
    try {
      // The epoch first: were it the newer one of the two, a former master would pass for the current one.
      const [facts, place] = await Promise.all([
        sentinel.call("SENTINEL", "MASTER", name),
        sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name),
      ]);
      if (this.stopped || sentinel.status !== "ready") return;
      const view = readSentinelView(facts, place);
      if (view === undefined) return;
      this.#views.set(sentinel, view);
      this.#decide();
    } catch (error) {
      this.recordFailure(error);
      this.#views.delete(sentinel);
      // A Sentinel that does not answer so small a question is gone, whatever the socket says. A refusal is an answer.
      if (!(error instanceof Error && error.name === "ReplyError")) reconnect(sentinel);
    }
  }

  #decide(): void {
    const views = [...this.#views.values()];
    const newest = Math.max(...views.map(({ configEpoch }) => configEpoch));
    const named = views.filter(({ configEpoch }) => configEpoch === newest).map(({ address }) => address);
    // Sentinels that only heard of another master name it in the same epoch: the node moves when they agree.
    const [master] = named;
    if (master === undefined || (this.#master !== undefined && named.includes(this.#master))) return;
    this.#master = master;
    this.#settings.log.info({ event: "redis_master", master });
    this.changed();
  }
}

/** Reads what SENTINEL MASTER and SENTINEL GET-MASTER-ADDR-BY-NAME answer; nothing when there is no such master. */
function readSentinelView(facts: unknown, place: unknown): View | undefined {
  if (!Array.isArray(facts) || !Array.isArray(place)) return undefined;
  const configEpoch = Number(facts[facts.indexOf("config-epoch") + 1]);
  const [host, port] = place.map(String);
  if (!Number.isFinite(configEpoch) || host === undefined || port === undefined) return undefined;
  return { address: `${host}:${port}`, configEpoch };
}
