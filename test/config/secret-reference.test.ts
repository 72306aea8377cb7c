import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";

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

describe("a command", () => {
  const read = (REDIS_URL: string, more: Record<string, string> = {}) =>
    parseConfig({ env: { PATH: environment().PATH, REDIS_URL, ...more } }).redisUrl;
  const node = (script: string): string => `cmd:${JSON.stringify([process.execPath, "-e", script])}`;

  test("gives what it writes, without its line's end", () => {
    expect(read(`cmd:printenv VAULTED`, { VAULTED: URL })).toBe(URL);
    expect(read(`cmd:${JSON.stringify(["printf", "%s\n\n", URL])}`)).toBe(URL);
  });

  test("is started without a shell", async () => {
    const file = join(folder, "by-a-shell");
    for (const line of [
      `printf ${URL}; touch ${file}`,
      `printf $(touch ${file})`,
      `touch ${file} > x`,
      "printf 'a b'",
    ]) {
      expect(() => read(`cmd:${line}`)).toThrow(/REDIS_URL refers to no command/);
    }
    expect(() => read(`cmd:${JSON.stringify(["printf", "%s", `$(touch ${file})`])}`)).toThrow(/must begin with redis/);
    expect(existsSync(file)).toBe(false);
  });

  test.each([
    ["cmd:", /no command/],
    ["cmd:[]", /no command/],
    ['cmd:["printf", 1]', /no command/],
    ["cmd:/nowhere/canary-4711", /cannot be started: ENOENT/],
    [node("console.log('canary-4711'); console.error('canary-4711'); process.exit(3)"), /ended with 3/],
    [node("console.log(' ')"), /wrote nothing/],
    [node("process.stdout.write('canary-4711'.repeat(10_000))"), /over 65536 bytes/],
    [node("process.kill(process.pid, 'SIGKILL')"), /was ended by SIGKILL/],
    [node("console.log('canary-4711')"), /must begin with redis/],
  ])("%s is a fault of its setting, and nothing is shown of it", (reference, why) => {
    const fault = (() => {
      try {
        read(reference);
        return "";
      } catch (error) {
        return String(error);
      }
    })();
    expect(fault).toMatch(why);
    expect(fault).toContain("REDIS_URL");
    expect(fault).not.toContain("canary");
  });

  test("that hangs is ended after five seconds", () => {
    expect(() => read(node("setInterval(() => {}, 1_000)"))).toThrow(/did not end within 5000 ms/);
  }, 30_000);

  test("is run for secret settings alone", () => {
    const file = join(folder, "by-a-setting");
    expect(() => parseConfig({ env: { TOOLGATE_REGISTRY: `cmd:touch ${file}` } })).toThrow(/TOOLGATE_REGISTRY must be/);
    expect(parseConfig({ env: { TOOLGATE_KEYRING_FILE: `cmd:touch ${file}` } }).keyringFile).toContain("cmd:");
    expect(existsSync(file)).toBe(false);
  });
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
