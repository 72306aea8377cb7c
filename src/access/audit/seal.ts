import { createHash, hash } from "node:crypto";
import type { AuditEntry } from "../../store/audit/read-audit.js";
import type { NewSeal, SealHead } from "../../store/audit/seal-audit.js";
import type { KeyRing, Signature } from "../secrets/key-ring.js";

/*
 * A seal covers the entries of a shard's day that were written since the seal before it. It is a line of words: format, number, hash of the
 * seal before, the entry behind which it begins, the last one that it covers, how many records, their root, its own hash, the id of the key
 * that signed it and the signature (or two `-`); and a second line with each entry's id and the beginnings of its records' digests.
 *
 * A record's digest is SHA-256 over its place and its line, the root over all digests, and the seal's hash over the shard, the day, the
 * words before it and the second line. So a change of one byte changes all that follows, and the second line says where it was.
 */

const FORMAT = "1";
/** What stands for the hash before the first seal. */
const NONE = "-";
const PURPOSE = "audit seal";
/** How much of a record's digest the second line has, in bytes and in characters of base64url. */
const MARK_BYTES = 6;
export const MARK_CHARACTERS = 8;

/** What one seal says. */
export interface Seal {
  readonly number: number;
  /** The hash of the seal before; `-` for none. */
  readonly before: string;
  readonly after: string;
  readonly last: string;
  readonly records: number;
  readonly root: string;
  readonly hash: string;
  readonly signature: Signature | undefined;
  /** The covered entries, each with the beginnings of its records' digests. */
  readonly entries: readonly SealedEntry[];
  readonly marks: string;
}

/** An entry as a seal remembers it. */
export interface SealedEntry {
  readonly id: string;
  /** The beginnings of its records' digests, without anything between them. */
  readonly marks: string;
}

/** The digests of an entry's records, 32 bytes each, one after the other. */
export function recordDigests({ id, text }: Pick<AuditEntry, "id" | "text">): Buffer {
  return Buffer.concat(text.split("\n").map((line, index) => hash("sha256", `${id}.${index}\n${line}`, "buffer")));
}

/** The beginnings of digests, as a seal has them. */
export function marksOf(digests: Buffer): string {
  let marks = "";
  for (let at = 0; at < digests.length; at += 32) marks += digests.toString("base64url", at, at + MARK_BYTES);
  return marks;
}

/**
 * Makes a seal.
 *
 * @param shard the shard's prefix: a seal of another shard is none of this one.
 * @param entries what it covers; at least one, seals among them are passed over.
 */
export function makeSeal(
  shard: string,
  day: number,
  before: SealHead,
  after: string,
  entries: readonly AuditEntry[],
  keyRing: KeyRing | undefined,
): NewSeal {
  const covered = entries.filter(({ kind }) => kind !== "seal");
  const digests = covered.map(recordDigests);
  const marks = covered.map(({ id }, index) => `${id}:${marksOf(digests[index] ?? Buffer.alloc(0))}`).join(" ");
  const records = digests.reduce((sum, { length }) => sum + length / 32, 0);
  const number = before.number + 1;
  const last = entries.at(-1)?.id ?? after;
  const own = {
    number,
    before: before.number === 0 ? NONE : before.hash,
    after,
    last,
    records,
    root: rootOf(digests),
    marks,
  };
  const sealHash = hashOf(shard, day, own);
  const { keyId, mac } = keyRing?.sign(PURPOSE, sealHash) ?? { keyId: NONE, mac: NONE };
  const words = [FORMAT, number, own.before, after, last, records, own.root, sealHash, keyId, mac];
  return { day, before, after, last, own: { number, hash: sealHash }, text: `${words.join(" ")}\n${marks}` };
}

/** Reads a seal; nothing where it is not of this form. */
export function parseSeal(text: string): Seal | undefined {
  const [line = "", marks = ""] = text.split("\n");
  const [format, number, before, after, last, records, root, sealHash, keyId, mac] = line.split(" ");
  if (format !== FORMAT || before === undefined || after === undefined || last === undefined) return undefined;
  if (root === undefined || sealHash === undefined || keyId === undefined || mac === undefined) return undefined;
  const entries = marks.split(" ").flatMap((entry) => {
    const [id = "", own = ""] = entry.split(":");
    return id === "" ? [] : [{ id, marks: own }];
  });
  const signature = keyId === NONE ? undefined : { keyId, mac };
  return {
    number: Number(number),
    before,
    after,
    last,
    records: Number(records),
    root,
    hash: sealHash,
    signature,
    entries,
    marks,
  };
}

/** The root of records' digests. */
export function rootOf(digests: readonly Buffer[]): string {
  const root = createHash("sha256");
  for (const each of digests) root.update(each);
  return root.digest("base64url");
}

/** Whether a seal is what its node wrote, as far as that can be known by itself. */
export function checkSeal(
  shard: string,
  day: number,
  seal: Seal,
  keyRing: KeyRing | undefined,
): "valid" | "changed" | "unsigned" | "unknown key" {
  if (hashOf(shard, day, seal) !== seal.hash) return "changed";
  if (keyRing === undefined) return "valid";
  if (seal.signature === undefined) return "unsigned";
  const verdict = keyRing.verify(PURPOSE, seal.hash, seal.signature);
  return verdict === "invalid" ? "changed" : verdict;
}

function hashOf(
  shard: string,
  day: number,
  seal: Pick<Seal, "number" | "before" | "after" | "last" | "records" | "root" | "marks">,
): string {
  const { number, before, after, last, records, root, marks } = seal;
  const said = `toolgate audit ${FORMAT} ${shard} ${day} ${number} ${before} ${after} ${last} ${records} ${root}\n${marks}`;
  return hash("sha256", said, "base64url" as const);
}
