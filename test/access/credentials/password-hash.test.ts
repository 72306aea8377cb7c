import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { checkPassword, hashPassword, NO_ACCOUNT } from "../../../src/access/credentials/password-hash.js";

test("a password matches its own hash alone, composed or decomposed", async () => {
  const phc = await hashPassword("pässword of ann", randomBytes);
  expect(phc).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await checkPassword("pässword of ann".normalize("NFD"), phc)).toEqual({ matches: true, outdated: false });
  expect(await checkPassword("Pässword of ann", phc)).toEqual({ matches: false, outdated: false });
  expect(await hashPassword("pässword of ann", randomBytes)).not.toBe(phc);
});

test("a hash of a lower cost is checked as it was made, and is to be made anew", async () => {
  // RFC 7914 has no vector for these; made by Python's hashlib.scrypt(b"correct horse", salt=bytes(16), n=1024, r=8, p=1, dklen=32).
  const phc = `$scrypt$ln=10,r=8,p=1$${"A".repeat(22)}$6T3EPrWlvRG/y8+HDJ+XRLH2SiAP9RFvuF7ZslX9Uhw`;
  expect(await checkPassword("correct horse", phc)).toEqual({ matches: true, outdated: true });
});

test("no password matches a hash that is none, or that asks for too much", async () => {
  const [, , , salt, hash] = (await hashPassword("x", randomBytes)).split("$");
  const odd = [
    NO_ACCOUNT,
    "",
    "$scrypt$",
    `$scrypt$ln=30,r=8,p=1$${salt}$${hash}`,
    `$scrypt$ln=15,r=99,p=9$${salt}$${hash}`,
    `$argon2id$v=19$m=65536,t=3,p=4$${salt}$${hash}`,
  ];
  for (const phc of odd) expect((await checkPassword("x", phc)).matches, phc).toBe(false);
});
