import { describe, expect, test } from "vitest";
import { FairQuota, type Permit } from "../../src/limits/fair-quota.js";

/** A quota, and a way to acquire a permit: for a host, by an owner there, used last at some time. */
function sharing(max: number, maxPerHost = max + 1) {
  const quota = new FairQuota(max, maxPerHost);
  const evicted: string[] = [];
  const owners = new Map<string, object>();
  const acquire = (host: string, owner: string, usedAt = 0): Permit | string => {
    const key = owners.get(owner) ?? {};
    owners.set(owner, key);
    return quota.acquire(host, { owner: key, usedAt: () => usedAt, evict: () => evicted.push(`${owner}@${usedAt}`) });
  };
  return { quota, acquire, evicted };
}

describe("a fair quota", () => {
  test("has its permits back when they are released, once", () => {
    const { quota, acquire } = sharing(2);
    const first = acquire("a", "c1");
    acquire("a", "c1");
    expect([acquire("a", "c1"), quota.count]).toEqual(["full", 2]);
    if (typeof first !== "string") for (let i = 0; i < 3; i++) first.release();
    expect(quota.count).toBe(1);
    expect(acquire("a", "c1")).not.toBe("full");
    expect([quota.count, quota.countOf("a"), quota.countOf("b")]).toEqual([2, 2, 0]);
  });

  test("is bounded for each host", () => {
    const { acquire } = sharing(10, 2);
    acquire("a", "c1");
    acquire("a", "c1");
    expect(acquire("a", "c1")).toBe("host_full");
    expect(acquire("b", "c2")).not.toBe("host_full");
  });

  test("evicts from the host that holds all of it, the idlest first, until another one holds as many", () => {
    const { quota, acquire, evicted } = sharing(6);
    for (const usedAt of [5, 3, 9, 4, 8, 7]) acquire("hostile", "c1", usedAt);
    for (let i = 0; i < 3; i++) expect(acquire("honest", "c2", 1)).not.toBe("full");
    expect(evicted).toEqual(["c1@3", "c1@4", "c1@5"]);
    expect(acquire("honest", "c2", 1)).toBe("full");
    expect([quota.countOf("hostile"), quota.countOf("honest"), quota.count]).toEqual([3, 3, 6]);
  });

  test("evicts from the connection that holds most of its host's", () => {
    for (const { acquire, evicted } of [sharing(4), sharing(10, 4)]) {
      for (const usedAt of [2, 1, 3]) acquire("balancer", "greedy", usedAt);
      acquire("balancer", "modest", 0);
      expect(typeof acquire("balancer", "new", 4)).toBe("object");
      expect(evicted).toEqual(["greedy@1"]);
      expect(typeof acquire("balancer", "greedy", 5)).toBe("string");
    }
  });
});
