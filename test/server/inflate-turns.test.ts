import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { InflateTurns } from "../../src/server/inflate-turns.js";
import { expectNoLeaks } from "../support/leaks.js";
import { until } from "../support/until.js";

expectNoLeaks();

const MiB = 1_048_576;
const LARGE = gzipSync(Buffer.alloc(4 * MiB));
const SMALL = gzipSync(Buffer.from("small"));

test("messages of one connection do not hold up those of another", async () => {
  const turns = new InflateTurns(8 * MiB);
  const [greedy, modest] = [{}, {}];
  const order: string[] = [];
  const large = Array.from({ length: 20 }, async () => {
    await turns.inflate(greedy, {}, LARGE, "gzip");
    order.push("large");
  });
  expect((await turns.inflate(modest, {}, SMALL, "gzip")).toString()).toBe("small");
  order.push("small");
  await Promise.all(large);
  // Two were under way, and those that got their turns as these ended.
  expect(order.indexOf("small")).toBeLessThan(8);
});

test("what a stream leaves behind is let go of at once, and not inflated", async () => {
  const turns = new InflateTurns(8 * MiB);
  const [one, other] = [{}, {}];
  const [stays, gone, elsewhere] = [{}, {}, {}];
  const inflated: string[] = [];
  const ask = (connection: object, stream: object, name: string) =>
    void turns.inflate(connection, stream, LARGE, "gzip").then(() => inflated.push(name));
  ask(one, stays, "first");
  ask(one, stays, "second");
  for (let index = 0; index < 10; index++) ask(one, gone, "left");
  ask(other, elsewhere, "left, too");
  ask(one, stays, "last");
  expect(turns.waiting).toBe(12);
  turns.forget(one, gone);
  expect(turns.waiting).toBe(2);
  turns.forget(other, elsewhere);
  turns.forget(other, elsewhere);
  expect(turns.waiting).toBe(1);
  await until("the last one is inflated", () => inflated.includes("last"));
  expect(inflated.sort()).toEqual(["first", "last", "second"]);
});
