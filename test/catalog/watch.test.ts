import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CatalogEvent } from "../../src/catalog/catalog-copy.js";
import { formatRevision } from "../../src/catalog/revision.js";
import { type SeenCatalog, type WatchedCopy, Watches, type WatchStep } from "../../src/catalog/watch.js";
import { parseEpoch } from "../../src/identity/names.js";
import type { ChangeEntry } from "../../src/store/registry/change-feed.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";
import { warningsDuring } from "../support/warnings.js";
import {
  type CopySettings,
  contract,
  HandWrittenCatalog,
  name,
  namesOf,
  type OpenCopy,
  openCopy,
} from "./hand-written-catalog.js";
import { namedChange } from "./named-change.js";

expectNoLeaks();
const redis = redisForFile();

let catalog: HandWrittenCatalog;
let opened: OpenCopy[];
let readers: Reader[];

beforeEach(() => {
  catalog = new HandWrittenCatalog(redis().client());
  opened = [];
  readers = [];
});

afterEach(async () => {
  await Promise.all(readers.map((reader) => reader.leave()));
  await Promise.all(opened.map((copy) => copy.stop()));
  catalog.redis.disconnect();
});

async function open(settings: CopySettings = { sweepMs: 50 }): Promise<OpenCopy> {
  const copy = await openCopy(redis(), settings);
  opened.push(copy);
  return copy;
}

/** Reads a watch one step at a time, as a client with backpressure does. */
class Reader {
  readonly #leaving = new AbortController();
  readonly #steps: AsyncGenerator<WatchStep, void, void>;

  constructor(watches: Watches, revision = "", toolsets: string[] = [], seen?: SeenCatalog) {
    this.#steps = watches.watch({ revision, toolsets: toolsets.map(name) }, this.#leaving.signal, seen);
    readers.push(this);
  }

  async next(): Promise<WatchStep> {
    const step = await this.#steps.next();
    if (step.done) throw new Error("the watch has ended");
    return step.value;
  }

  /** Steps until `count` changes have come; no snapshot may come in between. */
  async changes(count: number): Promise<string[]> {
    const changes: string[] = [];
    while (changes.length < count) {
      const step = await this.next();
      if (step.kind === "snapshot") throw new Error("a snapshot instead of changes");
      changes.push(...step.changes.map(namedChange));
    }
    return changes;
  }

  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#steps.return();
  }
}

