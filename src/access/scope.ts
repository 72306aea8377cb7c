import type { CallerAccess } from "./caller-access.js";

/**
 * What stands for all that a caller can see: page tokens, revisions and shared answers are bound to it, so that what was made for one
 * caller is of no use to another that sees less, or other things. Empty in an open registry, whose callers all see the same: tokens of
 * versions without authentication go on there.
 */
export type Scope = readonly string[];

/** The scope of a caller: its tenant, and its view. */
export function scopeOf({ principal, view }: CallerAccess): Scope {
  return view === "" ? [] : [principal.tenant, view];
}
