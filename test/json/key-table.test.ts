import { expect, test } from "vitest";
import { KeyTable } from "../../src/json/key-table.js";

/** The table's own hash, spelled again: a key that collides on purpose can only be made by knowing it. */
function slotOf(key: string, slots: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash ^= hash >>> 15;
  return hash & (slots - 1);
}

function enter(table: KeyTable, key: string, object: number) {
  const bytes = Buffer.from(key);
  return table.enter(bytes, 0, bytes.length, object);
}

test("gives up on keys that were made to collide, instead of probing for ever", () => {
  const colliding: string[] = [];
  for (let index = 0; colliding.length < 400; index++)
    if (slotOf(`k${index}`, 2_048) === 7) colliding.push(`k${index}`);
  const table = new KeyTable();
  table.reset(1_000_000);
  const outcomes = new Set(colliding.map((key) => enter(table, key, 1)));
  expect(outcomes).toEqual(new Set(["new", "full"]));
});

test("never runs out of probes for honest keys, however often they come", () => {
  const table = new KeyTable();
  table.reset(20_000);
  const outcomes = new Set<string>();
  for (let object = 1; object <= 50; object++) {
    const mark = table.mark;
    for (let key = 0; key < 20_000; key++) outcomes.add(enter(table, `key-${key}`, object));
    table.close(mark);
  }
  expect(outcomes).toEqual(new Set(["new"]));
});

test("holds as many keys as it may and not one more", () => {
  const table = new KeyTable();
  table.reset(2);
  expect([enter(table, "a", 1), enter(table, "b", 1), enter(table, "a", 2), enter(table, "c", 2)]).toEqual([
    "new",
    "new",
    "new",
    "full",
  ]);
});
