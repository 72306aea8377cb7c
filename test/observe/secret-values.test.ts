import { describe, expect, test } from "vitest";
import { createLogger } from "../../src/observe/logger.js";
import { SecretValues } from "../../src/observe/secret-values.js";

const PASSWORD = "correct horse battery 4711";
const KEY = `tg_key_abcdefghijkl_${"S3cret".repeat(7)}x_a1b2c3`;
const JWT = `eyJ${"a".repeat(20)}.${"b".repeat(40)}.${"c".repeat(40)}`;

/** What a logger at its most talkative level writes of fields. */
function written(fields: object): string {
  const secrets = new SecretValues();
  secrets.add(PASSWORD);
  let lines = "";
  const log = createLogger({ level: "trace", to: { write: (line) => (lines += line) }, secrets });
  for (const at of ["debug", "info", "warn", "error"] as const) log[at]({ event: "x", ...fields });
  return lines;
}

describe("a secret is in no line, wherever it stands", () => {
  test.each([PASSWORD, KEY, JWT, `Bearer ${KEY}`, "Basic dXNlcjpjYW5hcnk0NzEx"])("%s", (secret) => {
    const error = new Error(`failed with ${secret}`, { cause: new Error(secret) });
    const cut = "x".repeat(2_040) + secret;
    const lines = written({
      text: `a ${secret} b`,
      deep: { list: [secret] },
      error,
      cut,
      url: `http://h/?k=${encodeURI(secret)}`,
      message: secret,
    });
    for (const part of [secret.slice(-12), secret.slice(-30, -12)]) expect(lines).not.toContain(part);
    expect(lines).toContain("[hidden]");
  });
});

test("the id of a key may be read", () => {
  expect(new SecretValues().redact(`key ${KEY} is gone`)).toBe("key tg_key_abcdefghijkl_[hidden] is gone");
});

test("short texts are no secrets, and the number of values is bounded", () => {
  const secrets = new SecretValues();
  secrets.add("short");
  secrets.add("the-first-secret");
  for (let i = 0; i < 256; i++) secrets.add(`secret-number-${i}`);
  expect(secrets.redact("short the-first-secret secret-number-7,")).toBe("short the-first-secret [hidden],");
});

test("of a very long value its beginning is hidden", () => {
  const secrets = new SecretValues();
  secrets.add("s".repeat(10_000));
  expect(secrets.redact(`a ${"s".repeat(10_000)}`).length).toBeLessThan(10_000);
});
