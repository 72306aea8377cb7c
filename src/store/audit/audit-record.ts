import type { Executed } from "../../errors/codes.js";
import { asWord, fromWord } from "../../identity/caller-name.js";

/*
 * A record is a line of words with spaces between them: format, event, tenant, the principal's tenant and id, its kind, credential,
 * verb, toolset, tool, call, digest of the arguments, digest of the contract, revision of the documents, rule, outcome, reason, whether
 * the tool ran, milliseconds, node, how many like it were left out. Words are encoded as a caller's name is; an empty one is `-`.
 * A later version may append words. audit.lua writes the same.
 */

const FORMAT = "1";
/** The longest text that a word stands for: what is longer is cut, so that nobody fills the audit by long names. */
const MAX_TEXT = 256;

/**
 * What happened. `call`: a call was admitted. `end`: it ended. `refusal`: something was refused. `change`: a document, a registration or a
 * dead call was changed. `login`: a person began or ended a session, or failed to.
 */
export type AuditEvent = "call" | "end" | "refusal" | "change" | "login";

/** One record of the audit, without its place and time. It never has payloads, nor texts of tools. */
export interface AuditRecord {
  /** A later version may have others. */
  readonly event: string;
  /** The tenant that it concerns: only its auditors see it. */
  readonly tenant: string;
  /** The tenant and the id of the principal that did it. */
  readonly principal: { readonly tenant: string; readonly id: string };
  /** How it proved that; empty where that is not known. */
  readonly kind: string;
  /** The credential's id; empty for nobody's. */
  readonly credential: string;
  readonly verb: string;
  /** On which toolset; of a document, its kind. */
  readonly toolset: string;
  /** Which tool; of a document, its name. */
  readonly tool: string;
  readonly callId: string;
  /** Keyed; empty where there are no arguments. */
  readonly argumentsDigest: string;
  readonly contractDigest: string;
  /** The revision of the documents that decided; 0 where none did. */
  readonly policyRevision: number;
  /** The rule that decided, as `role/agent#/rules/0`. */
  readonly rule: string;
  /** `allowed`, `refused`, or how a call ended. */
  readonly outcome: string;
  /** From the error table. */
  readonly reason: string;
  /** Whether the tool ran; undefined where there is nothing to run, or it has only begun. */
  readonly executed: Executed | undefined;
  /** How long the call took, in milliseconds. */
  readonly tookMs: number;
  readonly nodeId: string;
  /** How many like this one were left out since the last one. */
  readonly omitted: number;
}

/** A record and where it stands. */
export interface PlacedRecord extends AuditRecord {
  readonly id: string;
  /** When it was written, in Unix milliseconds by Redis's clock. */
  readonly atMs: number;
}

/** A record as a line, without the line feed. */
export function writeAuditRecord(record: AuditRecord): string {
  const { event, tenant, principal, kind, credential, verb, toolset, tool, callId } = record;
  const who = [event, tenant, principal.tenant, principal.id, kind, credential];
  const what = [verb, toolset, tool, callId, record.argumentsDigest, record.contractDigest];
  const decided = [record.policyRevision, record.rule, record.outcome, record.reason];
  const rest = [record.executed ?? "", record.tookMs, record.nodeId, record.omitted];
  const words = [...who, ...what, ...decided, ...rest];
  return `${FORMAT} ${words.map((word) => (typeof word === "number" ? String(word) : toWord(word))).join(" ")}`;
}

/** Reads a line; nothing where it is none of a record. */
export function parseAuditRecord(line: string): AuditRecord | undefined {
  const words = line.split(" ");
  if (words[0] !== FORMAT || words.length < 21) return undefined;
  const text = (at: number): string => fromWord(words[at] ?? "-");
  const number = (at: number): number => {
    const value = Number(words[at]);
    return Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  const ran = words[17];
  return {
    event: text(1),
    tenant: text(2),
    principal: { tenant: text(3), id: text(4) },
    kind: text(5),
    credential: text(6),
    verb: text(7),
    toolset: text(8),
    tool: text(9),
    callId: text(10),
    argumentsDigest: text(11),
    contractDigest: text(12),
    policyRevision: number(13),
    rule: text(14),
    outcome: text(15),
    reason: text(16),
    executed: ran === "yes" || ran === "no" || ran === "unknown" ? ran : undefined,
    tookMs: number(18),
    nodeId: text(19),
    omitted: number(20),
  };
}

/** What ADMIT is told of who calls, for the record that it writes. */
export function auditWho(kind: string, credential: string, policyRevision: number, rule: string | undefined): string {
  return `${toWord(kind)} ${toWord(credential)} ${policyRevision} ${toWord(rule ?? "")}`;
}

/** What APPLY_DOCUMENTS is told of who changes documents, for the records that it writes. */
export function auditAuthor(
  { tenant, id, kind }: { readonly tenant: string; readonly id: string; readonly kind: string },
  credential: string,
  nodeId: string,
): string {
  return [tenant, id, kind, credential, nodeId].map(toWord).join(" ");
}

function toWord(text: string): string {
  return asWord(text.length <= MAX_TEXT ? text : text.slice(0, MAX_TEXT));
}
