import { ToolgateError } from "./toolgate-error.js";

/** Any error as the one of Toolgate; a fault of our own says nothing of itself to the outside. */
export function toToolgateError(error: unknown): ToolgateError {
  if (error instanceof ToolgateError) return error;
  return new ToolgateError("INTERNAL", "a fault of the node; see its log", { cause: error, executed: "unknown" });
}
