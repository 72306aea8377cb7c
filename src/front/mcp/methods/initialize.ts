import type { McpMethod } from "../mcp-request.js";
import { textOf } from "../message.js";
import { result } from "../reply.js";
import { negotiated } from "../revision.js";
import { LEGACY_CAPABILITIES, SERVER_INFO } from "../server-info.js";

/** `initialize`, by which a client of a revision before 2026-07-28 begins. */
export const initialize: McpMethod = ({ params, endpoint }) =>
  result({
    protocolVersion: negotiated(textOf(params.get("protocolVersion"))),
    capabilities: LEGACY_CAPABILITIES,
    serverInfo: SERVER_INFO,
    ...(endpoint.instructions === undefined ? {} : { instructions: endpoint.instructions }),
  });
