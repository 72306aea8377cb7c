import { describe, expect, test } from "vitest";
import { fitConnections, openFilesLimit } from "../../src/front/grpc/open-files.js";
import { peerHost } from "../../src/limits/peer-host.js";
import { type Place, Places } from "../../src/limits/places.js";

/** Places, and a way to take one: for a host, by an owner there, used last at some time. */
function sharing(max: number, maxPerHost = max + 1) {
  const places = new Places(max, maxPerHost);
  const vacated: string[] = [];
  const owners = new Map<string, object>();
  const take = (host: string, owner: string, usedAt = 0): Place | string => {
    const key = owners.get(owner) ?? {};
    owners.set(owner, key);
    return places.take(host, { owner: key, usedAt: () => usedAt, vacate: () => vacated.push(`${owner}@${usedAt}`) });
  };
  return { places, take, vacated };
}

describe("places", () => {
  test("are free again when they are left, once", () => {
    const { places, take } = sharing(2);
    const first = take("a", "c1");
    take("a", "c1");
    expect([take("a", "c1"), places.count]).toEqual(["full", 2]);
    if (typeof first !== "string") for (let i = 0; i < 3; i++) first.leave();
    expect(places.count).toBe(1);
    expect(take("a", "c1")).not.toBe("full");
    expect([places.count, places.countOf("a"), places.countOf("b")]).toEqual([2, 2, 0]);
  });

  test("of one host are bounded", () => {
    const { take } = sharing(10, 2);
    take("a", "c1");
    take("a", "c1");
    expect(take("a", "c1")).toBe("host_full");
    expect(take("b", "c2")).not.toBe("host_full");
  });

  test("that one host has taken all are vacated for others, the idlest first, until both have as many", () => {
    const { places, take, vacated } = sharing(6);
    for (const usedAt of [5, 3, 9, 4, 8, 7]) take("hostile", "c1", usedAt);
    for (let i = 0; i < 3; i++) expect(take("honest", "c2", 1)).not.toBe("full");
    expect(vacated).toEqual(["c1@3", "c1@4", "c1@5"]);
    expect(take("honest", "c2", 1)).toBe("full");
    expect([places.countOf("hostile"), places.countOf("honest"), places.count]).toEqual([3, 3, 6]);
  });

  test("that one connection of a host has taken are vacated for others of that host", () => {
    for (const { take, vacated } of [sharing(4), sharing(10, 4)]) {
      for (const usedAt of [2, 1, 3]) take("balancer", "greedy", usedAt);
      take("balancer", "modest", 0);
      expect(typeof take("balancer", "new", 4)).toBe("object");
      expect(vacated).toEqual(["greedy@1"]);
      expect(typeof take("balancer", "greedy", 5)).toBe("string");
    }
  });
});

test("connections are no more than the system lets a process have open, and leave room for other hosts", () => {
  const wanted = { max: 8_192, maxPerHost: 7_168 };
  expect(fitConnections(wanted, undefined)).toEqual(wanted);
  expect(fitConnections(wanted, 1_048_576)).toEqual(wanted);
  expect(fitConnections(wanted, 1_024)).toEqual({ max: 768, maxPerHost: 672 });
  expect(fitConnections({ max: 8_192, maxPerHost: 100 }, 1_024)).toEqual({ max: 768, maxPerHost: 100 });
  expect(fitConnections(wanted, 10)).toEqual({ max: 1, maxPerHost: 1 });
  if (process.platform === "linux") expect(openFilesLimit()).toBeGreaterThan(0);
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1:2%eth0", "fe80:0:0:0"],
])("%s is of host %s", (address, host) => {
  expect(peerHost(address)).toBe(host);
});
