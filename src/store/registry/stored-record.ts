import { type Epoch, parseDigest, parseEpoch, type ToolsetName } from "../../identity/names.js";
import { isToolsetName } from "../../identity/toolset-name.js";
import { type EpochRecord, parseEpochState } from "./toolset-record.js";

/** A toolset's record in the `toolsets` hash. */
export interface ToolsetRecord {
  readonly name: ToolsetName;
  readonly owner: string;
  readonly epochs: readonly EpochRecord[];
}

/** What a record turned out to be; a bad epoch does not make its neighbours bad. */
export type ReadRecord =
  | { readonly kind: "good"; readonly record: ToolsetRecord; readonly badEpochs: readonly string[] }
  | { readonly kind: "bad"; readonly reason: string };

/** A field of the `toolsets` hash: a record's, or a contract's. */
export type ToolsetsField =
  | { readonly kind: "record"; readonly name: string }
  | { readonly kind: "contract"; readonly name: string; readonly epoch: string };

/** Tells the two kinds of fields apart; names have no `@`, and a tenant's toolset has a slash: `acme/files@7`. */
export function readField(field: string): ToolsetsField {
  const at = field.lastIndexOf("@");
  if (at === -1) return { kind: "record", name: field };
  return { kind: "contract", name: field.slice(0, at), epoch: field.slice(at + 1) };
}

/** The field of an epoch's contract in `toolsets`, and of its health in `health`. */
export function epochField(toolset: string, epoch: Epoch): string {
  return `${toolset}@${epoch}`;
}

/** Reads a record, and trusts nothing in it: another version, or a person, may have written it. */
export function readRecord(field: string, text: string): ReadRecord {
  if (!isToolsetName(field)) return { kind: "bad", reason: "its name is not a toolset's name" };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "bad", reason: "its record is not JSON" };
  }
  if (!isObject(value)) return { kind: "bad", reason: "its record is not an object" };
  if (value.name !== field) return { kind: "bad", reason: "its record is of another name" };
  const listed = listOfEpochs(value.epochs);
  if (listed === undefined) return { kind: "bad", reason: "its epochs are not a list" };
  const epochs: EpochRecord[] = [];
  const badEpochs: string[] = [];
  for (const item of listed) {
    const epoch = readEpoch(item);
    if (typeof epoch === "string") badEpochs.push(epoch);
    else epochs.push(epoch);
  }
  const owner = typeof value.owner === "string" ? value.owner : "";
  return { kind: "good", record: { name: field, owner, epochs }, badEpochs };
}

/** Lua writes an empty list as an empty object. */
function listOfEpochs(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value;
  return isObject(value) && Object.keys(value).length === 0 ? [] : undefined;
}

/** An epoch, or what is wrong with it. */
function readEpoch(value: unknown): EpochRecord | string {
  if (!isObject(value)) return "an epoch is not an object";
  const { epoch, digest, version, state } = value;
  if (typeof epoch !== "number" || !Number.isSafeInteger(epoch) || epoch < 1) return "an epoch's number is malformed";
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/.test(digest)) return `the digest of epoch ${epoch} is malformed`;
  if (typeof version !== "string") return `the version of epoch ${epoch} is missing`;
  if (typeof state !== "string") return `the state of epoch ${epoch} is missing`;
  return {
    epoch: parseEpoch(epoch, "epoch"),
    digest: parseDigest(digest, "digest"),
    version,
    state: parseEpochState(state),
    registeredAtMs: numberOr(value.registeredAtMs, 0),
    activateAt: numberOr(value.activateAt, 0.5),
    maxBacklog: numberOr(value.maxBacklog, 0),
    retentionMs: numberOr(value.retentionMs, 0),
    retireAfterMs: numberOr(value.retireAfterMs, 0),
    retireAtMs: numberOr(value.retireAtMs, 0),
  };
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
