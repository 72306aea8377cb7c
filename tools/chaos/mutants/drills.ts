import type { LoadMix } from "../call-plan.js";
import type { FaultKind } from "../faults.js";
import type { PlannedFault } from "../schedule.js";

/** A short run whose faults do not depend on chance: what a mutant is tried in. */
export interface Drill {
  /** How long its load lasts, in milliseconds. */
  readonly durationMs: number;
  readonly faults: readonly PlannedFault[];
  readonly mix: Partial<LoadMix>;
  /** When a toolset's providers give way to those of a next contract, in milliseconds from the start of the load. */
  readonly rollOut?: { readonly toolset: string; readonly atMs: number };
  /** Of the gateways, by variable, where not as in every run. */
  readonly settings?: Readonly<Record<string, number>>;
  /** How far the gateways' wall clocks are off, in milliseconds. */
  readonly clocksOffMs?: readonly number[];
  /** The gateways' wall clocks stand still. */
  readonly clocksStand?: boolean;
  /** Callers must prove who they are, in two tenants; what administrators decide is tried beside the load: see `probeRules`. */
  readonly closed?: boolean;
}

/** What, when, for how long (milliseconds), and to which target of its kind, in [0, 1). */
type Step = readonly [kind: FaultKind, atMs: number, lastsMs: number, which: number];

/** Targets: three gateways; four providers, of which three serve one toolset. Those under a fault are left out. */
const FIRST = 0.1;
const SECOND = 0.4;
const THIRD = 0.7;

/** Calls that last a while, so that something can happen to them. */
const BUSY: Partial<LoadMix> = { long: 0.45, longMs: [500, 1_500], timeoutMs: [4_000, 5_500], output: 0.5 };

/** Most calls are under way when something happens. */
const LASTING: Partial<LoadMix> = { long: 0.8, longMs: [800, 1_800], timeoutMs: [5_000, 6_000] };

/** The drills, by name. */
export const DRILLS = {
  calm: drill(4_000, [], { twice: 0.4, output: 0.5, timeoutMs: [1_500, 3_500] }),
  "long-calls": drill(
    3_000,
    [],
    { long: 0.5, longMs: [1_700, 2_400], timeoutMs: [4_000, 4_500] },
    {
      settings: { TOOLGATE_CLAIM_LEASE_ONCE_MS: 1_000 },
    },
  ),
  "lost-provider": drill(5_000, [["kill-provider", 1_800, 1_500, FIRST]], LASTING),
  "one-attempt": drill(5_000, [["kill-provider", 1_800, 1_500, FIRST]], LASTING, {
    settings: { TOOLGATE_MAX_ATTEMPTS: 1 },
  }),
  "no-providers": drill(
    5_500,
    [
      ["kill-provider", 1_500, 3_500, FIRST],
      ["kill-provider", 1_510, 3_500, FIRST],
      ["kill-provider", 1_520, 3_500, FIRST],
    ],
    { ...LASTING, timeoutMs: [2_000, 3_500] },
  ),
  // Gateways freeze for longer than a claim's lease, and for less than their providers wait for them: what these say meanwhile
  // comes when the calls are with their next providers already.
  "late-answers": drill(
    6_500,
    [
      ["freeze-provider", 1_500, 4_000, FIRST],
      ["freeze-gateway", 1_900, 1_200, FIRST],
      ["freeze-gateway", 3_400, 1_200, SECOND],
      ["freeze-gateway", 4_900, 1_200, THIRD],
    ],
    { ...BUSY, long: 0.6, longMs: [1_000, 3_000], output: 1, timeoutMs: [5_500, 6_500] },
    { settings: { TOOLGATE_CLAIM_LEASE_IDEMPOTENT_MS: 400 } },
  ),
  "lost-gateways": drill(
    6_500,
    [
      ["kill-pinger", 1_500, 500, FIRST],
      ["kill-pinger", 4_500, 500, SECOND],
    ],
    BUSY,
  ),
  restarts: drill(
    5_500,
    [
      ["restart-gateway", 1_200, 0, FIRST],
      ["restart-gateway", 2_600, 0, SECOND],
      ["restart-gateway", 4_000, 0, THIRD],
    ],
    {},
  ),
  "new-contract": drill(5_500, [], LASTING, { rollOut: { toolset: "orders", atMs: 1_000 } }),
  "cut-store": drill(
    6_500,
    [
      ["cut-store-link", 1_200, 600, FIRST],
      ["cut-store-link", 2_800, 600, SECOND],
      ["cut-store-link", 4_400, 600, THIRD],
    ],
    { ...BUSY, timeoutMs: [2_500, 4_500] },
  ),
  "lost-replies": drill(
    6_500,
    [
      ["lose-store-replies", 1_200, 500, FIRST],
      ["lose-store-replies", 2_800, 500, SECOND],
      ["lose-store-replies", 4_400, 500, THIRD],
    ],
    { ...BUSY, output: 0.8 },
  ),
  "lost-store": drill(
    5_500,
    [
      ["restart-store", 1_200, 600, FIRST],
      ["kill-provider", 3_500, 1_000, FIRST],
    ],
    LASTING,
  ),
  // Calls that end while Redis is away, and whose claims do so too.
  "long-outage": drill(9_000, [["long-outage", 2_000, 4_500, FIRST]], {
    long: 0.8,
    longMs: [800, 4_000],
    timeoutMs: [9_000, 10_000],
  }),
  "cut-providers": drill(
    4_500,
    [
      ["cut-provider-link", 1_500, 700, FIRST],
      ["cut-provider-link", 1_510, 700, FIRST],
      ["cut-provider-link", 1_520, 700, FIRST],
    ],
    BUSY,
  ),
  "half-open-store": drill(4_000, [["blackhole-store-link", 1_000, 1_000, FIRST]], {}),
  "wrong-clocks": drill(4_000, [], {}, { clocksOffMs: [3_600_000, -3_600_000, 0] }),
  "standing-clocks": drill(
    6_500,
    [
      // Longer than the pinger's lock lives: whichever leads loses it.
      ["cut-store-link", 800, 1_500, FIRST],
      ["cut-store-link", 2_800, 1_500, SECOND],
      ["cut-store-link", 4_800, 1_500, THIRD],
    ],
    { timeoutMs: [2_500, 4_500] },
    { clocksStand: true },
  ),
  "forgetful-store": drill(
    5_000,
    [
      ["forget-groups", 1_000, 0, FIRST],
      ["forget-scripts", 2_000, 0, FIRST],
      ["forget-groups", 3_000, 0, FIRST],
      ["forget-changes", 3_500, 0, FIRST],
    ],
    { timeoutMs: [1_500, 3_500] },
  ),
  rules: drill(4_000, [], { timeoutMs: [1_500, 3_500] }, { closed: true }),
  flush: drill(5_000, [["flush", 2_000, 0, FIRST]], { timeoutMs: [1_500, 3_000] }),
} as const satisfies Record<string, Drill>;

/** One of them. */
export type DrillName = keyof typeof DRILLS;

function drill(
  durationMs: number,
  steps: readonly Step[],
  mix: Partial<LoadMix>,
  more: Pick<Drill, "settings" | "clocksOffMs" | "clocksStand" | "rollOut" | "closed"> = {},
): Drill {
  const faults = steps.map(([kind, atMs, lastsMs, which], index) => ({
    ...{ number: index + 1, kind, atMs, lastsMs, which },
    how: 0,
  }));
  return { durationMs, faults, mix, ...more };
}
