import { scrypt, timingSafeEqual } from "node:crypto";

/**
 * Hashes of passwords, as PHC strings (https://github.com/P-H-C/phc-string-format): `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`. What a
 * hash was made with stands in it, so it is checked as it was made, and is made anew at a login when today's cost is higher.
 */

/** What a hash costs: 2^ln × r × 128 bytes of memory, p times. */
interface Cost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** OWASP's second choice of equal strength (N=2^15 is 32 MiB, p=1 below its p=3), chosen so that two at once fit any node; raise it here. */
const COST: Cost = { ln: 15, r: 8, p: 1 };
/** Nobody's document makes a node use more: 128 MiB. */
const HIGHEST: Cost = { ln: 17, r: 8, p: 4 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{22,43})\$([A-Za-z0-9+/]{43})$/;

/** A hash of nothing: it is checked where there is no account, so that this takes the same work. Its salt and hash match no password. */
export const NO_ACCOUNT = `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${"A".repeat(22)}$${"A".repeat(43)}`;

/** Hashes a password, in the thread pool. */
export async function hashPassword(password: string, randomBytes: (size: number) => Buffer): Promise<string> {
  const salt = Buffer.from(randomBytes(SALT_BYTES));
  const hash = await derive(password, salt, COST);
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${base64(salt)}$${base64(hash)}`;
}

/**
 * Checks a password against a hash, in the thread pool.
 *
 * @returns whether it is the password, and whether its hash is to be made anew
 */
export async function checkPassword(
  password: string,
  phc: string,
): Promise<{ readonly matches: boolean; readonly outdated: boolean }> {
  const [, ln, r, p, salt, hash] = PHC.exec(phc) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const known = salt !== undefined && hash !== undefined && isBearable(cost);
  // A hash that cannot be checked is no reason to answer sooner.
  const expected = Buffer.from(known ? hash : "A".repeat(43), "base64");
  const made = await derive(password, Buffer.from(known ? salt : "A".repeat(22), "base64"), known ? cost : COST);
  const matches = timingSafeEqual(made, expected) && known;
  return { matches, outdated: cost.ln < COST.ln || cost.r < COST.r || cost.p < COST.p };
}

function isBearable({ ln, r, p }: Cost): boolean {
  return ln >= 10 && ln <= HIGHEST.ln && r >= 1 && r <= HIGHEST.r && p >= 1 && p <= HIGHEST.p;
}

function derive(password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  const N = 2 ** ln;
  // The same text may come composed or decomposed, as keyboards have it.
  const text = password.normalize("NFC");
  return new Promise((resolve, reject) => {
    scrypt(text, salt, HASH_BYTES, { N, r, p, maxmem: 256 * N * r + 1_048_576 }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

const base64 = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");
