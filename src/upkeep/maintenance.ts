import { every, type Repeating } from "../async/every.js";
import { type EpochView, type HealthRule, isCallable, type ToolsetView } from "../catalog/toolset-view.js";
import type { ToolsetName } from "../identity/names.js";
import type { Logger } from "../observe/logger.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { ShardKeys } from "../redis/keys.js";
import { ShardRunner } from "../redis/shard-runner.js";
import type { Destination } from "../store/calls/admission.js";
import type { CallStore } from "../store/calls/call-store.js";
import { type OrphanedCall, reassignCalls } from "../store/calls/reassign.js";
import type { LeaseClock } from "../store/lease-clock.js";
import type { RegistryStore } from "../store/registry/registry-store.js";
import { sweepToolsets } from "../store/registry/sweep.js";
import { TRIM_START, trimEpochs } from "../store/registry/trim-epochs.js";
import type { Leader } from "./leader.js";

export interface MaintenanceSettings {
  readonly registry: RegistryStore;
  readonly calls: CallStore;
  readonly leader: Leader;
  /** By which leases and health are judged, in each shard by itself. */
  readonly clock: Pick<LeaseClock, "nowMs">;
  readonly rule: HealthRule;
  readonly toolsets: () => Iterable<ToolsetView>;
  /** The epoch that takes an orphaned call of a toolset, if its payload is valid there. */
  readonly destinationOf: (toolset: ToolsetName, call: OrphanedCall) => Promise<Destination | undefined>;
  /** How long calls in flight may last, in milliseconds. */
  readonly lingerMs: number;
  readonly log: Logger;
  readonly faults: FaultLog;
}

/** The longest time between two runs, in milliseconds. */
const MAX_INTERVAL_MS = 1_000;
/** How often the epochs of toolsets that are gone are looked through, in milliseconds. */
const TRIM_EVERY_MS = 3_600_000;
/** How many toolsets that nothing urgent is known of are looked at in one run. */
const ROUTINE_BATCH = 100;

/**
 * What time does to the catalogue, done by the elected node: lost health is announced, ended leases and epochs go, calls
 * that wait where they have no providers any more move on. What to do is read from Redis and the node's copy each time.
 */
export class Maintenance {
  readonly #settings: MaintenanceSettings;
  readonly #loop: Repeating;
  readonly #runner: ShardRunner;
  /** Toolsets that were callable at the last run: one that is not any more is urgent. */
  #callable = new Set<ToolsetName>();
  #routine: ToolsetName[] = [];
  /** By shard: where the look through its epochs goes on, and when it does. */
  readonly #trims = new Map<ShardKeys, { readonly from: string; readonly dueMs: number }>();

  constructor(settings: MaintenanceSettings) {
    this.#settings = settings;
    const intervalMs = Math.min(MAX_INTERVAL_MS, settings.rule.intervalMs);
    const onError = (error: unknown): void => settings.faults.warn({ event: "chores_failed", error });
    this.#runner = new ShardRunner(settings.registry.keyspace.shards, onError);
    this.#loop = every(
      () => intervalMs,
      async () => void this.run(),
      onError,
    );
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#runner.idle();
  }

  /** One run, if this node leads. */
  async run(): Promise<void> {
    const { leader, registry, clock, lingerMs, toolsets } = this.#settings;
    if (!leader.leads) return;
    const due = this.#dueToolsets();
    await this.#runner.runOnAll(async (keys) => {
      const nowMs = clock.nowMs(keys);
      const names = due.filter((name) => registry.keyspace.forToolset(name) === keys);
      await sweepToolsets(registry, keys, names, lingerMs);
      for (const view of toolsets()) {
        if (registry.keyspace.forToolset(view.name) !== keys) continue;
        for (const epoch of view.retiring) if (epoch.health.liveUntilMs <= nowMs) await this.#reassign(view, epoch);
      }
      await this.#trim(keys, nowMs);
    });
  }

  /** One step of the look through a shard's epochs, where it is due. */
  async #trim(keys: ShardKeys, nowMs: number): Promise<void> {
    const { from, dueMs } = this.#trims.get(keys) ?? { from: TRIM_START, dueMs: nowMs };
    if (nowMs < dueMs) return;
    const next = await trimEpochs(this.#settings.registry, keys, from);
    this.#trims.set(keys, { from: next, dueMs: next === TRIM_START ? nowMs + TRIM_EVERY_MS : nowMs });
  }

  #dueToolsets(): ToolsetName[] {
    const { toolsets, rule, clock, registry } = this.#settings;
    const due = new Set<ToolsetName>();
    const callable = new Set<ToolsetName>();
    const names: ToolsetName[] = [];
    for (const view of toolsets()) {
      names.push(view.name);
      const nowMs = clock.nowMs(registry.keyspace.forToolset(view.name));
      if (isCallable(view, nowMs, rule)) callable.add(view.name);
      else if (this.#callable.has(view.name)) due.add(view.name);
      if (view.epochs.length > 1) due.add(view.name);
    }
    this.#callable = callable;
    if (this.#routine.length === 0) this.#routine = names;
    for (const name of this.#routine.splice(0, ROUTINE_BATCH)) due.add(name);
    return [...due];
  }

  async #reassign(view: ToolsetView, epoch: EpochView): Promise<void> {
    const { calls, destinationOf, log, faults } = this.#settings;
    const where = { toolset: view.name, epoch: epoch.epoch };
    try {
      const { moved, ended } = await reassignCalls(calls, view.name, epoch.epoch, (call) =>
        destinationOf(view.name, call),
      );
      if (moved + ended > 0) log.info({ event: "calls_rehoused", ...where, moved, ended });
    } catch (error) {
      // One toolset whose schema cannot judge must not keep the others' calls waiting; the next run tries again.
      faults.warn({ event: "rehouse_failed", ...where, error });
    }
  }
}
