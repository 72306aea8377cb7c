import { describe, expect, test } from "vitest";
import { type Epoch, parseToolsetName } from "../../../src/identity/names.js";
import { decodePings, emitPings, encodePings } from "../../../src/store/registry/ping-slot.js";
import { redisForFile } from "../../support/redis.js";
import { expectWithin, spanOf } from "../../support/redis-span.js";
import { keys, registryStore } from "./registry-fixture.js";

const redis = redisForFile();

const target = (name: string, epoch: number) => ({ toolset: parseToolsetName(name, "name"), epoch: epoch as Epoch }); // a made-up one

describe("a slot's message", () => {
  test("names each epoch to ping, and comes back as it was", () => {
    const targets = [target("math", 1), target("a.b_c-d", Number.MAX_SAFE_INTEGER), target("x".repeat(128), 7)];
    expect(decodePings(Buffer.from(encodePings(88_200_000, targets)))).toEqual({ slot: "88200000", targets });
  });

  test("without targets names none", () => {
    expect(decodePings(Buffer.from(encodePings(3, [])))).toEqual({ slot: "3", targets: [] });
  });
});

test("a slot stays taken longer than a command can be under way", async () => {
  const client = redis().client();
  const store = registryStore(client);
  const { value: first, ...span } = await spanOf(client, () =>
    emitPings(store, keys, 7, "a", 100, [target("math", 1)]),
  );
  expect(first).toBe(true);
  expect(await emitPings(store, keys, 7, "b", 100, [target("math", 1)])).toBe(false);
  expectWithin(await client.pexpiretime(keys.slot(7)), span, 2 * 100 + 60_000);
});
