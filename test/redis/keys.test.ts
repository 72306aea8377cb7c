import { describe, expect, test } from "vitest";
import { derivedCallId, parseCallId } from "../../src/identity/call-id.js";
import { type Epoch, parseNodeId, parseRegistryName, parseToolsetName } from "../../src/identity/names.js";
import { createKeyspace, type ShardKeys } from "../../src/redis/keys.js";

const registry = (name: string) => parseRegistryName(name, "registry");
const toolset = (name: string) => parseToolsetName(name, "name");
const EPOCH = 1_764_000_000_000 as Epoch; // a made-up one

/** Every key and channel that there is for one toolset and one call. */
function allKeys(keys: ShardKeys, name = toolset("math")): string[] {
  const id = derivedCallId(keys.shard, "tenant", name, "run", "call");
  return [
    keys.prefix,
    keys.toolsets,
    keys.health,
    keys.epochs,
    keys.changes,
    keys.changed,
    keys.due,
    keys.pings,
    keys.slot(1),
    keys.node(parseNodeId("node-a", "node")),
    keys.work(name, EPOCH),
    keys.leases(name, EPOCH),
    keys.serving(name, EPOCH),
    keys.providers(name, EPOCH),
    keys.requests(name, EPOCH),
    keys.call(id),
    keys.result(id),
    keys.dead(name),
    keys.damaged(id),
  ];
}
/** What a Redis Cluster hashes: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags */
function hashTag(key: string): string {
  const open = key.indexOf("{");
  const close = key.indexOf("}", open + 1);
  return open >= 0 && close > open + 1 ? key.slice(open + 1, close) : key;
}

describe("keys", () => {
  test("of one toolset, its calls and its channels share one hash tag, which is the shard's", () => {
    for (const keys of createKeyspace(registry("default"), 16).shards) {
      expect(new Set(allKeys(keys).map(hashTag))).toEqual(new Set([`default/${keys.shard}`]));
    }
  });

  test("begin with the declared prefix, so that scripts may build them", () => {
    const [keys] = createKeyspace(registry("default"), 1).shards;
    if (keys === undefined) throw new Error("no shard");
    expect(keys.prefix).toBe("toolgate:{default/0}:");
    expect(allKeys(keys).filter((key) => !key.startsWith(keys.prefix))).toEqual([]);
  });

  test("never coincide", () => {
    const shards = createKeyspace(registry("default"), 4).shards;
    const keys = shards.flatMap((shard) => allKeys(shard));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("of registries of other names are others, also where one name begins with the other", () => {
    const names = ["default", "default2", "default-0", "Default", "d"];
    const keys = names.flatMap((name) => createKeyspace(registry(name), 2).shards.flatMap((shard) => allKeys(shard)));
    const locks = names.map((name) => createKeyspace(registry(name), 2).pingerLock);
    expect(new Set([...keys, ...locks]).size).toBe(keys.length + locks.length);
    // A registry's name cannot leave its hash tag.
    for (const hostile of ["a}", "a/0", "{a", "a:b"]) expect(() => registry(hostile)).toThrow();
  });

  test("the pinger's lock is one per registry, beside no toolset's key", () => {
    const keyspace = createKeyspace(registry("default"), 2);
    expect(hashTag(keyspace.pingerLock)).toBe("default/0");
    expect(keyspace.shards.flatMap((shard) => allKeys(shard))).not.toContain(keyspace.pingerLock);
  });
});

describe("shards", () => {
  test("are found by the toolset's name, always the same one", () => {
    const keyspace = createKeyspace(registry("default"), 16);
    // By the published hash, because nodes of two versions must agree.
    expect(["math", "files", "search", "lab"].map((name) => keyspace.forToolset(toolset(name)).shard)).toEqual(
      ["math", "files", "search", "lab"].map((name) => fnv1a(name) % 16),
    );
    expect(fnv1a("a")).toBe(0xe40c292c);
    expect(fnv1a("foobar")).toBe(0xbf9cf968);
  });

  test("spread toolsets evenly", () => {
    const keyspace = createKeyspace(registry("default"), 16);
    const counts = new Map<number, number>();
    for (let i = 0; i < 16_000; i++) {
      const { shard } = keyspace.forToolset(toolset(`toolset-${i}`));
      counts.set(shard, (counts.get(shard) ?? 0) + 1);
    }
    expect(counts.size).toBe(16);
    expect(Math.min(...counts.values())).toBeGreaterThan(800);
    expect(Math.max(...counts.values())).toBeLessThan(1_200);
  });

  test("are found by what a call id carries", () => {
    const keyspace = createKeyspace(registry("default"), 40);
    for (const keys of keyspace.shards) {
      expect(keyspace.forCall(derivedCallId(keys.shard, "t", toolset("math"), "r", "c"))).toBe(keys);
    }
  });

  test("that do not exist are not made up from a call id of somewhere else", () => {
    const keyspace = createKeyspace(registry("default"), 1);
    expect(keyspace.forCall(parseCallId("1.AAAAAAAAAAAAAAAAAAAAAA"))).toBeUndefined();
    expect(keyspace.forCall(parseCallId("zzz.AAAAAAAAAAAAAAAAAAAAAA"))).toBeUndefined();
  });
});

/** As http://www.isthe.com/chongo/tech/comp/fnv/ describes it, with big integers. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5n;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn;
  return Number(hash);
}
