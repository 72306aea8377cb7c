/** What is watched: a server that can be asked, and that counts what it says. */
export interface ProbedServer {
  /** How many messages have come from it, of whatever kind. */
  readonly messagesReceived: number;
  /** Asks it; the answer shows in `messagesReceived`. Never rejects. */
  probe(method: "ping" | "tools/list", timeoutMs: number): Promise<void>;
}

/** How long a server may say nothing although it is asked, when nothing else is said, in milliseconds. */
export const DEFAULT_PATIENCE_MS = 300_000;

/** How often a silent server is asked within its patience. */
const QUESTIONS = 10;
const LONGEST_INTERVAL_MS = 30_000;

/**
 * Resolves when a server hangs: nothing at all has come from it for so long, although it was asked again and again. Any message
 * is a sign of life, also one that has nothing to do with the questions, so that a server that is heard is not even asked. Every
 * other question is for the list of tools, which servers answer that do not know `ping`.
 *
 * Time is counted in pauses, not by a clock: where this process itself stood still, the server has had no time to answer.
 *
 * @param patienceMs in milliseconds; 0 never resolves
 * @param pause resolves after that time, in milliseconds; what it rejects with ends the watch
 */
export async function untilUnresponsive(
  server: ProbedServer,
  patienceMs: number,
  pause: (ms: number) => Promise<void>,
): Promise<void> {
  if (patienceMs === 0) return await new Promise(() => {});
  const intervalMs = Math.min(LONGEST_INTERVAL_MS, Math.ceil(patienceMs / QUESTIONS));
  let received = server.messagesReceived;
  for (let asked = 0; asked * intervalMs < patienceMs; ) {
    await pause(intervalMs);
    if (server.messagesReceived !== received) {
      received = server.messagesReceived;
      asked = 0;
      continue;
    }
    void server.probe(asked % 2 === 0 ? "ping" : "tools/list", patienceMs);
    asked += 1;
  }
}
