import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { InflateTurns } from "../../src/server/inflate-turns.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();

const MiB = 1_048_576;
const LARGE = gzipSync(Buffer.alloc(4 * MiB));
const SMALL = gzipSync(Buffer.from("small"));
const wanted = (): boolean => true;

test("messages of one connection do not hold up those of another", async () => {
  const turns = new InflateTurns(8 * MiB);
  const [greedy, modest] = [{}, {}];
  const order: string[] = [];
  const large = Array.from({ length: 20 }, async () => {
    await turns.inflate(greedy, LARGE, "gzip", wanted);
    order.push("large");
  });
  expect((await turns.inflate(modest, SMALL, "gzip", wanted)).toString()).toBe("small");
  order.push("small");
  await Promise.all(large);
  // Two were under way, and those that got their turns as these ended.
  expect(order.indexOf("small")).toBeLessThan(8);
});

test("what is not wanted any more, and what a connection leaves behind, is not inflated", async () => {
  const turns = new InflateTurns(8 * MiB);
  const [one, gone] = [{}, {}];
  const inflated: string[] = [];
  const ask = (connection: object, name: string, stillWanted = true) =>
    void turns.inflate(connection, LARGE, "gzip", () => stillWanted).then(() => inflated.push(name));
  ask(one, "first");
  ask(one, "second");
  ask(one, "unwanted", false);
  ask(gone, "left");
  ask(one, "last");
  turns.forget(gone);
  await until("the last one is inflated", () => inflated.includes("last"));
  expect(inflated.sort()).toEqual(["first", "last", "second"]);
});
