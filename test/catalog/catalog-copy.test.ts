import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sealContract } from "../../src/contract/seal-contract.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { storedToolset } from "../support/stored-values.js";
import { until } from "../support/until.js";
import {
  type CopySettings,
  contract,
  HandWrittenCatalog,
  name,
  namesOf,
  type OpenCopy,
  openCopy,
  tool,
} from "./hand-written-catalog.js";

expectNoLeaks();
const redis = redisForFile();
/** So long that only a notification of the channel can bring news within a test. */
const NEVER_MS = 3_600_000;

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

async function open(settings: CopySettings = {}): Promise<OpenCopy> {
  const copy = await openCopy(redis(), settings);
  opened.push(copy);
  return copy;
}

describe("loading", () => {
  test("an empty registry is an empty catalogue at revision 0-0", async () => {
    const { copy } = await open();
    expect(copy.all()).toEqual([]);
    expect(copy.revision()).toBe("0-0");
    expect(copy.stale).toBe(false);
  });

  test("every toolset of several pages is there, sorted by name", async () => {
    const names = Array.from({ length: 400 }, (_, index) => `toolset-${index}`);
    await Promise.all(names.map((toolset) => catalog.writeActive(contract(toolset))));
    const { copy } = await open();
    expect(namesOf(copy.all())).toEqual([...names].sort());
    expect(namesOf(copy.after("toolset-98"))).toEqual(["toolset-99"]);
    expect(copy.size).toBe(400);
  });

  test("a view has what was registered, its epochs in order, and its health", async () => {
    const old = contract("files", { version: "1.0.0" });
    const now = contract("files", { version: "2.0.0", title: "Files", tools: [tool("read"), tool("write")] });
    const next = contract("files", { version: "3.0.0" });
    await catalog.write("files", [
      { epoch: 10, contract: old, state: "retiring" },
      { epoch: 20, contract: now, state: "active", health: "5000 9000 7", registeredAtMs: 123 },
      { epoch: 30, contract: next, state: "candidate" },
    ]);
    const { copy } = await open();
    const view = copy.get("files");
    expect(view?.owner).toBe("somebody");
    expect(view?.epochs.map(({ epoch }) => epoch)).toEqual([20, 30, 10]);
    expect(view?.active?.epoch).toBe(20);
    expect(view?.candidate?.epoch).toBe(30);
    expect(view?.retiring.map(({ epoch }) => epoch)).toEqual([10]);
    expect(view?.active).toMatchObject({
      digest: sealContract(now).digest,
      version: "2.0.0",
      registeredAtMs: 123,
      activateAt: 0.5,
      maxBacklog: 10_000,
      retentionMs: 86_400_000,
      retireAfterMs: 600_000,
      health: { lastPongMs: 5_000, liveUntilMs: 9_000, room: 7 },
    });
    expect(view?.active?.contract()).toEqual(now);
    expect(view?.active?.tool("read")?.name).toBe("read");
    expect(view?.active?.tool("nothing")).toBeUndefined();
    expect(view?.active?.facts()).toMatchObject({ title: "Files", toolCount: 2 });
  });

  test("a contract is parsed once while it is in use, and again after others pushed it out", async () => {
    await Promise.all(["a", "b"].map((toolset) => catalog.writeActive(contract(toolset))));
    const { copy } = await open({ maxCachedContracts: 1 });
    const [a, b] = [copy.get("a")?.active, copy.get("b")?.active];
    const first = a?.contract();
    expect(a?.contract()).toBe(first);
    b?.contract();
    expect(a?.contract()).not.toBe(first);
    expect(a?.contract()).toEqual(first);
  });

  test("the toolsets of several shards make one catalogue, and its revision has one id per shard", async () => {
    const sharded = new HandWrittenCatalog(catalog.redis, 4);
    const names = Array.from({ length: 40 }, (_, index) => `t${index}`);
    for (const toolset of names) {
      await sharded.writeActive(contract(toolset));
      await sharded.append("registered", toolset);
    }
    const { copy } = await open({ shards: 4 });
    expect(namesOf(copy.all())).toEqual([...names].sort());
    expect(copy.revision().split(",")).toHaveLength(4);
    const shardOf = (toolset: string) => sharded.keyspace.forToolset(name(toolset)).shard;
    const elsewhere = names.filter((toolset) => shardOf(toolset) !== shardOf("t7"));
    expect(copy.sizeOfOthers(name("t7"))).toBe(elsewhere.length);
    await sharded.erase("t7", 1);
    await sharded.announce("unregistered", "t7");
    await until("the toolset of one shard is gone", () => copy.get("t7") === undefined);
    expect(copy.size).toBe(39);
  });

  test("a Redis that cannot be reached refuses the start, and leaves nothing running", async () => {
    const { copy } = await open();
    const stopped = openCopy({ ...redis(), url: "redis://127.0.0.1:1" });
    await expect(stopped).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
    expect(copy.stale).toBe(false);
  });
});