describe("a watch", () => {
  test("begins anew without a toolset whose record turns out to be damaged, for who covers it", async () => {
    await catalog.writeActive(contract("files"));
    await catalog.writeActive(contract("other"));
    const { copy } = await open();
    const reader = new Reader(new Watches(copy));
    const elsewhere = new Reader(new Watches(copy), "", ["other"]);
    await Promise.all([reader.next(), elsewhere.next()]);
    await catalog.redis.hset(catalog.keyspace.forToolset(name("files")).toolsets, "files", "{");
    await copy.refresh(name("files"));
    const step = await reader.next();
    expect(step.kind === "snapshot" && namesOf(step.toolsets)).toEqual(["other"]);
    await catalog.writeActive(contract("other"), 2);
    await catalog.announce("registered", "other", 2);
    expect(await elsewhere.next()).toMatchObject({ kind: "changes" });
  });

  test("starts with a snapshot of everything, then tells each change in order, with the toolset as it is", async () => {
    await catalog.writeActive(contract("old"));
    await catalog.append("registered", "old");
    const { copy } = await open();
    const reader = new Reader(new Watches(copy));
    const first = await reader.next();
    expect(first).toMatchObject({ kind: "snapshot", revision: copy.revision() });
    expect(first.kind === "snapshot" && namesOf(first.toolsets)).toEqual(["old"]);

    await catalog.writeActive(contract("new"), 5);
    await catalog.announce("registered", "new", 5);
    await catalog.announce("healthy", "new", 5);
    expect(await reader.changes(2)).toEqual(["registered new@5 known", "healthy new@5 known"]);
    await catalog.erase("new", 5);
    const id = await catalog.announce("unregistered", "new", 5);
    const last = await reader.next();
    expect(last).toMatchObject({
      kind: "changes",
      revision: id,
      changes: [{ entry: { kind: "unregistered", epoch: 5 }, toolset: undefined }],
    });
  });

  test("follows only the toolsets that it was asked for, also those to come", async () => {
    await catalog.writeActive(contract("a"));
    await catalog.writeActive(contract("b"));
    const { copy } = await open();
    const reader = new Reader(new Watches(copy), "", ["b", "c"]);
    const first = await reader.next();
    expect(first.kind === "snapshot" && namesOf(first.toolsets)).toEqual(["b"]);
    await catalog.announce("healthy", "a");
    await catalog.writeActive(contract("c"));
    await catalog.announce("registered", "c");
    await catalog.announce("healthy", "a");
    await catalog.announce("healthy", "b");
    expect(await reader.changes(2)).toEqual(["registered c@1 known", "healthy b@1 known"]);
  });

  test("that is left stops listening", async () => {
    const { copy } = await open();
    let listeners = 0;
    const counted = {
      get: copy.get.bind(copy),
      all: copy.all.bind(copy),
      positions: copy.positions.bind(copy),
      catchUp: copy.catchUp.bind(copy),
      changesBetween: copy.changesBetween.bind(copy),
      onChange: (listener: Parameters<typeof copy.onChange>[0]) => {
        listeners++;
        const unsubscribe = copy.onChange(listener);
        return () => {
          listeners--;
          unsubscribe();
        };
      },
    };
    const reader = new Reader(new Watches(counted));
    await reader.next();
    expect(listeners).toBe(1);
    const waiting = expect(reader.next()).rejects.toThrow("the watch has ended");
    await reader.leave();
    await waiting;
    expect(listeners).toBe(0);
  });

  test("ends with NODE_DRAINING when the node stops, whether it waits or not", async () => {
    const { copy } = await open();
    const watches = new Watches(copy);
    const [waits, reads] = [new Reader(watches), new Reader(watches)];
    await waits.next();
    const waiting = expect(waits.next()).rejects.toMatchObject({ reason: "NODE_DRAINING" });
    watches.stop();
    await waiting;
    await expect(reads.next()).rejects.toMatchObject({ reason: "NODE_DRAINING" });
  });
});

test("a node serves many watches at once, without a warning of a leak", async () => {
  const { copy } = await open();
  const watches = new Watches(copy);
  const warnings = await warningsDuring(async () => {
    await Promise.all(Array.from({ length: 20 }, () => new Reader(watches).next()));
  });
  watches.stop();
  expect(warnings).toEqual([]);
});

