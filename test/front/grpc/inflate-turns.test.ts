import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { InflateTurns } from "../../../src/front/grpc/inflate-turns.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";

expectNoLeaks();

const MiB = 1_048_576;
const LARGE = gzipSync(Buffer.alloc(4 * MiB));
const SMALL = gzipSync(Buffer.from("small"));

test("messages of one connection do not hold up those of another", async () => {
  const turns = new InflateTurns(8 * MiB);
  const [greedy, modest] = [{}, {}];
  const order: string[] = [];
  const large = Array.from({ length: 20 }, async () => {
    const { letGo } = await turns.inflate(greedy, {}, LARGE, "gzip");
    order.push("large");
    letGo();
  });
  expect((await turns.inflate(modest, {}, SMALL, "gzip")).message.toString()).toBe("small");
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
    void turns.inflate(connection, stream, LARGE, "gzip").then(({ letGo }) => {
      inflated.push(name);
      letGo();
    });
  ask(one, stays, "first");
  ask(one, stays, "second");
  for (let index = 0; index < 10; index++) ask(one, gone, "left");
  ask(other, elsewhere, "left, too");
  ask(one, stays, "last");
  ask(other, elsewhere, "left as well");
  // One of each connection is under way.
  expect(turns.waiting).toBe(13);
  turns.forget(one, gone);
  expect(turns.waiting).toBe(3);
  turns.forget(other, elsewhere);
  turns.forget(other, elsewhere);
  expect(turns.waiting).toBe(2);
  await until("the last one is inflated", () => inflated.includes("last"));
  await until("that is all", () => inflated.length === 4);
  expect(inflated.sort()).toEqual(["first", "last", "left, too", "second"]);
});

test("a connection has one large message inflated and not looked at, however long that takes; others' turns go on", async () => {
  const turns = new InflateTurns(8 * MiB);
  const [one, other] = [{}, {}];
  const letGo: (() => void)[] = [];
  const inflate = (connection: object) =>
    turns.inflate(connection, {}, LARGE, "gzip").then((inflated) => letGo.push(inflated.letGo));
  const own = Array.from({ length: 3 }, () => inflate(one));
  await Promise.race(own);
  // Were a second one let in, it would be inflated before those of the other connection.
  for (let i = 0; i < 4; i++) {
    await inflate(other);
    letGo.pop()?.();
  }
  expect([letGo.length, turns.waiting]).toEqual([1, 2]);
  letGo[0]?.();
  letGo[0]?.();
  await Promise.all([own[0], own[1]]);
  for (let i = 0; i < 4; i++) {
    await inflate(other);
    letGo.pop()?.();
  }
  expect([letGo.length, turns.waiting], "it was let go of once").toEqual([2, 1]);
  letGo[1]?.();
  await Promise.all(own);
  expect(letGo).toHaveLength(3);
});

test("small messages, and those that cannot be inflated, keep no other of their connection waiting", async () => {
  const turns = new InflateTurns(8 * MiB);
  const one = {};
  for (let i = 0; i < 3; i++) {
    await turns.inflate(one, {}, SMALL, "gzip");
    await expect(turns.inflate(one, {}, Buffer.from("none"), "gzip")).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
    });
  }
  expect((await turns.inflate(one, {}, LARGE, "gzip")).message).toHaveLength(4 * MiB);
});
