import type { Route } from "./route.js";
import { CALL_TOOL } from "./routes/call-tool.js";
import { CANCEL_CALL } from "./routes/cancel-call.js";
import { FOLLOW_CALL } from "./routes/follow-call.js";
import { GET_CALL } from "./routes/get-call.js";
import { GET_TOOL } from "./routes/get-tool.js";
import { GET_TOOLSET } from "./routes/get-toolset.js";
import { HEALTHZ, LIVEZ, READYZ } from "./routes/health.js";
import { LIST_CALLS } from "./routes/list-calls.js";
import { LIST_TOOLSETS } from "./routes/list-toolsets.js";
import { documentRoute, TOOLS_DOCUMENT } from "./routes/openapi.js";
import { SEARCH } from "./routes/search.js";
import { WATCH_TOOLSETS } from "./routes/watch-toolsets.js";

/** Every route of the REST interface, in the order of the served document. A new one is a file in `routes/` and a line here. */
export const ROUTES: readonly Route[] = [
  ...[LIST_TOOLSETS, WATCH_TOOLSETS, GET_TOOLSET, GET_TOOL, SEARCH],
  ...[CALL_TOOL, LIST_CALLS, GET_CALL, FOLLOW_CALL, CANCEL_CALL],
  ...[documentRoute(() => ROUTES), TOOLS_DOCUMENT],
  ...[LIVEZ, READYZ, HEALTHZ],
];