describe("following", () => {
  test("two nodes see a registration as soon as the channel announces it", async () => {
    const [one, two] = [await open({ sweepMs: NEVER_MS }), await open({ sweepMs: NEVER_MS })];
    await catalog.writeActive(contract("files"), 5);
    const id = await catalog.announce("registered", "files", 5);
    for (const { copy } of [one, two]) {
      await until("the toolset is there", () => copy.get("files")?.active?.epoch === 5);
      expect(copy.revision()).toBe(id);
    }
    expect(one.events).toMatchObject([
      { kind: "changed", shard: 0, entries: [{ id, kind: "registered", toolset: "files", epoch: 5 }] },
    ]);
  });

  test("a lost notification delays news until the next sweep only", async () => {
    const { copy } = await open({ sweepMs: 50 });
    await catalog.writeActive(contract("files"));
    await catalog.append("registered", "files");
    await until("the toolset is there", () => copy.get("files") !== undefined);
  });

  test("every kind of change is in the copy before listeners hear of it, in order", async () => {
    const first = contract("files", { version: "1.0.0" });
    const second = contract("files", { version: "2.0.0" });
    const { copy } = await open();
    const heard: string[] = [];
    copy.onChange((event) => {
      if (event.kind !== "changed") return;
      for (const { kind } of event.entries) heard.push(`${kind} ${copy.get("files")?.shown.version ?? "gone"}`);
    });
    const heardOf = (count: number) => until("listeners heard of it", () => heard.length === count);
    await catalog.write("files", [{ epoch: 1, contract: first }]);
    await catalog.announce("registered", "files", 1);
    await heardOf(1);
    await catalog.write("files", [
      { epoch: 1, contract: first, state: "retiring" },
      { epoch: 2, contract: second },
    ]);
    await catalog.announce("activated", "files", 2);
    await heardOf(2);
    await catalog.write("files", [{ epoch: 2, contract: second }]);
    await catalog.announce("retired", "files", 1);
    await heardOf(3);
    await catalog.erase("files", 1, 2);
    await catalog.announce("unregistered", "files", 2);
    await heardOf(4);
    expect(heard).toEqual(["registered 1.0.0", "activated 2.0.0", "retired 2.0.0", "unregistered gone"]);
    expect(copy.all()).toEqual([]);
  });

  test("more changes than one step takes are all followed, by one notification", async () => {
    const { copy, events } = await open({ sweepMs: NEVER_MS });
    for (let index = 0; index < 600; index++) {
      await catalog.writeActive(contract(`t${index}`));
      await catalog.append("registered", `t${index}`);
    }
    await catalog.announce("healthy", "t0");
    await until("all toolsets are there", () => copy.size === 600);
    await until("the last change is told", () =>
      events.some((event) => event.kind === "changed" && event.entries.at(-1)?.kind === "healthy"),
    );
    const ids = events.flatMap((event) => (event.kind === "changed" ? event.entries.map(({ id }) => id) : []));
    expect(ids).toHaveLength(601);
    expect(events.every(({ kind }) => kind === "changed")).toBe(true);
  });

  test("health is read again in each pass, without any change being announced", async () => {
    await catalog.writeActive(contract("files"));
    const { copy } = await open({ pingIntervalMs: 100 });
    await catalog.setHealth("files", 1, "active", "7000 8000 3");
    await until("the pong is seen", () => copy.get("files")?.active?.health.lastPongMs === 7_000);
    expect(copy.get("files")?.active?.health).toEqual({ lastPongMs: 7_000, liveUntilMs: 8_000, room: 3 });
  });

  test("entries of a kind that is not known yet are passed over", async () => {
    const { copy, events } = await open();
    await catalog.redis.xadd(
      catalog.keyspace.forToolset(name("x")).changes,
      "*",
      "kind",
      "renamed",
      "toolset",
      "x",
      "epoch",
      "1",
    );
    await catalog.writeActive(contract("files"));
    const id = await catalog.announce("registered", "files");
    await until("the toolset is there", () => copy.get("files") !== undefined);
    expect(copy.revision()).toBe(id);
    expect(events.flatMap((event) => (event.kind === "changed" ? event.entries : []))).toHaveLength(1);
  });
});

