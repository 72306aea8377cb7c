import { setMaxListeners } from "node:events";

/** A signal that aborts with the first of several, until it is released. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Lets go of the signals; without this, one that lives long would keep each of its followers. */
  release(): void;
}

/** Follows signals with their reasons. `AbortSignal.any` does the same, but keeps followers for ever on Node 20. */
export function linkSignals(...sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const followed: [AbortSignal, () => void][] = [];
  for (const source of sources) {
    if (source === undefined) continue;
    if (source.aborted) {
      controller.abort(source.reason);
      break;
    }
    const follow = () => controller.abort(source.reason);
    allowMany(source);
    source.addEventListener("abort", follow, { once: true });
    followed.push([source, follow]);
  }
  return {
    signal: controller.signal,
    release: () => {
      for (const [source, follow] of followed) source.removeEventListener("abort", follow);
    },
  };
}

/** One signal may end any number of calls: Node's warning of a leak above ten listeners would be wrong. */
export function allowMany(signal: AbortSignal): void {
  setMaxListeners(0, signal);
}
