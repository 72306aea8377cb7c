/**
 * One press of Ctrl-C can arrive twice: from the terminal, which sends it to the whole foreground group, and from npm,
 * which passes it on. Within this time, in milliseconds, the two count as one.
 */
const SAME_PRESS_MS = 500;

/** How often to look whether the program that started us is still there, in milliseconds. */
const PARENT_CHECK_MS = 1_000;

/** Why a program has to stop. */
export type Interruption =
  | { readonly kind: "signal"; readonly signal: NodeJS.Signals }
  | { readonly kind: "parent_lost" };

/** What ends a program that runs until it is stopped. */
export interface Interruptions {
  /** Aborts at the first interruption; its reason is an Interruption. */
  readonly signal: AbortSignal;
  /** Gives the signals back to Node. */
  stop(): void;
}

/**
 * Listens for Ctrl-C, SIGTERM and SIGHUP: the first one aborts, a later one forces.
 *
 * @param onForce called at the second interruption.
 * @param parent the process that must stay alive, such as the npm that runs us; none when undefined.
 */
export function watchInterruptions(onForce: () => void, parent?: number): Interruptions {
  const controller = new AbortController();
  let firstAt: number | undefined;
  const interrupt = (reason: Interruption): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      controller.abort(reason);
    } else if (performance.now() - firstAt > SAME_PRESS_MS) onForce();
  };
  const onSignal = (signal: NodeJS.Signals): void => interrupt({ kind: "signal", signal });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const watch =
    parent === undefined
      ? undefined
      : setInterval(() => {
          if (process.ppid === parent) return;
          clearInterval(watch);
          interrupt({ kind: "parent_lost" });
        }, PARENT_CHECK_MS).unref();
  return {
    signal: controller.signal,
    stop: () => {
      clearInterval(watch);
      for (const signal of signals) process.removeListener(signal, onSignal);
    },
  };
}