describe("a watch of a reader that sees only some toolsets", () => {
  /** Sees those whose names begin so; what it sees may change. */
  const seenOf = (copy: WatchedCopy, sees: (name: string) => boolean): SeenCatalog => ({
    get: (name) => (sees(name) ? copy.get(name) : undefined),
    all: () => copy.all().filter(({ name }) => sees(name)),
  });
  const isOpen = (name: string): boolean => name.startsWith("open");

  test("tells nothing of the others: neither that they are there, nor what becomes of them", async () => {
    await catalog.writeActive(contract("open-1"));
    await catalog.writeActive(contract("secret-1"));
    const { copy } = await open();
    const reader = new Reader(new Watches(copy), "", [], seenOf(copy, isOpen));
    const first = await reader.next();
    expect(first.kind === "snapshot" && namesOf(first.toolsets)).toEqual(["open-1"]);
    await catalog.announce("healthy", "secret-1");
    await catalog.erase("secret-1", 1);
    await catalog.announce("unregistered", "secret-1");
    await catalog.writeActive(contract("secret-2"));
    await catalog.announce("registered", "secret-2");
    await catalog.writeActive(contract("open-2"));
    await catalog.announce("registered", "open-2");
    await catalog.erase("open-1", 1);
    await catalog.announce("unregistered", "open-1");
    expect(await reader.changes(2)).toEqual(["registered open-2@1 known", "unregistered open-1@1 gone"]);
  });

  test("begins anew when there is the first that is hidden from a reader that saw all", async () => {
    await catalog.writeActive(contract("open-1"));
    const { copy } = await open();
    const seen = {
      ...seenOf(copy, isOpen),
      get isWhole() {
        return copy.all().every(({ name }) => isOpen(name));
      },
    };
    const reader = new Reader(new Watches(copy), "", [], seen);
    await reader.next();
    await catalog.announce("healthy", "open-1");
    expect(await reader.changes(1)).toEqual(["healthy open-1@1 known"]);
    await catalog.writeActive(contract("secret-1"));
    await catalog.announce("registered", "secret-1");
    const step = await reader.next();
    expect(step.kind === "snapshot" && namesOf(step.toolsets)).toEqual(["open-1"]);
    await catalog.erase("secret-1", 1);
    await catalog.announce("unregistered", "secret-1");
    await catalog.announce("healthy", "open-1");
    expect(await reader.changes(1)).toEqual(["healthy open-1@1 known"]);
  });

  test("begins anew where one that it has told of is hidden from then on", async () => {
    await catalog.writeActive(contract("open-1"));
    await catalog.writeActive(contract("open-2"));
    const { copy } = await open();
    let sees = isOpen;
    const reader = new Reader(
      new Watches(copy),
      "",
      [],
      seenOf(copy, (name) => sees(name)),
    );
    await reader.next();
    sees = (name) => name === "open-2";
    await catalog.announce("activated", "open-1");
    const step = await reader.next();
    expect(step.kind === "snapshot" && namesOf(step.toolsets)).toEqual(["open-2"]);
    await catalog.announce("healthy", "open-1");
    await catalog.announce("healthy", "open-2");
    expect(await reader.changes(1)).toEqual(["healthy open-2@1 known"]);
  });

  test("goes on from a revision; with a snapshot where something has gone that it may have known", async () => {
    await catalog.writeActive(contract("open-1"));
    await catalog.writeActive(contract("secret-1"));
    const { copy } = await open();
    const before = await catalog.announce("healthy", "secret-1");
    await catalog.announce("unhealthy", "secret-1");
    const told = await catalog.announce("healthy", "open-1");
    await until("the node knows", () => copy.revision() === told);
    const again = () => new Reader(new Watches(copy), before, [], seenOf(copy, isOpen));
    expect(await again().changes(1)).toEqual(["healthy open-1@1 known"]);
    await catalog.erase("secret-1", 1);
    const gone = await catalog.announce("unregistered", "secret-1");
    await until("the node knows", () => copy.revision() === gone);
    const step = await again().next();
    expect(step.kind === "snapshot" && namesOf(step.toolsets)).toEqual(["open-1"]);
  });
});

