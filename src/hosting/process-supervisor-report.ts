/** What a supervisor reports to its mount over their channel. */
export type SupervisorReport =
  /** The command runs. */
  | { readonly kind: "started" }
  /** The command could not be started; `code` is the system's word, such as ENOENT. */
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  /** The command ended; what it started is being ended too. */
  | { readonly kind: "exited"; readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** Reads a message from the channel; undefined when it is not a report. */
export function parseSupervisorReport(message: unknown): SupervisorReport | undefined {
  if (typeof message !== "object" || message === null || !("kind" in message)) return undefined;
  switch (message.kind) {
    case "started":
    case "failed":
    case "exited":
      return message as SupervisorReport; // both ends are of one build
    default:
      return undefined;
  }
}
