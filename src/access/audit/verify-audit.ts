import type { TimeSlice } from "../../async/time-slice.js";
import type { TenantName } from "../../identity/tenant.js";
import type { ShardKeys } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { DAY_MS } from "../../store/audit/audit-stream.js";
import { type AuditEntry, compareEntries, FIRST, readAudit, readAuditState } from "../../store/audit/read-audit.js";
import type { KeyRing } from "../secrets/key-ring.js";
import { checkSeal, MARK_CHARACTERS, marksOf, parseSeal, recordDigests, rootOf, type Seal } from "./seal.js";

/** Where the audit is not what was written. */
export interface AuditFault {
  /** The record, the entry or the seal: `<entry>.<shard>.<line>`, `<entry>.<shard>`, or `seal <number>.<shard>`. */
  readonly id: string;
  readonly message: string;
}

/** What was found. */
export interface AuditVerdict {
  /** How many records of the tenant were looked at. */
  readonly records: number;
  /** The first hundred. */
  readonly faults: readonly AuditFault[];
  /** The latest record that is sealed; empty where none is. */
  readonly sealedUntil: string;
}

export interface VerifySettings {
  readonly redis: RedisClient;
  readonly shards: readonly ShardKeys[];
  readonly keyRing: KeyRing | undefined;
  readonly slice: TimeSlice;
}

const MAX_FAULTS = 100;
/** How many entries are read at once. */
const PAGE = 100;

/**
 * Looks whether the audit is what was written: recomputes each record's digest and each seal, and follows the chain of the seals. A record
 * that was changed, removed or added is named, and so is a seal. What no seal covers yet is only counted.
 *
 * Without a key ring the seals are not signed: who can write to Redis can then make the whole chain anew, and that is not found.
 *
 * @param tenant whose records are counted; faults are those of all.
 * @param fromMs from the day on that this is in, in Unix milliseconds.
 * @throws ToolgateError STORE_UNAVAILABLE; the signal's reason
 */
export async function verifyAudit(
  settings: VerifySettings,
  tenant: TenantName,
  fromMs: number,
  signal: AbortSignal,
): Promise<AuditVerdict> {
  const found = new Findings(tenant);
  for (const keys of settings.shards) await verifyShard(settings, keys, fromMs, signal, found);
  return found;
}

class Findings implements AuditVerdict {
  records = 0;
  readonly faults: AuditFault[] = [];
  sealedUntil = "";
  readonly #mark: string;

  constructor(tenant: TenantName) {
    this.#mark = ` ${tenant} `;
  }

  count({ text }: AuditEntry): void {
    for (const line of text.split("\n")) {
      // The third word.
      const at = line.indexOf(" ", line.indexOf(" ") + 1);
      if (line.startsWith(this.#mark, at)) this.records++;
    }
  }

  fault(id: string, message: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ id, message });
  }

  sealed(id: string): void {
    if (this.sealedUntil === "" || compareEntries(id, this.sealedUntil) > 0) this.sealedUntil = id;
  }
}

/** An entry that waits for the seal that covers it. */
interface Pending {
  readonly id: string;
  readonly digests: Buffer;
}

/** A seal as the chain needs it. */
interface Link {
  readonly number: number;
  readonly before: string;
  readonly hash: string;
}

