import type { Route } from "./route.js";
import { APPLY_DOCUMENTS } from "./routes/apply-documents.js";
import { CALL_TOOL } from "./routes/call-tool.js";
import { CANCEL_CALL } from "./routes/cancel-call.js";
import { CREATE_KEY } from "./routes/create-key.js";
import { DRAIN_PROVIDER } from "./routes/drain-provider.js";
import { EXPLAIN, EXPLAIN_BY_QUERY } from "./routes/explain.js";
import { FOLLOW_CALL } from "./routes/follow-call.js";
import { GET_CALL } from "./routes/get-call.js";
import { GET_DEAD_CALL } from "./routes/get-dead-call.js";
import { GET_DOCUMENT } from "./routes/get-document.js";
import { GET_REGISTRY } from "./routes/get-registry.js";
import { GET_TOOL } from "./routes/get-tool.js";
import { GET_TOOLSET } from "./routes/get-toolset.js";
import { HEALTHZ, LIVEZ, READYZ } from "./routes/health.js";
import { LIST_CALLS } from "./routes/list-calls.js";
import { LIST_DEAD_CALLS } from "./routes/list-dead-calls.js";
import { LIST_DOCUMENTS } from "./routes/list-documents.js";
import { LIST_KEYS } from "./routes/list-keys.js";
import { LIST_REVISIONS } from "./routes/list-revisions.js";
import { LIST_TOOLSETS } from "./routes/list-toolsets.js";
import { LOGIN } from "./routes/login.js";
import { LOGOUT } from "./routes/logout.js";
import { documentRoute, TOOLS_DOCUMENT } from "./routes/openapi.js";
import { PONG } from "./routes/pong.js";
import { PROMOTE_TOOLSET } from "./routes/promote-toolset.js";
import { PURGE_DEAD_CALLS } from "./routes/purge-dead-calls.js";
import { QUERY_AUDIT } from "./routes/query-audit.js";
import { REDRIVE_DEAD_CALL } from "./routes/redrive-dead-call.js";
import { REGISTER_TOOLSET } from "./routes/register-toolset.js";
import { RELEASE_LEASE } from "./routes/release-lease.js";
import { RENEW_LEASE } from "./routes/renew-lease.js";
import { REVOKE_KEY } from "./routes/revoke-key.js";
import { ROTATE_KEY } from "./routes/rotate-key.js";
import { SEARCH } from "./routes/search.js";
import { SET_PASSWORD } from "./routes/set-password.js";
import { TAIL_AUDIT } from "./routes/tail-audit.js";
import { UNREGISTER_TOOLSET } from "./routes/unregister-toolset.js";
import { VERIFY_AUDIT } from "./routes/verify-audit.js";
import { WATCH_TOOLSETS } from "./routes/watch-toolsets.js";
import { WHO_AM_I } from "./routes/who-am-i.js";

/** Every route of the REST interface, in the order of the served document. A new one is a file in `routes/` and a line here. */
export const ROUTES: readonly Route[] = [
  ...[LIST_TOOLSETS, WATCH_TOOLSETS, GET_TOOLSET, GET_TOOL, SEARCH, UNREGISTER_TOOLSET, PROMOTE_TOOLSET],
  ...[REGISTER_TOOLSET, RENEW_LEASE, PONG, DRAIN_PROVIDER, RELEASE_LEASE],
  ...[CALL_TOOL, LIST_CALLS, GET_CALL, FOLLOW_CALL, CANCEL_CALL],
  ...[LIST_DEAD_CALLS, GET_DEAD_CALL, REDRIVE_DEAD_CALL, PURGE_DEAD_CALLS],
  ...[LOGIN, LOGOUT, WHO_AM_I, LIST_KEYS, CREATE_KEY, ROTATE_KEY, REVOKE_KEY, SET_PASSWORD, EXPLAIN_BY_QUERY, EXPLAIN],
  ...[LIST_DOCUMENTS, GET_DOCUMENT, LIST_REVISIONS, APPLY_DOCUMENTS],
  ...[QUERY_AUDIT, TAIL_AUDIT, VERIFY_AUDIT],
  ...[GET_REGISTRY, documentRoute(() => ROUTES), TOOLS_DOCUMENT],
  ...[LIVEZ, READYZ, HEALTHZ],
];
