import type { ToolsetName } from "../identity/names.js";
import type { Principal } from "../identity/principal.js";

/**
 * The one place for policy before admission: may this principal call this toolset? Any authenticated principal may
 * call everything; roles and quotas are to be decided here, and a refusal is thrown as a ToolgateError.
 */
export function authorise(_principal: Principal, _toolset: ToolsetName): void {}
