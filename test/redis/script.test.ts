import { beforeEach, describe, expect, test } from "vitest";
import { asArray, asBuffer, asNumber, asText, defineScript, runScript } from "../../src/redis/script.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";

expectNoLeaks();
const redis = redisForFile();
let client: ReturnType<ReturnType<typeof redis>["client"]>;
beforeEach(() => {
  client = redis().client();
  return () => client.disconnect();
});

const COUNT = defineScript("COUNT", "return redis.call('INCRBY', KEYS[1], ARGV[1])");
const ECHO = defineScript("ECHO", "return { KEYS[1], ARGV[1], #ARGV[1], false }");

describe("a script", () => {
  test("that Redis does not know is sent as text, once, and runs once", async () => {
    expect(await client.script("EXISTS", COUNT.sha)).toEqual([0]);
    expect(await runScript(client, COUNT, ["n"], [5])).toBe(5);
    expect(await client.script("EXISTS", COUNT.sha)).toEqual([1]);
    expect(await runScript(client, COUNT, ["n"], [1])).toBe(6);
  });

  test("is sent again after SCRIPT FLUSH", async () => {
    await runScript(client, COUNT, ["n"], [1]);
    await client.script("FLUSH");
    expect(await Promise.all([1, 1, 1].map((by) => runScript(client, COUNT, ["n"], [by])))).toEqual([2, 3, 4]);
  });

  test("gets and answers bytes as they are", async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 0xc3, 0x28]);
    const [key, argument, length, nothing] = asArray(await runScript(client, ECHO, ["k"], [bytes]));
    expect(asText(key)).toBe("k");
    expect(asBuffer(argument)).toEqual(bytes);
    expect(asNumber(length)).toBe(bytes.length);
    expect(nothing).toBeNull();
  });

  test("that is at fault says so as an error of our own, with nothing of its text for callers", async () => {
    const faulty = defineScript("FAULTY", "redis.call('SET', KEYS[1], 'x') error('secret ' .. ARGV[1])");
    await expect(runScript(client, faulty, ["k"], ["token"])).rejects.toMatchObject({
      reason: "INTERNAL",
      executed: "unknown",
      message: expect.not.stringContaining("secret"),
    });
  });

  test("that Redis will not run now is not executed", async () => {
    await client.config("SET", "maxmemory", "1");
    const refused = runScript(client, COUNT, ["n"], [1]);
    await expect(refused).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
    await client.config("SET", "maxmemory", "0");
    expect(await client.get("n")).toBeNull();
  });
});

test("replies of another kind than expected are faults, not values", () => {
  expect(() => asArray(1)).toThrow(TypeError);
  expect(() => asArray(undefined)).toThrow(TypeError);
  expect(() => asBuffer(null)).toThrow(TypeError);
  expect(() => asText([])).toThrow(TypeError);
  expect(() => asNumber(Buffer.from("x"))).toThrow(TypeError);
  expect(() => asNumber(Buffer.from("1.5"))).toThrow(TypeError);
  expect(asNumber(Buffer.from("1764000000000"))).toBe(1_764_000_000_000);
});
