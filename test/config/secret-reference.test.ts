import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-secret-"));
});
afterAll(() => rm(folder, { recursive: true }));

const URL = "redis://:canary-4711@127.0.0.1:6390";

test("a secret may stand in a file or in another variable", async () => {
  const file = join(folder, "url");
  await writeFile(file, `${URL}\n`);
  expect(parseConfig({ env: { REDIS_URL: `file:${file}` } }).redisUrl).toBe(URL);
  expect(parseConfig({ env: { REDIS_URL: "env:VAULTED", VAULTED: URL } }).redisUrl).toBe(URL);
  expect(parseConfig({ env: { TOOLGATE_LOCK_REDIS_URLS: "env:LOCKS", LOCKS: URL } }).lockRedisUrls).toBe(URL);
  expect(parseConfig({ env: {}, flags: { redisUrl: `file:${file}` } }).redisUrl).toBe(URL);
});

test("a reference that leads to nothing is a fault of its setting, and what is read is not shown", async () => {
  await writeFile(join(folder, "empty"), " \n");
  await writeFile(join(folder, "wrong"), "canary-4711 is no url");
  await writeFile(join(folder, "large"), "x".repeat(65_537));
  const faultOf = (REDIS_URL: string): string => {
    try {
      parseConfig({ env: { REDIS_URL, CANARY: "canary-4711" } });
      return "";
    } catch (error) {
      return String(error);
    }
  };
  expect(faultOf(`file:${folder}/missing`)).toContain("REDIS_URL refers to a file that cannot be read: ENOENT");
  expect(faultOf(`file:${folder}/empty`)).toContain("is empty");
  expect(faultOf(`file:${folder}/large`)).toContain("over 65536 bytes");
  expect(faultOf("env:MISSING")).toContain("refers to the variable MISSING, which is not set");
  expect(faultOf("env:not a name")).toContain("refers to no variable");
  for (const reference of [`file:${folder}/wrong`, "env:CANARY"]) {
    expect(faultOf(reference)).toContain("REDIS_URL");
    expect(faultOf(reference)).not.toContain("canary");
  }
});