async function verifyShard(
  { redis, keyRing, slice }: VerifySettings,
  keys: ShardKeys,
  fromMs: number,
  signal: AbortSignal,
  found: Findings,
): Promise<void> {
  const { days, begin, head } = await readAuditState(redis, keys);
  const links: Link[] = [];
  const at = (id: string): string => `${id}.${keys.shard}`;
  for (const { day, sealedTo } of days) {
    if ((day + 1) * DAY_MS <= fromMs) continue;
    let pending: Pending[] = [];
    let covered = FIRST;
    let begun = false;
    for (let after = FIRST; ; ) {
      signal.throwIfAborted();
      const page = await readAudit(redis, keys, day, after, "+", PAGE);
      for (const entry of page) {
        if (slice.over()) await slice.next();
        after = entry.id;
        if (entry.kind === "strange") found.fault(at(entry.id), "no node has written this entry");
        if (entry.kind !== "seal") {
          if (entry.kind === "records") found.count(entry);
          pending.push({ id: entry.id, digests: recordDigests(entry) });
          continue;
        }
        const seal = parseSeal(entry.text);
        if (seal === undefined) {
          found.fault(at(entry.id), "this seal cannot be read");
          continue;
        }
        const name = `seal ${seal.number}.${keys.shard}`;
        const verdict = checkSeal(keys.prefix, day, seal, keyRing);
        if (verdict !== "valid") found.fault(name, SEAL_FAULTS[verdict]);
        links.push(seal);
        // What was dropped to make room may have been covered by it.
        const mayLack = (id: string): boolean => compareEntries(id, begin) < 0;
        if (begun && seal.after !== covered)
          found.fault(name, `it begins behind ${seal.after}, and the one before it ends at ${covered}`);
        if (!begun && seal.after !== FIRST && !mayLack(seal.after))
          found.fault(name, `what comes before ${seal.after} is sealed by none`);
        const own = pending.filter(({ id }) => compareEntries(id, seal.last) <= 0);
        pending = pending.slice(own.length);
        compare(seal, own, mayLack, at, found);
        begun = true;
        covered = seal.last;
        found.sealed(seal.last);
      }
      if (page.length < PAGE) break;
    }
    if (compareEntries(sealedTo, covered) > 0 && !(compareEntries(sealedTo, begin) < 0)) {
      found.fault(at(sealedTo), `the day was sealed up to here, and its seals end at ${covered}`);
    }
    for (const { id } of pending) {
      if (compareEntries(id, sealedTo) <= 0)
        found.fault(at(id), "the day was sealed up to behind this, and no seal covers it");
    }
  }
  verifyChain(links, keys, head, found);
}

const SEAL_FAULTS = {
  changed: "it is not what was written: it was changed, or signed by another key of this id",
  unsigned: "it is not signed: it was written by a node without the key ring, or by others",
  "unknown key": "it is signed with a key that the key ring does not have",
} as const;

/** What a seal remembers against what is there. */
function compare(
  seal: Seal,
  there: readonly Pending[],
  mayLack: (id: string) => boolean,
  at: (id: string) => string,
  found: Findings,
): void {
  const byId = new Map(there.map((entry) => [entry.id, entry]));
  const sealed = new Set<string>();
  let whole = true;
  let faults = 0;
  for (const { id, marks } of seal.entries) {
    sealed.add(id);
    const entry = byId.get(id);
    if (entry === undefined) {
      whole = false;
      if (mayLack(id)) continue;
      for (let line = 0; line < marks.length / MARK_CHARACTERS; line++)
        found.fault(`${at(id)}.${line}`, "this record was removed");
      faults++;
      continue;
    }
    const now = marksOf(entry.digests);
    if (now === marks) continue;
    faults++;
    for (let from = 0; from < Math.max(now.length, marks.length); from += MARK_CHARACTERS) {
      const [former, current] = [marks.slice(from, from + MARK_CHARACTERS), now.slice(from, from + MARK_CHARACTERS)];
      const what = former === "" ? "added" : current === "" ? "removed" : "changed";
      if (former !== current) found.fault(`${at(id)}.${from / MARK_CHARACTERS}`, `this record was ${what}`);
    }
  }
  for (const { id } of there) {
    if (sealed.has(id)) continue;
    faults++;
    found.fault(at(id), "this entry was added");
  }
  if (whole && faults === 0 && rootOf(there.map(({ digests }) => digests)) !== seal.root) {
    found.fault(at(seal.last), `the records from ${seal.after} to here are not those that were sealed`);
  }
}

/** Each seal names the one before. Where the first ones have expired, the chain begins later. */
function verifyChain(
  links: Link[],
  keys: ShardKeys,
  head: { readonly number: number; readonly hash: string },
  found: Findings,
): void {
  links.sort((one, other) => one.number - other.number);
  for (const [index, link] of links.entries()) {
    const before = links[index - 1];
    const name = `seal ${link.number}.${keys.shard}`;
    if (before === undefined) continue;
    if (link.number === before.number) found.fault(name, "there are two of this number: the chain was begun anew");
    else if (link.number !== before.number + 1)
      found.fault(name, `the one before it is missing: the last one that is there is ${before.number}`);
    else if (link.before !== before.hash) found.fault(name, "it does not follow the one before it");
  }
  // More may have been written since it was asked for.
  const last = links.find(({ number }) => number === head.number);
  if (head.number > 0 && links.length > 0 && last?.hash !== head.hash) {
    found.fault(`seal ${head.number}.${keys.shard}`, "it was the last one, and is not there");
  }
}
