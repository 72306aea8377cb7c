import { hash } from "node:crypto";
import { invalidField, type ToolsetName } from "./names.js";

declare const brand: unique symbol;

/** A call's id: opaque to callers. It carries the call's shard, so that any node finds the record. */
export type CallId = string & { readonly [brand]: "CallId" };

const CALL_ID = /^[0-9a-z]{1,3}\.[A-Za-z0-9_-]{22}$/;

/** A call id from outside. */
export function parseCallId(text: string, field = "call_id"): CallId {
  if (!CALL_ID.test(text)) throw invalidField(field, "must be a call's id, as it came when the call was made");
  return text as CallId; // the pattern has just vouched for the brand
}

const make = (shard: number, bytes: Buffer): CallId => `${shard.toString(36)}.${bytes.toString("base64url")}` as CallId; // the one maker of the brand

/** An id that cannot be guessed, for a call without ids of its own. */
export function randomCallId(shard: number, randomBytes: (size: number) => Buffer): CallId {
  return make(shard, randomBytes(16));
}

/**
 * The id of a call whose agent gave both ids: a repeat comes to the same record. The tenant is part of it, so that one
 * tenant can neither find nor block another one's calls; and so is the toolset, on which the shard depends: the same ids on
 * another toolset are another call, however many shards there are.
 */
export function derivedCallId(
  shard: number,
  tenant: string,
  toolset: ToolsetName,
  runId: string,
  toolCallId: string,
): CallId {
  const seed = JSON.stringify([tenant, toolset, runId, toolCallId]);
  return make(shard, hash("sha256", seed, "buffer").subarray(0, 16));
}
