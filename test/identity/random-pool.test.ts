import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { pooledRandomBytes } from "../../src/identity/random-pool.js";

test("hands out each byte once, whatever sizes are asked for, and draws seldom", () => {
  const drawn: Buffer[] = [];
  const random = pooledRandomBytes((size) => {
    const bytes = randomBytes(size);
    drawn.push(bytes);
    return bytes;
  });
  const ids = Array.from({ length: 1_000 }, (_, index) => random(index % 2 === 0 ? 16 : 24));
  expect(ids.map(({ length }) => length).slice(0, 3)).toEqual([16, 24, 16]);
  expect(new Set(ids.map((id) => id.toString("hex"))).size).toBe(1_000);
  expect(drawn.length).toBeLessThan(10);
});

test("draws what is larger than the pool by itself", () => {
  const random = pooledRandomBytes(randomBytes);
  random(16);
  expect(random(10_000)).toHaveLength(10_000);
  expect(random(16)).toHaveLength(16);
});
