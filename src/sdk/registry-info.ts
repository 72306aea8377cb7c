import { ToolgateError } from "../errors/toolgate-error.js";
import type { GetRegistryResponse__Output } from "../protocol/generated/toolgate/v1/GetRegistryResponse.js";

/** What a registry accepts; the same on all of its nodes. Sizes are in bytes, times in milliseconds. */
export interface RegistryLimits {
  /** The largest payload of a call. */
  readonly maxPayloadBytes: number;
  /** The largest result of a call. */
  readonly maxResultBytes: number;
  /** The largest gRPC message, in either direction. */
  readonly maxMessageBytes: number;
  /** How much output one call may have in all. */
  readonly maxOutputBytes: number;
  /** How many pieces of output one call may have. */
  readonly maxDeltas: number;
  /** How long a call may take when its caller does not say. */
  readonly defaultTimeoutMs: number;
  /** How long a call may take at most. */
  readonly maxTimeoutMs: number;
  /** The largest contract, as canonical JSON. */
  readonly maxContractBytes: number;
  /** The largest schema of a tool. */
  readonly maxSchemaBytes: number;
}

/** A registry, and the node that answered for it. */
export interface RegistryInfo {
  /** The registry's name: nodes of one name on one Redis are one cluster. */
  readonly name: string;
  /** The node that answered. */
  readonly nodeId: string;
  /** That node's version of Toolgate. */
  readonly version: string;
  readonly limits: RegistryLimits;
  /** The registry's nodes as of a few seconds ago, with their versions; empty where the node is older than 0.2. */
  readonly nodes: readonly { readonly nodeId: string; readonly version: string }[];
}

/** What the wire says of a registry. @throws ToolgateError INTERNAL */
export function readRegistry(answer: GetRegistryResponse__Output): RegistryInfo {
  const { registry, nodeId, version, limits, nodes } = answer;
  if (limits === null) throw new ToolgateError("INTERNAL", "The node answered without the registry's limits.");
  return { name: registry, nodeId, version, limits, nodes };
}
