import { readFileSync } from "node:fs";

/** What a node needs besides its agents' and providers' connections: Redis, logs, the program itself. */
const RESERVED_FILES = 256;
/** Of what fits, the share that one host may have at most. */
const HOST_SHARE = 7 / 8;

/** How many connections a node may have. */
export interface ConnectionBounds {
  readonly max: number;
  readonly maxPerHost: number;
}

/**
 * How many files this process may have open, connections included: the soft limit, which Node raises to the hard one when it
 * starts. Undefined where there is no `/proc` to say so.
 */
export function openFilesLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // another system
  }
}

/** The bounds, cut to what the system lets a process have: without a descriptor left a node cannot even reach Redis. */
export function fitConnections(wanted: ConnectionBounds, openFiles: number | undefined): ConnectionBounds {
  const fits = Math.max(1, (openFiles ?? Number.POSITIVE_INFINITY) - RESERVED_FILES);
  if (wanted.max <= fits) return wanted;
  return { max: fits, maxPerHost: Math.max(1, Math.min(wanted.maxPerHost, Math.floor(fits * HOST_SHARE))) };
}
