/** How far a call has come, as MCP's `notifications/progress` says it. */
export interface Progress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** What MCP defines of a progress notification; undefined where the progress itself is no number. */
export function readProgress({ progress, total, message }: { readonly [key: string]: unknown }): Progress | undefined {
  if (typeof progress !== "number") return undefined;
  return {
    progress,
    ...(typeof total === "number" ? { total } : {}),
    ...(typeof message === "string" ? { message } : {}),
  };
}
