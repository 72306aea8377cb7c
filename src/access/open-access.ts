import { ANONYMOUS } from "../identity/principal.js";
import type { AccessControl, Identity } from "./access-control.js";
import type { CallerAccess, Decision, RuledTool, RuledToolset } from "./caller-access.js";

/** The caller of a registry that is open: everybody. */
export const ANONYMOUS_IDENTITY: Identity = Object.freeze({
  principal: ANONYMOUS,
  credential: "",
  expiresAtMs: Number.POSITIVE_INFINITY,
});

const ALLOWED: Decision = Object.freeze({ allowed: true, rule: undefined });

/** What everybody may do where a registry is open: everything. */
export const OPEN_ACCESS: CallerAccess = Object.freeze({
  principal: ANONYMOUS,
  revision: 0,
  view: "",
  seesWholeRegistry: true,
  derived: new WeakMap(),
  may: () => ALLOWED,
  mayUse: () => ALLOWED,
  visibleTools: (_toolset: RuledToolset, tools: readonly RuledTool[]) => tools,
  mayIn: () => ALLOWED,
});

/** The access control of a registry that is open: nobody is asked who they are, and everybody may do everything. */
export const OPEN: AccessControl = Object.freeze({
  required: false,
  authenticate: () => ANONYMOUS_IDENTITY,
  holds: () => true,
  current: (identity: Identity) => identity,
  accessOf: () => OPEN_ACCESS,
  onChange: () => () => {},
});