describe("a watch that resumes", () => {
  test("tells what it missed and nothing else, on another node too", async () => {
    const { copy: here } = await open();
    const { copy: there } = await open();
    const before = await catalog.announce("healthy", "before");
    await until("both nodes know", () => here.revision() === before && there.revision() === before);
    await catalog.announce("registered", "one");
    const two = await catalog.announce("registered", "two");
    await until("both nodes know", () => here.revision() === two && there.revision() === two);
    for (const copy of [here, there]) {
      const reader = new Reader(new Watches(copy), before);
      const step = await reader.next();
      expect(step).toMatchObject({ kind: "changes", revision: two });
      expect(step.kind === "changes" && step.changes.map(namedChange)).toEqual([
        "registered one@1 gone",
        "registered two@1 gone",
      ]);
      await reader.leave();
    }
    const reader = new Reader(new Watches(here), two);
    await catalog.announce("registered", "three");
    expect(await reader.changes(1)).toEqual(["registered three@1 gone"]);
  });

  test("from any revision on the way tells the rest, without a gap or a repetition", async () => {
    const { copy } = await open();
    const start = await catalog.announce("healthy", "start");
    await until("the node knows", () => copy.revision() === start);
    const all = new Reader(new Watches(copy), start);
    const told: string[] = [];
    const revisions: string[] = [];
    for (let round = 0; round < 20; round++) {
      for (let index = 0; index < 20; index++) await catalog.announce("healthy", `t${round}-${index}`);
      while (told.length < (round + 1) * 20) {
        const step = await all.next();
        if (step.kind === "snapshot") throw new Error("a snapshot instead of changes");
        told.push(...step.changes.map(namedChange));
        revisions.push(`${told.length} ${step.revision}`);
      }
    }
    expect(told).toEqual(
      Array.from({ length: 400 }, (_, index) => `healthy t${Math.floor(index / 20)}-${index % 20}@1 gone`),
    );
    for (const mark of revisions.slice(0, -1).filter((_, index) => index % 5 === 0)) {
      const [count = "", revision] = mark.split(" ");
      const again = new Reader(new Watches(copy), revision);
      expect(await again.changes(400 - Number(count))).toEqual(told.slice(Number(count)));
      await again.leave();
    }
  });

  test("ahead of its new node waits until that node has caught up", async () => {
    await catalog.announce("healthy", "before");
    const { copy } = await open({ sweepMs: 3_600_000 });
    const unheard = await catalog.append("healthy", "unheard");
    const reader = new Reader(new Watches(copy), unheard);
    await catalog.announce("healthy", "next");
    expect(await reader.changes(1)).toEqual(["healthy next@1 gone"]);
  });

  test.each([
    ["nonsense", "what?"],
    ["of another number of shards", "1-0,2-0"],
    ["from before what is still known", "5-0"],
    ["from before the first entry", "0-0"],
  ])("from a revision %s starts with a snapshot", async (_, revision) => {
    await catalog.writeActive(contract("files"));
    await catalog.append("registered", "files");
    const { copy } = await open();
    const reader = new Reader(new Watches(copy), revision);
    expect(await reader.next()).toMatchObject({ kind: "snapshot", revision: copy.revision() });
    await catalog.announce("healthy", "files");
    expect(await reader.changes(1)).toEqual(["healthy files@1 known"]);
  });

  test("from a revision that Redis has lost starts with a snapshot, and does not go back", async () => {
    await catalog.writeActive(contract("files"));
    await catalog.append("registered", "files");
    const { copy } = await open();
    const lost = "9999999999999-0";
    const reader = new Reader(new Watches(copy), lost);
    const step = await reader.next();
    expect(step.kind === "snapshot" && namesOf(step.toolsets)).toEqual(["files"]);
    expect(step.revision).toBe(lost);
    await catalog.announce("healthy", "files");
    expect(await reader.changes(1)).toEqual(["healthy files@1 known"]);
  });

  test("from more changes ago than it may catch up with starts with a snapshot", async () => {
    const { copy } = await open();
    const long = await catalog.announce("healthy", "long-ago");
    for (let index = 0; index < 1_001; index++) await catalog.append("healthy", "files");
    const last = await catalog.announce("healthy", "files");
    await until("the node knows", () => copy.revision() === last);
    expect((await new Reader(new Watches(copy), long).next()).kind).toBe("snapshot");
  });

  test("while Redis is away starts with a snapshot of what is known", async () => {
    await catalog.writeActive(contract("files"));
    const before = await catalog.append("registered", "files");
    await catalog.append("healthy", "files");
    const { copy } = await open();
    await redis().kill();
    try {
      const step = await new Reader(new Watches(copy), before).next();
      expect(step.kind === "snapshot" && namesOf(step.toolsets)).toEqual(["files"]);
    } finally {
      await redis().restart();
    }
  });
});

test("a reader that knows more than a node without Redis is sent elsewhere", async () => {
  const { copy } = await open({ sweepMs: 3_600_000 });
  await catalog.append("healthy", "heard");
  await copy.catchUp();
  // Another node's, of a change that this one cannot hear of any more.
  const unheard = formatRevision(copy.positions().map((id) => `${Number.parseInt(id, 10) + 1}-0`));
  await redis().kill();
  try {
    await expect(new Reader(new Watches(copy), unheard).next()).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
  } finally {
    await redis().restart();
  }
});

