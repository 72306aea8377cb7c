import { every, type Repeating } from "../async/every.js";
import type { HealthRule, ToolsetView } from "../catalog/toolset-view.js";
import type { Epoch, NodeId, ToolsetName } from "../identity/names.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { RedisClock } from "../redis/redis-time.js";
import { ShardRunner } from "../redis/shard-runner.js";
import type { Subscriber } from "../redis/subscriber.js";
import type { LeaseClock } from "../store/lease-clock.js";
import { decodePings, emitPings, type PingTarget } from "../store/registry/ping-slot.js";
import type { RegistryStore } from "../store/registry/registry-store.js";
import type { Leader } from "./leader.js";

export interface PingerSettings {
  readonly registry: RegistryStore;
  readonly leader: Leader;
  readonly clock: RedisClock;
  /** By which leases are judged, in each shard by itself. */
  readonly leaseClock: Pick<LeaseClock, "nowMs">;
  readonly subscriber: Subscriber;
  readonly node: NodeId;
  readonly rule: HealthRule;
  readonly toolsets: () => Iterable<ToolsetView>;
  /** A ping has come for an epoch. */
  readonly onPing: (toolset: ToolsetName, epoch: Epoch, slot: string) => void;
  readonly faults: FaultLog;
}

/**
 * Pings every live epoch once per interval, from the elected node, and hears the pings of whichever node is elected.
 * Time is cut into slots of one interval by Redis's clock; each slot is emitted once.
 */
export class Pinger {
  readonly #settings: PingerSettings;
  readonly #loop: Repeating;
  readonly #runner: ShardRunner;
  #unsubscribe: (() => void)[] = [];

  constructor(settings: PingerSettings) {
    this.#settings = settings;
    const { intervalMs } = settings.rule;
    const onError = (error: unknown): void => settings.faults.warn({ event: "ping_failed", error }, intervalMs);
    this.#runner = new ShardRunner(settings.registry.keyspace.shards, onError);
    this.#loop = every(
      () => intervalMs - (settings.clock.nowMs() % intervalMs),
      async () => void this.tick(),
      onError,
    );
  }

  async start(): Promise<void> {
    const { registry, subscriber, onPing } = this.#settings;
    for (const keys of registry.keyspace.shards) {
      this.#unsubscribe.push(
        await subscriber.subscribe(keys.pings, (message) => {
          const { slot, targets } = decodePings(message);
          for (const { toolset, epoch } of targets) onPing(toolset, epoch, slot);
        }),
      );
    }
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#runner.idle();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  /** Emits the current slot's pings if this node leads and they have not been emitted. */
  async tick(): Promise<void> {
    const { registry, leader, clock, leaseClock, node, rule } = this.#settings;
    if (!leader.leads) return;
    const nowMs = clock.nowMs();
    const slot = Math.floor(nowMs / rule.intervalMs);
    await this.#runner.runOnAll(async (keys) => {
      const leaseNowMs = leaseClock.nowMs(keys);
      const targets: PingTarget[] = [];
      for (const view of this.#settings.toolsets()) {
        if (registry.keyspace.forToolset(view.name) !== keys) continue;
        for (const epoch of view.epochs) {
          if (epoch.health.liveUntilMs > leaseNowMs) targets.push({ toolset: view.name, epoch: epoch.epoch });
        }
      }
      if (targets.length > 0) await emitPings(registry, keys, slot, node, rule.intervalMs, targets);
    });
  }
}
