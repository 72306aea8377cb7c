import { cacheHints } from "../cache-hints.js";
import type { McpMethod } from "../mcp-request.js";
import { result } from "../reply.js";
import { META, SUPPORTED } from "../revision.js";
import { CAPABILITIES, SERVER_INFO } from "../server-info.js";

/** `server/discover`: what is served here, in which revisions. */
export const discover: McpMethod = (request) =>
  result({
    resultType: "complete",
    supportedVersions: SUPPORTED,
    capabilities: CAPABILITIES,
    ...(request.endpoint.instructions === undefined ? {} : { instructions: request.endpoint.instructions }),
    ...cacheHints(request),
    _meta: { [META.serverInfo]: SERVER_INFO },
  });
