/** Why nothing was fetched. */
export class EgressError extends Error {
  override readonly name = "EgressError";
  /** `refused`: the URL may not be fetched; `failed`: it could not be, and may be later. */
  readonly kind: "refused" | "failed";

  constructor(kind: "refused" | "failed", message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** Finds our own reason in what the HTTP client made of it. */
export function asEgressError(error: unknown): EgressError {
  if (error instanceof EgressError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof EgressError) return cause;
  const { code } = (error ?? {}) as { readonly code?: unknown }; // absent on most
  return new EgressError("failed", `it could not be fetched${typeof code === "string" ? ` (${code})` : ""}`);
}
