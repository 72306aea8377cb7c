import type { Executed } from "../../errors/codes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";

/** What callers hear from a node that is stopping. */
export function nodeDraining(executed: Executed): ToolgateError {
  return new ToolgateError("NODE_DRAINING", "This node is stopping; go on at another one.", {
    executed,
    retryAfterMs: 0,
  });
}
