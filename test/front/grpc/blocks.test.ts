import { expect, test } from "vitest";
import { BLOCK_BYTES, Blocks } from "../../../src/front/grpc/blocks.js";

const KEPT = 256;
const SLAB = 576;

test("blocks that are in use are apart, each of one size", () => {
  const blocks = new Blocks();
  const taken = Array.from({ length: KEPT + 2 * SLAB + 1 }, () => blocks.take());
  for (const [index, block] of taken.entries()) block.fill(index % 251);
  for (const [index, block] of taken.entries()) {
    expect(block.length).toBe(BLOCK_BYTES);
    expect([block[0], block[BLOCK_BYTES - 1]]).toEqual([index % 251, index % 251]);
  }
});

test("blocks are used again", () => {
  const blocks = new Blocks();
  const places = (some: readonly Buffer[]) => new Set(some.map((one) => `${one.byteOffset}`));
  const first = Array.from({ length: KEPT + 10 }, () => blocks.take());
  for (const block of first.slice(0, -1)) blocks.giveBack(block); // one of the slab is in use still
  const second = Array.from({ length: KEPT + 9 }, () => blocks.take());
  const memory = new Set(first.map((block) => block.buffer));
  expect(second.every((block) => memory.has(block.buffer))).toBe(true);
  expect(places(second).size).toBe(places(first.slice(0, -1)).size);
});

test("memory for many goes when none of it is in use", () => {
  const blocks = new Blocks();
  const taken = Array.from({ length: KEPT + SLAB }, () => blocks.take());
  const slab = taken.at(-1)?.buffer;
  for (const block of taken) blocks.giveBack(block);
  const again = Array.from({ length: KEPT + 1 }, () => blocks.take());
  expect(again.slice(0, KEPT).every((block) => taken.some((one) => one.buffer === block.buffer))).toBe(true);
  expect(again.at(-1)?.buffer).not.toBe(slab);
});