describe("reading one's own writes", () => {
  test("refresh brings a toolset that nobody announced", async () => {
    const { copy, events } = await open({ sweepMs: NEVER_MS });
    await catalog.writeActive(contract("files"));
    await copy.refresh(name("files"));
    expect(copy.get("files")).toMatchObject({ name: "files", active: { epoch: 1 } });
    expect(events).toEqual([{ kind: "refreshed", names: ["files"] }]);
    await catalog.erase("files", 1);
    await copy.refresh(name("files"));
    expect(copy.get("files")).toBeUndefined();
  });

  test("many at once are all served", async () => {
    const { copy } = await open({ sweepMs: NEVER_MS });
    const names = Array.from({ length: 200 }, (_, index) => `t${index}`);
    await Promise.all(
      names.map(async (toolset) => {
        await catalog.writeActive(contract(toolset));
        await copy.refresh(name(toolset));
        expect(copy.get(toolset)).toMatchObject({ name: toolset });
      }),
    );
  });

  test("an epoch is never shown without its contract, however reads and writes interleave", async () => {
    const { copy } = await open();
    for (let epoch = 1; epoch <= 50; epoch++) {
      const version = contract("files", { version: `${epoch}.0.0` });
      const reading = copy.refresh(name("files"));
      await catalog.write("files", [{ epoch, contract: version }]);
      await catalog.redis.hdel(catalog.keyspace.forToolset(name("files")).toolsets, `files@${epoch - 1}`);
      await catalog.announce("activated", "files", epoch);
      await reading;
    }
    await until("the last epoch is there", () => copy.get("files")?.active?.epoch === 50);
    expect(copy.quarantined()).toEqual([]);
  });
});

describe("gaps", () => {
  test("changes trimmed away before they were read make the copy reload", async () => {
    await catalog.writeActive(contract("old"));
    await catalog.append("registered", "old");
    const { copy, events } = await open({ sweepMs: NEVER_MS });
    await catalog.erase("old", 1);
    await catalog.append("unregistered", "old");
    for (let index = 0; index < 5; index++) await catalog.append("healthy", "new");
    await catalog.writeActive(contract("new"));
    await catalog.redis.xtrim(catalog.keyspace.forToolset(name("new")).changes, "MAXLEN", 2);
    const id = await catalog.announce("healthy", "new");
    await until("the copy has reloaded", () => copy.revision() === id);
    expect(namesOf(copy.all())).toEqual(["new"]);
    expect(events).toMatchObject([{ kind: "reloaded", shard: 0, names: ["old", "new"] }]);
  });

  test("changes trimmed away from a stream that was empty at the start are a gap too", async () => {
    const { copy, events } = await open({ sweepMs: NEVER_MS });
    await catalog.writeActive(contract("silent"));
    for (let index = 0; index < 5; index++) await catalog.append("registered", "silent");
    await catalog.redis.xtrim(catalog.keyspace.forToolset(name("silent")).changes, "MAXLEN", 1);
    await catalog.announce("healthy", "other");
    await until("the copy has reloaded", () => copy.get("silent") !== undefined);
    expect(events.map(({ kind }) => kind)).toEqual(["reloaded"]);
  });

  test("a Redis that lost everything empties the copy, which then follows what comes", async () => {
    await catalog.writeActive(contract("before"));
    await catalog.append("registered", "before");
    const { copy } = await open({ sweepMs: 50 });
    await catalog.redis.flushall();
    await until("the copy is empty", () => copy.size === 0);
    expect(copy.revision()).toBe("0-0");
    await catalog.writeActive(contract("after"));
    await catalog.announce("registered", "after");
    await until("the new toolset is there", () => copy.get("after") !== undefined);
  });

  test("ids that have gone back are a gap", async () => {
    await catalog.writeActive(contract("before"));
    await catalog.append("registered", "before");
    const { copy } = await open({ sweepMs: NEVER_MS });
    await catalog.redis.flushall();
    await catalog.writeActive(contract("after"));
    await catalog.append("registered", "after", 1, "5-1");
    await catalog.redis.spublish(catalog.keyspace.forToolset(name("after")).changed, "5-1");
    await until("the copy has reloaded", () => copy.revision() === "5-1");
    expect(namesOf(copy.all())).toEqual(["after"]);
  });
});

