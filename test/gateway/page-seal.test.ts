import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { openPageToken, sealPageToken } from "../../src/catalog/page-token.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { PageSeal } from "../../src/gateway/page-seal.js";

const KEY = Buffer.alloc(32, 7);
const sealOf = (key = KEY) => new PageSeal(async () => key, randomBytes);
const QUESTION = ["calls", "acme"];
const TOKEN = sealPageToken(QUESTION, [0, "c_hidden"]);

test("what one node seals another opens, and its text says nothing", async () => {
  const sealed = await sealOf().seal(TOKEN);
  expect(Buffer.from(sealed, "base64url").toString("latin1")).not.toContain("hidden");
  expect(sealed).not.toContain(TOKEN);
  expect(openPageToken(await sealOf().open(sealed), QUESTION, ["number", "string"])).toEqual([0, "c_hidden"]);
  expect(await sealOf().seal(TOKEN)).not.toBe(sealed);
});

test("a token of an earlier version's node goes on", async () => {
  expect(await sealOf().open(TOKEN)).toBe(TOKEN);
});

test("what was changed, cut, or sealed for another registry is refused", async () => {
  const sealed = await sealOf().seal(TOKEN);
  const bytes = Buffer.from(sealed, "base64url");
  const forged = [...bytes.keys()].slice(1).map((at) => {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    return changed.toString("base64url");
  });
  forged.push(bytes.subarray(0, 20).toString("base64url"), bytes.subarray(0, -1).toString("base64url"));
  forged.push("Ag", `${sealed}${"A".repeat(3_000)}`, await sealOf(Buffer.alloc(32, 8)).seal(TOKEN));
  for (const token of forged) await expect(sealOf().open(token)).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
});

test("a key that could not be had is asked for again", async () => {
  let asked = 0;
  const seal = new PageSeal(async () => {
    if (asked++ === 0) throw new ToolgateError("STORE_UNAVAILABLE", "Redis is away");
    return KEY;
  }, randomBytes);
  await expect(seal.seal(TOKEN)).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
  expect(await seal.open(await seal.seal(TOKEN))).toBe(TOKEN);
  expect(asked).toBe(2);
});
