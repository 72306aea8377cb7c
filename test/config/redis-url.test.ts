import { describe, expect, test } from "vitest";
import { parseRedisUrl, redisUrlFault, redisUrlsFault, withoutCredentials } from "../../src/config/redis-url.js";

test.each(["redis://127.0.0.1:6379", "rediss://u:p%40@h", "redis://h:1/15", "redis://[::1]:6379/", "redis://h"])(
  "%s is one server",
  (url) => {
    expect(redisUrlFault(url)).toBeUndefined();
    expect(parseRedisUrl(url)).toEqual({ kind: "standalone", url });
  },
);

describe("Sentinels", () => {
  test("are a list, with the master's name, and logins of their own", () => {
    const url = "redis+sentinel://app:p%40ss@h1,h2:26380,[::1]:26381/mymaster?db=3&sentinelUser=s&sentinelPassword=t";
    expect(parseRedisUrl(url)).toEqual({
      kind: "sentinel",
      sentinels: [
        { host: "h1", port: 26379 },
        { host: "h2", port: 26380 },
        { host: "::1", port: 26381 },
      ],
      name: "mymaster",
      database: 3,
      tls: false,
      login: { username: "app", password: "p@ss" },
      sentinelLogin: { username: "s", password: "t" },
    });
  });

  test.each([
    ["redis+sentinel://h1,h2", /name that the Sentinels give the master/],
    ["redis+sentinel://h1,h2/my/master", /name that the Sentinels give the master/],
    ["redis+sentinel://h1,,h2/m", /hosts with their ports/],
    ["redis+sentinel://h1:0/m", /hosts with their ports/],
    ["redis+sentinel://h1/m?db=x", /number of a database/],
    ["redis+sentinel://h1/m?password=x", /parameters db, sentinelUser, sentinelPassword/],
    ["redis+sentinel://u:%zz@h1/m", /% that encodes nothing/],
    ["redis+sentinel://u:hunter2@h1,u:hunter2@h2/m", /once, before the first host/],
  ])("%s is refused", (url, rule) => {
    expect(redisUrlFault(url)).toMatch(rule);
    expect(redisUrlFault(url)).not.toContain("hunter2");
    expect(() => parseRedisUrl(url)).toThrow(rule);
  });
});

describe("a cluster", () => {
  test("is a list of seeds", () => {
    expect(parseRedisUrl("rediss+cluster://:secret@h1:7000,h2")).toEqual({
      kind: "cluster",
      seeds: [
        { host: "h1", port: 7000 },
        { host: "h2", port: 6379 },
      ],
      tls: true,
      login: { password: "secret" },
    });
  });

  test.each([
    ["redis+cluster://h1,h2/0", /one database/],
    ["redis+cluster://h1?db=1", /must not have parameters/],
    ["redis+cluster://", /hosts with their ports/],
    ["redis+ring://h1", /must have the form/],
    ["redis://h1,h2", /one server, unless/],
  ])("%s is refused", (url, rule) => expect(redisUrlFault(url)).toMatch(rule));
});

describe("servers that elect the pinger", () => {
  test.each(["", "redis://a", "redis://a,redis://b redis://c"])("%j is a list", (text) => {
    expect(redisUrlsFault(text)).toBeUndefined();
  });
  test.each([
    ["redis://a,redis://b", /three and more/],
    ["redis://a,redis://b,redis://u:p@a", /each server once/],
    ["redis://a,redis+cluster://b,redis://c", /number 2 is a cluster/],
    ["redis://a,http://b,redis://c", /number 2 must begin/],
  ])("%j is refused", (text, rule) => expect(redisUrlsFault(text)).toMatch(rule));
});

test.each([
  ["rediss://user:hunter2@h:1/2", "rediss://h:1/2"],
  ["redis+sentinel://u:hunter2@h1,h2/m?sentinelPassword=hunter2", "redis+sentinel://h1,h2/m"],
  ["redis+cluster://:hunter2@h1:1,h2:2", "redis+cluster://h1:1,h2:2"],
  ["hunter2", "(not a URL)"],
])("credentials are left out", (url, shown) => expect(withoutCredentials(url)).toBe(shown));
