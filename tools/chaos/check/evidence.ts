import type { FaultKind } from "../faults.js";
import type { HistoryEvent } from "../history.js";
import type { LedgerLine } from "../ledger.js";

/** Everything that a run left behind. All times are Unix milliseconds by Redis's clock. */
export interface Evidence {
  readonly limits: Limits;
  readonly history: readonly HistoryEvent[];
  readonly ledger: readonly LedgerLine[];
  /** The state of each call that was asked for, read when all was healed. */
  readonly records: readonly CallRecord[];
  readonly pings: readonly Ping[];
  readonly faults: readonly InjectedFault[];
  readonly outages: readonly Outage[];
  /** What the program itself saw go wrong: a process that ended by itself, or not as it was told to. */
  readonly incidents: readonly Incident[];
  /** Whether all was healthy again at the end, and how long that took. */
  readonly healing: Healing;
  /** The leaders and their times, by their own account. */
  readonly leaders: readonly LeaderNote[];
  /** Absent where all was not healthy in the end. */
  readonly leaseProbe: LeaseProbe | undefined;
  /** Until when pings and elections were heard: what had not come by then did not come. */
  readonly observedUntilMs: number;
}

/** The cluster's settings that bound what may happen, and the tolerances of the check; times in milliseconds. */
export interface Limits {
  readonly pingIntervalMs: number;
  readonly lockTtlMs: number;
  readonly maxAttempts: number;
  /** How long a call stays its provider's without a sign of life. */
  readonly claimLeaseMs: { readonly once: number; readonly idempotent: number };
  /** How late something may be because a busy machine ran it late. */
  readonly schedulingMs: number;
  /** What nodes need to go on after none of them could reach Redis. */
  readonly reconnectMs: number;
  /** How many gateways there are. */
  readonly gateways: number;
}

/** How one call stands, as its readers were told. */
export interface CallRecord {
  readonly call: string;
  readonly readings: readonly Reading[];
}

/** One reading of a call on one node. */
export interface Reading {
  readonly node: string;
  /** What was asked: `get`, or `follow` from a cursor. */
  readonly asked: { readonly kind: "get" } | { readonly kind: "follow"; readonly cursor: string };
  readonly answer: Answer;
}

export type Answer =
  /** No such call. */
  | { readonly kind: "unknown" }
  /** It has not ended. */
  | { readonly kind: "unfinished"; readonly state: string; readonly deadlineMs: number }
  | {
      readonly kind: "ended";
      readonly terminal: ReadTerminal;
      /** Of a `get`; a follow does not tell it. */
      readonly deadlineMs?: number;
      /** Of a follow: cursor, attempt and bytes of each, as one text each. */
      readonly deltas: readonly ReadDelta[];
    }
  /** The node gave no usable answer. */
  | { readonly kind: "failed"; readonly why: string };

export interface ReadTerminal {
  readonly kind: string;
  readonly reason: string;
  readonly attempt: number;
  readonly endedAtMs: number;
  readonly executed: string;
  /** The result as JSON text; empty with other kinds. */
  readonly body: string;
  /** All of it, field by field, with the bytes as they were: equal texts are equal terminals. */
  readonly bytes: string;
}

export interface ReadDelta {
  readonly cursor: string;
  readonly attempt: number;
  /** JSON text, as it was. */
  readonly data: string;
}

/** A ping of one epoch, as it went to the nodes. */
export interface Ping {
  readonly atMs: number;
  readonly slot: string;
  readonly toolset: string;
  readonly epoch: number;
}

/** A fault that was done. */
export interface InjectedFault {
  readonly number: number;
  readonly kind: FaultKind;
  /** `gateway 2`, `orders-1`, `store`. */
  readonly target: string;
  readonly atMs: number;
  readonly healedAtMs: number;
  /** The target pinged when it was hit. */
  readonly hitPinger: boolean;
}

/** A time in which one gateway could do nothing, or none could: the store was away. */
export interface Outage {
  /** `store`, or a gateway's name. */
  readonly who: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Incident {
  readonly atMs: number;
  readonly message: string;
  readonly evidence: readonly string[];
}

export interface Healing {
  readonly healthy: boolean;
  /** From the last fault's healing until all was healthy, in milliseconds. */
  readonly tookMs: number;
  readonly boundMs: number;
  /** What was wrong when the time was over. */
  readonly why: string;
}

/** What a gateway says of the election. */
export interface LeaderNote {
  readonly who: string;
  /** `left`: it lost its lock or gave it back, or it was started anew. */
  readonly what: "elected" | "left";
  readonly atMs: number;
}

/** What came of what a misbehaving provider did; see lease-probe.ts. */
export type LeaseProbe =
  /** The cluster did not do what a healthy one does at once. */
  { readonly kind: "failed"; readonly why: string } | ProbedLeases;

export interface ProbedLeases {
  readonly kind: "done";
  /** Why the holder of a lease was refused after a former incarnation had given its own back; empty when it was not. */
  readonly holderLost: string;
  /** The changes of the probe's toolset that watches received, in order. */
  readonly changes: readonly ReportedChange[];
}

export interface ReportedChange {
  /** `registered`, `healthy`, `unregistered`, … */
  readonly kind: string;
  readonly epoch: number;
}

/** A promise that was broken, and where to see it. */
export interface Violation {
  readonly rule: string;
  /** Counts as one of these in the table. */
  readonly sort: "lost" | "doubled" | "stuck" | "other";
  readonly call?: string;
  readonly message: string;
  /** Lines of the history, the ledger and the records. */
  readonly evidence: readonly string[];
}