describe("news that come while a watch resumes", () => {
  const change = (id: string): ChangeEntry => ({
    id,
    atMs: 1,
    kind: "healthy",
    toolset: name(`t${id.split("-")[0]}`),
    epoch: parseEpoch(1, "epoch"),
  });

  test.each(Array.from({ length: 12 }, (_, turns) => turns))(
    "are not lost, %i microtasks after the answer",
    async (turns) => {
      let tell: (event: CatalogEvent) => void = () => {};
      let positions = ["2-0"];
      const copy: WatchedCopy = {
        get: () => undefined,
        all: () => [],
        positions: () => positions,
        catchUp: async () => {},
        onChange: (listener) => {
          tell = listener;
          return () => {};
        },
        changesBetween: async () => {
          const news = async () => {
            for (let turn = 0; turn < turns; turn++) await null;
            positions = ["3-0"];
            tell({ kind: "changed", shard: 0, entries: [change("3-0")] });
          };
          void news();
          return [change("2-0")];
        },
      };
      const reader = new Reader(new Watches(copy), "1-0");
      expect(await reader.changes(2)).toEqual(["healthy t2@1 gone", "healthy t3@1 gone"]);
    },
  );
});

describe("gaps", () => {
  test("a reload of the node's copy is a new snapshot, and the revision does not go back", async () => {
    await catalog.writeActive(contract("before"));
    const before = await catalog.append("registered", "before");
    const { copy } = await open();
    const reader = new Reader(new Watches(copy));
    expect(await reader.next()).toMatchObject({ revision: before });
    await catalog.redis.flushall();
    expect(await reader.next()).toEqual({ kind: "snapshot", toolsets: [], revision: before });
    await catalog.writeActive(contract("after"));
    const after = await catalog.announce("registered", "after");
    expect(await reader.next()).toMatchObject({
      kind: "changes",
      revision: after,
      changes: [{ entry: { toolset: "after" } }],
    });

    // A reader that left before the loss cannot be told what happened since.
    expect((await new Reader(new Watches(copy), before).next()).kind).toBe("snapshot");
  });

  test("a slow reader gets a snapshot instead of a thousand changes, and then what comes", async () => {
    const { copy } = await open();
    const slow = new Reader(new Watches(copy));
    const patient = new Reader(new Watches(copy));
    expect([(await slow.next()).kind, (await patient.next()).kind]).toEqual(["snapshot", "snapshot"]);
    for (let index = 0; index < 900; index++) await catalog.append("healthy", `t${index}`);
    await catalog.announce("healthy", "t900");
    await until("the node knows all", async () => copy.revision() === (await lastId()));
    expect(await patient.changes(901)).toHaveLength(901);
    for (let index = 0; index < 100; index++) await catalog.append("healthy", `u${index}`);
    const last = await catalog.announce("healthy", "u100");
    await until("the node knows all", () => copy.revision() === last);
    expect(await slow.next()).toMatchObject({ kind: "snapshot", revision: last });
    expect(await patient.changes(101)).toHaveLength(101);
    await catalog.announce("healthy", "now");
    expect(await slow.changes(1)).toEqual(["healthy now@1 gone"]);
  });

  async function lastId(): Promise<string | undefined> {
    const [entry] = await catalog.redis.xrevrange(catalog.keyspace.forToolset(name("x")).changes, "+", "-", "COUNT", 1);
    return entry?.[0];
  }
});

test("over several shards, changes of one toolset stay in order and the revision only grows", async () => {
  const sharded = new HandWrittenCatalog(catalog.redis, 4);
  const { copy } = await open({ shards: 4, sweepMs: 50 });
  const watches = new Watches(copy);
  const reader = new Reader(watches);
  let { revision } = await reader.next();
  for (let index = 0; index < 200; index++)
    await sharded.announce(index % 20 < 10 ? "healthy" : "unhealthy", `t${index % 10}`);
  const seen = new Map<string, string[]>();
  for (let count = 0; count < 200; ) {
    const step = await reader.next();
    if (step.kind === "snapshot") throw new Error("a snapshot instead of changes");
    count += step.changes.length;
    for (const { entry } of step.changes) seen.set(entry.toolset, [...(seen.get(entry.toolset) ?? []), entry.kind]);
    expect(step.revision).not.toBe(revision);
    revision = step.revision;
  }
  expect(
    [...seen.values()].every((kinds) =>
      kinds.every((kind, index) => kind === (index % 2 === 0 ? "healthy" : "unhealthy")),
    ),
  ).toBe(true);
  await sharded.announce("healthy", "late");
  const resumed = new Reader(watches, revision);
  expect(await resumed.changes(1)).toEqual(["healthy late@1 gone"]);
});