describe("losses that the stream does not show", () => {
  test("a toolset that was read before any entry goes with its Redis", async () => {
    await catalog.writeActive(contract("before"));
    const { copy, events } = await open({ sweepMs: 50 });
    expect(copy.revision()).toBe("0-0");
    await catalog.redis.flushall();
    await until("the copy is empty", () => copy.size === 0);
    expect(events).toEqual([{ kind: "reloaded", shard: 0, names: ["before"] }]);
  });

  test("and goes when the new Redis has a first entry already, which readers must take for a reload", async () => {
    await catalog.writeActive(contract("before"));
    const { copy, events } = await open({ sweepMs: NEVER_MS });
    await caughtUp(copy);
    await catalog.redis.flushall();
    await catalog.writeActive(contract("after"));
    await catalog.announce("registered", "after");
    await until("the copy has what Redis has", () => namesOf(copy.all()).join() === "after");
    expect(events).toEqual([{ kind: "reloaded", shard: 0, names: ["after", "before"] }]);
  });

  test("while one that the first entry does not mention, and that is there, stays", async () => {
    await catalog.writeActive(contract("unmentioned"));
    const { copy, events } = await open({ sweepMs: NEVER_MS });
    await caughtUp(copy);
    await catalog.writeActive(contract("new"));
    await catalog.announce("registered", "new");
    await until("the new toolset is there", () => copy.get("new") !== undefined);
    expect(copy.get("unmentioned")).toMatchObject({ name: "unmentioned" });
    expect(events.map(({ kind }) => kind)).toEqual(["changed"]);
  });

  /** The look at the stream that follows the start is over. */
  const caughtUp = (copy: OpenCopy["copy"]): Promise<void> => copy.catchUp();

  test("a new stream that begins with the very id where the copy stands is another one", async () => {
    await catalog.writeActive(contract("before"));
    await catalog.append("registered", "before", 1, "5-1");
    const { copy } = await open({ sweepMs: NEVER_MS });
    await catalog.redis.flushall();
    await catalog.writeActive(contract("after"));
    await catalog.append("registered", "after", 1, "5-1");
    await catalog.redis.spublish(catalog.keyspace.forToolset(name("after")).changed, "5-1");
    await until("the copy has reloaded", () => copy.get("after") !== undefined);
    expect(namesOf(copy.all())).toEqual(["after"]);
  });
});

describe("bad records", () => {
  test("are named, logged once, and break neither the start nor their neighbours", async () => {
    const { toolsets } = catalog.keyspace.forToolset(name("good"));
    const good = contract("good");
    await catalog.writeActive(good);
    await catalog.redis.hset(toolsets, "not-json", "{");
    await catalog.redis.hset(toolsets, "NOT A NAME", "{}");
    await catalog.redis.hset(toolsets, "other", storedToolset("good", []));
    const digest = sealContract(good).digest;
    const entry = { epoch: 7, digest };
    await catalog.redis.hset(toolsets, "bad-state", storedToolset("bad-state", [{ ...entry, state: 7 }]));
    await catalog.redis.hset(toolsets, "no-contract", storedToolset("no-contract", [entry]));
    await catalog.redis.hset(toolsets, "forged", storedToolset("forged", [entry]), "forged@7", "{}");

    const { copy, log } = await open({ sweepMs: 50 });
    expect(namesOf(copy.all())).toEqual(["good"]);
    expect(copy.quarantined()).toEqual([
      { toolset: "NOT A NAME", epoch: undefined, reason: "its name is not a toolset's name" },
      { toolset: "bad-state", epoch: "#1", reason: "the state of epoch 7 is missing" },
      { toolset: "forged", epoch: "7", reason: "its contract does not have the digest that its record names" },
      { toolset: "no-contract", epoch: "7", reason: "its contract is missing" },
      { toolset: "not-json", epoch: undefined, reason: "its record is not JSON" },
      { toolset: "other", epoch: undefined, reason: "its record is of another name" },
    ]);
    const logged = () => log.filter(({ event }) => event === "catalog_record_quarantined");
    expect(logged()).toHaveLength(6);

    // Reading the same again says nothing new.
    await copy.refresh(name("bad-state"));
    await copy.refresh(name("forged"));
    expect(logged()).toHaveLength(6);

    // A good registration heals.
    await catalog.writeActive(contract("bad-state"), 8);
    await catalog.announce("registered", "bad-state", 8);
    await until("the record is healed", () => copy.get("bad-state")?.active?.epoch === 8);
    expect(copy.quarantined().map(({ toolset }) => toolset)).not.toContain("bad-state");
  });

  test("are forgotten when they are gone", async () => {
    const { toolsets } = catalog.keyspace.forToolset(name("x"));
    await catalog.redis.hset(toolsets, "NOT A NAME", "{}", "not-json", "{");
    await catalog.append("registered", "x");
    const { copy } = await open({ sweepMs: 50 });
    expect(copy.quarantined()).toHaveLength(2);
    await catalog.redis.flushall();
    await until("nothing is quarantined", () => copy.quarantined().length === 0);
  });

  test("one bad epoch leaves the others of its toolset", async () => {
    const good = contract("files", { version: "2.0.0" });
    await catalog.write("files", [
      { epoch: 1, contract: contract("files"), state: "retiring" },
      { epoch: 2, contract: good, state: "active" },
    ]);
    await catalog.redis.hset(catalog.keyspace.forToolset(name("files")).toolsets, "files@1", "nonsense");
    const { copy } = await open();
    expect(copy.get("files")?.epochs.map(({ epoch }) => epoch)).toEqual([2]);
    expect(copy.quarantined()).toMatchObject([{ toolset: "files", epoch: "1" }]);
  });

  test("a sealed text that holds no contract is found out on first use, and stays out", async () => {
    await catalog.writeActive(contract("fine"));
    const impostor = contract("impostor");
    await catalog.write("files", [{ epoch: 1, contract: impostor }]);
    const { copy, log, events } = await open();
    const view = copy.get("files");
    expect(() => view?.active?.contract()).toThrowError(ToolgateError);
    expect(copy.get("files")).toBeUndefined();
    expect(events).toEqual([{ kind: "quarantined", names: ["files"] }]);
    await copy.refresh(name("files"));
    expect(copy.get("files")).toBeUndefined();
    expect(namesOf(copy.all())).toEqual(["fine"]);
    expect(copy.quarantined()).toEqual([
      { toolset: "files", epoch: "1", reason: "the JSON is not a contract of this toolset" },
    ]);
    expect(log.filter(({ event }) => event === "catalog_record_quarantined")).toHaveLength(1);
  });

  test("an empty list of epochs, as Lua writes it, is a toolset that is gone, and no fault", async () => {
    const { toolsets } = catalog.keyspace.forToolset(name("gone"));
    await catalog.redis.hset(toolsets, "gone", storedToolset("gone", [], { epochs: {} }));
    const { copy } = await open();
    expect(copy.all()).toEqual([]);
    expect(copy.quarantined()).toEqual([]);
  });
});

