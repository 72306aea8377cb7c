import { afterEach, beforeEach, expect, test } from "vitest";
import type { CatalogCopy } from "../../src/catalog/catalog-copy.js";
import { Watches, type WatchStep } from "../../src/catalog/watch.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";
import { contract, HandWrittenCatalog, type OpenCopy, openCopy } from "./hand-written-catalog.js";

/*
 * Whatever is registered, removed, trimmed away or lost, in whatever order: every copy ends with what is in Redis, and
 * so does every reader that only follows the steps of a watch, however slowly and over however many nodes.
 */

expectNoLeaks();
const redis = redisForFile();

let catalog: HandWrittenCatalog;
let opened: OpenCopy[];

beforeEach(() => {
  catalog = new HandWrittenCatalog(redis().client());
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((copy) => copy.stop()));
  catalog.redis.disconnect();
});

/** A small generator, so that a failure can be repeated (https://prng.di.unimi.it/splitmix64.c, cut to 32 bits). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Knows the catalogue by the steps of its watches alone. */
class Follower {
  readonly known = new Map<string, number>();
  readonly #leaving = new AbortController();
  readonly #following: Promise<void>;
  revision = "";
  snapshots = 0;

  /**
   * @param stepsPerNode how many steps it takes before it goes on at the next node.
   * @param pause what it does between two steps.
   */
  constructor(copies: readonly CatalogCopy[], stepsPerNode: number, pause: () => Promise<void>) {
    this.#following = this.#follow(copies, stepsPerNode, pause);
  }

  async #follow(copies: readonly CatalogCopy[], stepsPerNode: number, pause: () => Promise<void>): Promise<void> {
    for (let node = 0; !this.#leaving.signal.aborted; node++) {
      const copy = copies[node % copies.length];
      if (copy === undefined) throw new Error("there is a copy");
      let steps = 0;
      const request = { revision: this.revision, toolsets: [] };
      for await (const step of new Watches(copy).watch(request, this.#leaving.signal)) {
        this.#take(step);
        if (++steps === stepsPerNode) break;
        await pause();
      }
    }
  }

  #take(step: WatchStep): void {
    this.revision = step.revision;
    if (step.kind === "snapshot") {
      this.snapshots++;
      this.known.clear();
      for (const { name, shown } of step.toolsets) this.known.set(name, shown.epoch);
      return;
    }
    for (const { entry, toolset } of step.changes) {
      if (toolset === undefined) this.known.delete(entry.toolset);
      else this.known.set(entry.toolset, toolset.shown.epoch);
    }
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#following;
  }
}

/** Waits until the clock of Redis has moved on. */
async function nextMillisecond(): Promise<void> {
  const now = async () => {
    const [seconds, microseconds] = await catalog.redis.time();
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  };
  const before = await now();
  while ((await now()) <= before);
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
};

test.each([
  ["one shard, nothing lost", 1, 0, 11],
  ["one shard, with trims and losses", 1, 0.02, 22],
  ["four shards, with trims and losses", 4, 0.02, 33],
  ["four shards, with more of them", 4, 0.1, 44],
])("%s", async (_, shards, lossShare, seed) => {
  const random = seeded(seed);
  const sharded = new HandWrittenCatalog(catalog.redis, shards);
  for (let node = 0; node < 3; node++)
    opened.push(await openCopy(redis(), { shards, sweepMs: 30, pingIntervalMs: 200 }));
  const copies = opened.map(({ copy }) => copy);
  const followers = [
    new Follower(copies, Number.POSITIVE_INFINITY, () => turns(0)),
    new Follower(copies, Number.POSITIVE_INFINITY, () => turns(50)),
    new Follower(copies, 3, () => turns(5)),
    new Follower(copies, 1, () => turns(0)),
  ];
  let truth = new Map<string, number>();
  try {
    for (let step = 1; step <= 600; step++) {
      const toolset = `t${Math.floor(random() * 25)}`;
      const dice = random();
      if (dice < lossShare / 2) {
        await catalog.redis.flushall();
        truth = new Map();
        // A revision has ids only: it cannot tell two streams apart that share a millisecond.
        await nextMillisecond();
      } else if (dice < lossShare) {
        for (const keys of sharded.keyspace.shards) await catalog.redis.xtrim(keys.changes, "MAXLEN", 1);
      } else if (dice < 0.5) {
        const epoch = step;
        const former = truth.get(toolset);
        await sharded.write(toolset, [{ epoch, contract: contract(toolset, { version: `${epoch}.0.0` }) }]);
        truth.set(toolset, epoch);
        await (random() < 0.8
          ? sharded.announce("registered", toolset, epoch)
          : sharded.append("registered", toolset, epoch));
        if (former !== undefined)
          await catalog.redis.hdel(sharded.keyspace.shards[0]?.toolsets ?? "", `${toolset}@${former}`);
      } else if (dice < 0.8) {
        const epoch = truth.get(toolset);
        if (epoch === undefined) continue;
        await sharded.erase(toolset, epoch);
        truth.delete(toolset);
        await sharded.announce("unregistered", toolset, epoch);
      } else {
        await sharded.announce("healthy", toolset, truth.get(toolset) ?? 1);
      }
      if (random() < 0.1) await turns(20);
    }
    for (const { copy } of opened) {
      await until("the copy has what Redis has", () => {
        expect(new Map(copy.all().map(({ name, shown }) => [name, shown.epoch]))).toEqual(
          new Map([...truth].sort(byName)),
        );
        return true;
      });
      expect(copy.quarantined()).toEqual([]);
    }
    for (const follower of followers) {
      await until("the follower knows what Redis has", () => {
        expect(follower.known).toEqual(truth);
        return true;
      });
    }
    if (lossShare === 0) expect(followers.map(({ snapshots }) => snapshots)).toEqual([1, 1, 1, 1]);
  } finally {
    await Promise.all(followers.map((follower) => follower.leave()));
  }
});

const byName = ([a]: [string, number], [b]: [string, number]): number => (a < b ? -1 : 1);
