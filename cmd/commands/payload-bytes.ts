import type { Toolgate } from "../../src/index.js";
import { findTool } from "./find-tool.js";
import type { Payload } from "./payload.js";
import { payloadOf } from "./payload-pairs.js";
import type { Session } from "./session.js";

/** The payload as it is sent; undefined for none. What pairs stand for, the tool's schema says. */
export async function payloadBytes(
  payload: Payload,
  client: Toolgate,
  toolset: string,
  tool: string,
  { output, signal }: Session,
): Promise<Uint8Array | undefined> {
  switch (payload.kind) {
    case "none":
      return undefined;
    case "json":
      return payload.bytes;
    case "pairs": {
      const contract = await output.withProgress(`Getting ${toolset}`, () => client.get(toolset, { signal }));
      return Buffer.from(payloadOf(payload.pairs, findTool({ ...contract, name: toolset }, tool).payload));
    }
    default:
      return payload satisfies never;
  }
}
