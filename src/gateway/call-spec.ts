import { hash } from "node:crypto";
import type { Digest, ToolName, ToolsetName } from "../identity/names.js";
import type { CallMeta } from "./call-meta.js";

/** One tool invocation, as the agent asked for it. */
export interface CallSpec {
  readonly toolset: ToolsetName;
  /** The toolset as its caller names it, for messages. */
  readonly shown: string;
  readonly tool: ToolName;
  readonly payload: Buffer;
  readonly meta: CallMeta;
  /** The trace that the request itself belongs to, where the call names another one of its own. */
  readonly transport?: string | undefined;
  /** Its id is derived from what a repeat says again; otherwise it is random, and there is no repeat. */
  readonly repeatable: boolean;
  readonly expectDigest: Digest | undefined;
  readonly wait: boolean;
  /** Whether the call runs on when its caller's connection goes. */
  readonly continueOnDisconnect: boolean;
  /** 0 when the agent named none. */
  readonly timeoutMs: number;
  /** The webhook of its caller's tenant that is to be told how it ends; absent where none is named. */
  readonly webhook?: string | undefined;
  /** How many nodes were lost with the call under way, as its client says. */
  readonly lostNodes: number;
}

/**
 * What makes two requests of the same ids the same: toolset, tool and payload, byte for byte. 132 bits of SHA-256, base64url.
 * A call that cannot be asked for again needs none.
 */
export function requestDigest(spec: CallSpec): string {
  if (!spec.repeatable) return "-";
  const head = Buffer.from(`${spec.toolset}\n${spec.tool}\n`);
  return hash("sha256", Buffer.concat([head, spec.payload]), "base64url").slice(0, 22);
}
