import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { makeSecretToken, readSecretToken } from "../../../src/access/credentials/secret-token.js";

test("a token that was made is read as what it is", () => {
  for (const kind of ["key", "session"] as const) {
    const { text, ...made } = makeSecretToken(kind, randomBytes);
    expect(text).toMatch(new RegExp(`^tg_${kind}_[a-z0-9]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$`));
    expect(readSecretToken(text)).toEqual(made);
  }
});

test("its form holds at both ends of what is drawn", () => {
  for (const byte of [0, 255]) {
    const { text, hash } = makeSecretToken("key", (size) => Buffer.alloc(size, byte));
    expect(readSecretToken(text)?.hash).toBe(hash);
  }
});

test("with any one character changed, left out or added it is none", () => {
  const { text } = makeSecretToken("key", randomBytes);
  for (let at = 0; at < text.length; at++) {
    const [before, after] = [text.slice(0, at), text.slice(at + 1)];
    const other = text[at] === "a" ? "b" : "a";
    expect(readSecretToken(before + other + after), `character ${at} changed`).toBeUndefined();
    expect(readSecretToken(before + after), `character ${at} left out`).toBeUndefined();
    expect(readSecretToken(`${before}a${text.slice(at)}`), `a character before ${at}`).toBeUndefined();
  }
});

test("what is no token is none, however long", () => {
  for (const text of ["", "tg_", "tg_key_", `tg_key_${"a".repeat(1_000_000)}`, "tg_admin_x", "\0"]) {
    expect(readSecretToken(text)).toBeUndefined();
  }
});

test("ids and secrets do not repeat", () => {
  const made = Array.from({ length: 1_000 }, () => makeSecretToken("key", randomBytes));
  expect(new Set(made.map(({ id }) => id)).size).toBe(1_000);
  expect(new Set(made.map(({ hash }) => hash)).size).toBe(1_000);
});
