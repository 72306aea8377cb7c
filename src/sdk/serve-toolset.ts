import type { Provider, ServeOptions } from "./provider.js";
import type { Schema, ToolsetDefinition } from "./tool-definition.js";

/**
 * Registers a toolset and serves its calls. Resolves when the first session is open.
 *
 * @throws ToolgateError INVALID_CONTRACT, INVALID_SCHEMA, CONTRACT_CONFLICT and NOT_OWNER when the gateway refuses the
 *   toolset; NODE_UNREACHABLE when no node answers within `connectTimeoutMs`.
 */
export async function serveToolset<
  const Payloads extends Record<string, Schema>,
  const Results extends { [Name in keyof Payloads]: Schema },
>(_toolset: ToolsetDefinition<Payloads, Results>, _options: ServeOptions): Promise<Provider> {
  throw new Error("not yet");
}