describe("while Redis is away", () => {
  test("a frozen Redis makes the copy stale, and it catches up when it thaws", async () => {
    await catalog.writeActive(contract("before"));
    const { copy, log } = await open({ sweepMs: 50 });
    await redis().freeze();
    try {
      await until("the copy is stale", () => copy.stale);
      expect(namesOf(copy.all())).toEqual(["before"]);
    } finally {
      await redis().thaw();
    }
    await until("the copy is fresh again", () => !copy.stale);
    await catalog.writeActive(contract("after"));
    await catalog.announce("registered", "after");
    await until("the new toolset is there", () => copy.get("after") !== undefined);
    expect(log.filter(({ event }) => event === "catalog_not_followed").length).toBeLessThanOrEqual(1);
  });

  test("a Redis that was killed and came back empty is followed again; the outage is logged once", async () => {
    await catalog.writeActive(contract("before"));
    await catalog.append("registered", "before");
    const { copy, log } = await open({ sweepMs: 50 });
    await redis().kill();
    await until("the copy is stale", () => copy.stale);
    expect(copy.get("before")).toMatchObject({ name: "before" });
    await expect(copy.refresh(name("before"))).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
    await redis().restart();
    await until("the copy is fresh again and empty", () => !copy.stale && copy.size === 0);
    expect(log.filter(({ event }) => event === "catalog_not_followed")).toHaveLength(1);
    expect(log.filter(({ event }) => event === "catalog_followed_again")).toHaveLength(1);
  });
});

describe("stopping", () => {
  test("is finished when it resolves, may be repeated, and leaves what is known readable as stale", async () => {
    await catalog.writeActive(contract("files"));
    const { copy } = await open();
    await Promise.all([copy.stop(), copy.stop()]);
    await copy.stop();
    expect(copy.stale).toBe(true);
    expect(copy.get("files")).toMatchObject({ name: "files" });
    await expect(copy.refresh(name("files"))).rejects.toMatchObject({ reason: "NODE_DRAINING" });
  });

  test("does not wait for an answer that Redis owes, and refuses who waits", async () => {
    const { copy } = await open();
    await redis().freeze();
    try {
      const waiting = expect(copy.refresh(name("files"))).rejects.toBeInstanceOf(ToolgateError);
      await copy.stop();
      await waiting;
    } finally {
      await redis().thaw();
    }
  });
});
