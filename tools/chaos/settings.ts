import type { Limits } from "./check/evidence.js";

/** How many gateways a run has. */
export const GATEWAYS = 3;

/** The toolsets, and how many provider processes serve each. */
export const TOOLSETS = { orders: 3, notes: 1 } as const satisfies Record<string, number>;

/** Those of a run with two tenants, of which each has one of the same name. */
export const TENANTS_TOOLSETS = { ...TOOLSETS, "acme/orders": 1 } as const satisfies Record<string, number>;

/** Of which toolset a storm has more providers, and how many. */
export const CROWD = { toolset: "orders", providers: 40 } as const satisfies {
  readonly toolset: keyof typeof TOOLSETS;
  readonly providers: number;
};

/** Settings under which a cluster notices in tenths of a second what takes it tens of seconds otherwise; by variable. */
export const NODE_SETTINGS = {
  TOOLGATE_PING_INTERVAL_MS: 500,
  TOOLGATE_MISSED_PINGS: 3,
  TOOLGATE_LEASE_MS: 4_000,
  TOOLGATE_HEARTBEAT_MS: 500,
  TOOLGATE_CLAIM_LEASE_ONCE_MS: 3_000,
  TOOLGATE_CLAIM_LEASE_IDEMPOTENT_MS: 1_000,
  TOOLGATE_LOCK_TTL_MS: 1_000,
  TOOLGATE_MAX_ATTEMPTS: 3,
  TOOLGATE_DRAIN_GRACE_MS: 8_000,
  // What a run acknowledged is read back at its end, which on a busy machine is later than the ten minutes that outcomes are kept else.
  TOOLGATE_RESULT_TTL_MS: 7_200_000,
} as const;

/** What the check allows, in milliseconds. */
export const LIMITS: Limits = {
  pingIntervalMs: NODE_SETTINGS.TOOLGATE_PING_INTERVAL_MS,
  lockTtlMs: NODE_SETTINGS.TOOLGATE_LOCK_TTL_MS,
  maxAttempts: NODE_SETTINGS.TOOLGATE_MAX_ATTEMPTS,
  claimLeaseMs: {
    once: NODE_SETTINGS.TOOLGATE_CLAIM_LEASE_ONCE_MS,
    idempotent: NODE_SETTINGS.TOOLGATE_CLAIM_LEASE_IDEMPOTENT_MS,
  },
  schedulingMs: 500,
  reconnectMs: 2_000,
  gateways: GATEWAYS,
};

/** All must be healthy so soon after the last fault was healed, in milliseconds. */
export const HEAL_WITHIN_MS = 20_000;

/**
 * How long an agent's requests may take to come to an outcome once all is healed, in milliseconds: a stream over a half-open
 * connection is noticed by HTTP/2 keepalive after 28 s, then the request is repeated.
 */
export const SETTLE_WITHIN_MS = 45_000;

/** How long a gateway's connections to Redis may be out after they were swallowed, until that is noticed, in milliseconds. */
export const HALF_OPEN_NOTICED_MS = 4_500;
