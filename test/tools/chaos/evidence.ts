import type {
  CallRecord,
  Evidence,
  InjectedFault,
  Limits,
  Reading,
  ReadTerminal,
} from "../../../tools/chaos/check/evidence.js";
import type { HistoryEvent } from "../../../tools/chaos/history.js";
import type { LedgerLine } from "../../../tools/chaos/ledger.js";

/** Hand-made evidence: one call that went well, to be changed in one place at a time. */

export const LIMITS: Limits = {
  pingIntervalMs: 500,
  lockTtlMs: 1_000,
  maxAttempts: 3,
  claimLeaseMs: { once: 3_000, idempotent: 1_000 },
  schedulingMs: 500,
  reconnectMs: 2_000,
  gateways: 3,
};

export const NODES = ["gateway 1", "gateway 2", "gateway 3"];
export const DEADLINE_MS = 15_000;

export const asked = (more: Partial<Extract<HistoryEvent, { kind: "asked" }>> = {}): HistoryEvent => ({
  kind: "asked",
  request: "a/1.1",
  call: "c",
  n: 1,
  toolset: "orders",
  delivery: "once",
  timeoutMs: 5_000,
  how: "invoke",
  atMs: 10_000,
  ...more,
});

export const admitted = (more: Partial<Extract<HistoryEvent, { kind: "admitted" }>> = {}): HistoryEvent => ({
  kind: "admitted",
  request: "a/1.1",
  call: "c",
  callId: "c",
  deadlineMs: DEADLINE_MS,
  repeated: false,
  atMs: 10_010,
  ...more,
});

export const ended = (more: Partial<Extract<HistoryEvent, { kind: "ended" }>> = {}): HistoryEvent => ({
  kind: "ended",
  request: "a/1.1",
  call: "c",
  terminal: { kind: "result", body: RESULT },
  atMs: 10_200,
  ...more,
});

export const refused = (request = "a/1.1"): HistoryEvent => ({
  kind: "refused",
  request,
  call: "c",
  reason: "NO_HEALTHY_PROVIDER",
  atMs: 10_200,
});

export const unknown = (reason = "NODE_UNREACHABLE", request = "a/1.1"): HistoryEvent => ({
  kind: "unknown",
  request,
  call: "c",
  reason,
  atMs: 10_200,
});

/** A run as the ledger has it: its start and, unless it was cut off, its end. */
export function run(attempt = 1, more: { run?: string; cut?: boolean; call?: string } = {}): LedgerLine[] {
  const { run: name = `orders-1#1:${attempt}`, cut = false, call = "c" } = more;
  const line = { call, attempt, incarnation: "orders-1#1", run: name };
  const start: LedgerLine = { phase: "start", ...line, atMs: 10_100 };
  return cut ? [start] : [start, { phase: "end", ...line, atMs: 10_150, how: "returned" }];
}

export const RESULT = '{"n":1,"by":"orders-1#1","attempt":1,"run":"orders-1#1:1"}';

export function terminal(more: Partial<ReadTerminal> = {}): ReadTerminal {
  const fields = {
    kind: "result",
    reason: "",
    attempt: 1,
    endedAtMs: 10_160,
    executed: "EXECUTED_YES",
    body: RESULT,
    ...more,
  };
  return { bytes: JSON.stringify(fields), ...fields };
}

/** What one node answers to `get`. */
export const get = (node: string, end: ReadTerminal | "unknown" | "unfinished" = terminal()): Reading => ({
  node,
  asked: { kind: "get" },
  answer:
    end === "unknown"
      ? { kind: "unknown" }
      : end === "unfinished"
        ? { kind: "unfinished", state: "CALL_STATE_CLAIMED", deadlineMs: DEADLINE_MS }
        : { kind: "ended", terminal: end, deadlineMs: DEADLINE_MS, deltas: [] },
});

/** What one node tells from a cursor on; each delta is named by its cursor. */
export const follow = (node: string, cursor: string, cursors: readonly string[], data = "1"): Reading => ({
  node,
  asked: { kind: "follow", cursor },
  answer: {
    kind: "ended",
    terminal: terminal(),
    deltas: cursors.map((one) => ({ cursor: one, attempt: 1, data })),
  },
});

export const record = (readings: readonly Reading[] = NODES.map((node) => get(node))): CallRecord => ({
  call: "c",
  readings,
});

export const fault = (more: Partial<InjectedFault> = {}): InjectedFault => ({
  number: 1,
  kind: "kill-gateway",
  target: "gateway 1",
  atMs: 10_500,
  healedAtMs: 11_000,
  hitPinger: false,
  ...more,
});

/** A flush after the call was asked for. */
export const FLUSH = fault({ kind: "flush", target: "store", atMs: 10_300, healedAtMs: 10_301 });

/** All went well, save what is said otherwise. */
export function evidence(more: Partial<Evidence> = {}): Evidence {
  return {
    limits: LIMITS,
    history: [asked(), ended()],
    ledger: run(),
    records: [record()],
    pings: [],
    // Whatever becomes of the call, a provider may have been lost.
    faults: [fault({ kind: "kill-provider", target: "orders-1", atMs: 10_050 })],
    outages: [],
    incidents: [],
    healing: { healthy: true, tookMs: 100, boundMs: 20_000, why: "" },
    leaders: [],
    leaseProbe: undefined,
    observedUntilMs: 60_000,
    ...more,
  };
}
