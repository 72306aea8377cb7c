import { FAULT_SHAPES, type FaultKind, UNNOTICED } from "../faults.js";
import { cutRuns, hasColleagues } from "../recovery.js";
import { type CallFile, linesOf, readTerminals } from "./call-file.js";
import type { Evidence, InjectedFault, Violation } from "./evidence.js";
import { overlap } from "./total-outages.js";

/** A gateway that is out, or cut off, for so long at most is got over well within a claim's lease; in milliseconds. */
const SOON_MS = 1_000;
/** How late a bound that is a promise may be kept on a machine that is busy with a whole cluster, in milliseconds. */
const BUSY_MS = 1_500;
/** The promises: an idempotent call runs again, and a `once` call ends, so soon after its claim's lease; in milliseconds. */
const AGAIN_WITHIN_MS = 500;
const GIVEN_UP_WITHIN_MS = 1_000;

/**
 * A `once` call whose provider lives is not given up: a claim outlives the gateway that delivered the call, and an outage of Redis,
 * however long; and a result that was handed in is not forgotten on its way.
 */
export function checkGivenUp(file: CallFile, faults: readonly InjectedFault[]): Violation[] {
  const [asked] = file.asked;
  const [terminal] = readTerminals(file);
  if (asked?.delivery !== "once" || terminal?.reason !== "PROVIDER_LOST" || file.flushes > 0) return [];
  const life = { fromMs: asked.atMs, toMs: terminal.endedAtMs };
  const during = faults.filter(({ atMs, healedAtMs }) => overlap({ fromMs: atMs, toMs: healedAtMs }, life));
  if (!during.every((fault) => isGotOver(fault) || fault.kind === "long-outage")) return [];
  // Two at once may take longer than a lease.
  const crowded = during.some((one) =>
    during.some((other) => other !== one && Math.abs(other.atMs - one.atMs) < 2 * SOON_MS && one.kind !== other.kind),
  );
  if (crowded) return [];
  return [
    {
      rule: "a call is given up only when its provider was lost",
      sort: "lost",
      call: file.call,
      message: "given up as PROVIDER_LOST, and no provider was out",
      evidence: linesOf(file),
    },
  ];
}

/** An idempotent call that nothing befell but outages of Redis, however long, does not run again: its provider has it still. */
export function checkHeldOver(file: CallFile, faults: readonly InjectedFault[]): Violation[] {
  const [asked] = file.asked;
  const again = file.starts.find(({ attempt }) => attempt > 1);
  if (asked?.delivery !== "idempotent" || again === undefined) return [];
  const life = { fromMs: asked.atMs, toMs: again.atMs };
  const during = faults.filter(({ atMs, healedAtMs }) => overlap({ fromMs: atMs, toMs: healedAtMs }, life));
  if (during.length === 0 || during.some(({ kind }) => kind !== "long-outage")) return [];
  return [
    {
      rule: "an outage of Redis makes no call run again",
      sort: "doubled",
      call: file.call,
      message: `attempt ${again.attempt} began, and no provider was out`,
      evidence: linesOf(file),
    },
  ];
}

/** Whether a fault leaves providers alone, and is over, or gone round, within a claim's lease. */
function isGotOver({ kind, atMs, healedAtMs }: InjectedFault): boolean {
  if (UNNOTICED.has(kind) || kind === "kill-gateway" || kind === "kill-pinger") return true;
  const { target } = FAULT_SHAPES[kind];
  return target === "gateway" && BRIEF.has(kind) && healedAtMs - atMs <= SOON_MS;
}

/** Faults of which both ends hear at once. */
const BRIEF: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "cut-store-link",
  "lose-store-replies",
  "cut-agent-link",
  "lose-agent-replies",
  "cut-provider-link",
  "lose-provider-frames",
]);

/**
 * When a provider is killed, its idempotent calls run again elsewhere within the claim's lease and half a second, and its `once`
 * calls end within the lease and a second. Kills with another fault near them are left out, and calls whose deadline comes first.
 */
export function checkLostProviders(evidence: Evidence): Violation[] {
  const { claimLeaseMs, maxAttempts } = evidence.limits;
  const starts = evidence.ledger.filter(({ phase }) => phase === "start");
  const asked = new Map(
    evidence.history.flatMap((event) => (event.kind === "asked" ? [[event.call, event] as const] : [])),
  );
  const records = new Map(evidence.records.map(({ call, readings }) => [call, readings[0]?.answer]));
  const late = (rule: string, call: string, message: string): Violation[] => [
    {
      rule,
      sort: "stuck",
      call,
      message,
      evidence: starts.filter((one) => one.call === call).map((line) => `ledger ${JSON.stringify(line)}`),
    },
  ];
  return cutRuns(evidence).flatMap(({ start, fault }) => {
    const { call, attempt } = start;
    const delivery = asked.get(call)?.delivery;
    const answer = records.get(call);
    if (delivery === undefined || answer?.kind !== "ended" || answer.deadlineMs === undefined) return [];
    const { deadlineMs, terminal } = answer;
    const boundMs = claimLeaseMs[delivery] + (delivery === "once" ? GIVEN_UP_WITHIN_MS : AGAIN_WITHIN_MS) + BUSY_MS;
    const span = { fromMs: fault.atMs, toMs: fault.atMs + boundMs };
    const others = evidence.faults.filter((other) => other !== fault && other.target !== fault.target);
    const disturbed = others.some(({ atMs, healedAtMs }) => overlap({ fromMs: atMs, toMs: healedAtMs }, span));
    if (disturbed || deadlineMs < span.toMs) return [];
    if (delivery === "once") {
      if (terminal.endedAtMs <= span.toMs) return [];
      const took = Math.round(terminal.endedAtMs - fault.atMs);
      return late(GIVEN_UP_RULE, call, `it ended ${took} ms after ${fault.target} was killed; ${boundMs} ms allowed`);
    }
    const again = starts.find((line) => line.call === call && line.attempt === attempt + 1);
    const over = terminal.endedAtMs <= span.toMs || terminal.kind === "cancelled";
    if (
      attempt >= maxAttempts ||
      !hasColleagues(fault.target) ||
      over ||
      (again !== undefined && again.atMs <= span.toMs)
    )
      return [];
    const took =
      again === undefined ? "it never ran again" : `it ran again after ${Math.round(again.atMs - fault.atMs)} ms`;
    return late(AGAIN_RULE, call, `${fault.target} was killed, and ${took}; ${boundMs} ms allowed`);
  });
}

const AGAIN_RULE = "an idempotent call of a killed provider runs again within its claim's lease and half a second";
const GIVEN_UP_RULE = "a once call of a killed provider ends within its claim's lease and a second";
