import type { McpRequest } from "./mcp-request.js";

/** How long what is listed may be kept, in milliseconds. A client that listens hears of changes before. */
const FRESH_MS = 60_000;

/** What may be kept of an answer, and by whom: where callers prove who they are, each may see something else. */
export function cacheHints({ node }: Pick<McpRequest, "node">): {
  readonly ttlMs: number;
  readonly cacheScope: "public" | "private";
} {
  return { ttlMs: FRESH_MS, cacheScope: node.asksWho() ? "private" : "public" };
}
