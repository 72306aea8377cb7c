import { createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { ArgumentsDigest } from "../../../src/access/audit/arguments-digest.js";

test.each([0, 1, 63, 64, 1_000, 4_096, 4_097, 100_000])("is HMAC-SHA-256 of %i bytes, and says its key", (size) => {
  const [key, payload] = [randomBytes(32), randomBytes(size)];
  const digest = new ArgumentsDigest({ keyId: "k1", key });
  const expected = createHmac("sha256", key).update(payload).digest("base64url");
  expect(digest.of(randomBytes(500))).not.toBe(`k1.${expected}`);
  expect(digest.of(payload)).toBe(`k1.${expected}`);
});
