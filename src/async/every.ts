/** A task that runs periodically, one at a time; `stop` resolves when the running one has finished. */
export interface Repeating {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Runs a task, waits, and runs it again, until stopped. Tasks read what to do each time, so a failed one needs no
 * memory: `onError` receives it, and the next run tries again.
 */
export function every(
  intervalMs: () => number,
  task: () => Promise<void>,
  onError: (error: unknown) => void,
): Repeating {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = true;
  const schedule = (): void => {
    timer = setTimeout(() => {
      running = task()
        .catch(onError)
        .then(() => {
          if (!stopped) schedule();
        });
    }, intervalMs());
    timer.unref();
  };
  return {
    start() {
      if (!stopped) return;
      stopped = false;
      schedule();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
