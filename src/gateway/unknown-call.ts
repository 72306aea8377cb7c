import { ToolgateError } from "../errors/toolgate-error.js";
import type { CallId } from "../identity/call-id.js";

/** The error of every request that names an unknown call. */
export function unknownCall(id: CallId): ToolgateError {
  return new ToolgateError("UNKNOWN_CALL", `no call "${id}" is known: it never was, or its record has expired`, {
    executed: "unknown", // one that has expired may have run
    metadata: { call_id: id },
  });
}
