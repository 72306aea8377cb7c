import type { NodeSettings } from "../support/cluster.js";

/** Settings under which a cluster notices within tenths of a second what takes it tens of seconds otherwise. */
export const FAST: NodeSettings = {
  pingIntervalMs: 200,
  missedPings: 3,
  leaseMs: 3_000,
  heartbeatMs: 500,
  claimLeaseOnceMs: 3_000,
  claimLeaseIdempotentMs: 1_000,
  lockTtlMs: 500,
  drainGraceMs: 5_000,
  retireAfterMs: 600_000,
};

/**
 * The same for files in which nothing is lost: no provider, session or claim is taken for lost because a busy machine kept it waiting
 * for some seconds.
 */
export const STEADY: NodeSettings = {
  ...FAST,
  missedPings: 100,
  heartbeatMs: 10_000,
  leaseMs: 60_000,
  claimLeaseOnceMs: 60_000,
  claimLeaseIdempotentMs: 60_000,
};
