import type { Cluster, Redis } from "ioredis";
import type { ShardKeys } from "../../src/redis/keys.js";
import { decodePings } from "../../src/store/registry/ping-slot.js";
import { keyspaceOf } from "./call-ids.js";
import type { Ping } from "./check/evidence.js";
import { machineMs } from "./machine-clock.js";
import type { Store } from "./store.js";

/** Hears all pings at Redis itself, past the gateways, and knows the senders of the last ones. */
export class PingObserver {
  /** By the machine's clock. */
  readonly pings: Ping[] = [];
  readonly #channels: Redis | Cluster;
  readonly #reader: Redis | Cluster;
  readonly #shards: readonly ShardKeys[];
  #pinger = "";
  #pingerAtMs = 0;

  constructor(store: Store) {
    this.#channels = store.observer();
    this.#reader = store.observer();
    this.#shards = keyspaceOf(store.shards).shards;
  }

  async start(): Promise<void> {
    this.#channels.on("smessageBuffer", (_channel: Buffer, message: Buffer) => {
      const atMs = machineMs();
      const { slot, targets } = decodePings(message);
      for (const { toolset, epoch } of targets) this.pings.push({ atMs, slot, toolset, epoch });
      void this.#askWho(Number(slot), atMs);
    });
    for (const { pings } of this.#shards) await this.#channels.ssubscribe(pings);
  }

  /** The name of the node that pinged last, if that was a moment ago. */
  pinger(withinMs: number): string | undefined {
    return machineMs() - this.#pingerAtMs <= withinMs ? this.#pinger : undefined;
  }

  async #askWho(slot: number, atMs: number): Promise<void> {
    const [keys] = this.#shards;
    const node = keys === undefined ? null : await this.#reader.get(keys.slot(slot)).catch(() => null);
    if (node === null) return;
    this.#pinger = node;
    this.#pingerAtMs = atMs;
  }
}
