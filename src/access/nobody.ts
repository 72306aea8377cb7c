import { DEFAULT_TENANT } from "../identity/tenant.js";
import type { Identity } from "./access-control.js";

/** The caller of what anybody may ask, where nothing was found out about it: it may do nothing. */
export const NOBODY: Identity = Object.freeze({
  principal: Object.freeze({
    tenant: DEFAULT_TENANT,
    id: "nobody",
    kind: "anonymous",
    roles: Object.freeze([]),
    attributes: Object.freeze({}),
  }),
  credential: "",
  expiresAtMs: Number.POSITIVE_INFINITY,
});
