import { GRACEFUL, UNNOTICED } from "../faults.js";
import { checkAcknowledged } from "./acknowledged-calls.js";
import { type CallFile, callFiles, linesOf, readTerminals } from "./call-file.js";
import { checkDeadline } from "./deadlines.js";
import { checkEnded, checkOneTerminal } from "./endings.js";
import { checkEpochs } from "./epochs.js";
import type { Evidence, Violation } from "./evidence.js";
import { checkExecutions, checkFence, checkNotExecuted } from "./executions.js";
import { checkLeaders } from "./leaders.js";
import { checkLeases } from "./leases.js";
import { checkGivenUp, checkHeldOver, checkLostProviders } from "./lost-providers.js";
import { checkOutput } from "./output.js";
import { checkPings, checkTakeovers } from "./pings.js";
import { checkReaders } from "./readers.js";
import { checkResults } from "./results.js";
import { checkStoreAway } from "./store-away.js";
import { checkTenants } from "./tenants.js";
import { totalOutages } from "./total-outages.js";
import { checkWatches } from "./watches.js";

/** Checks what a run left behind against everything that Toolgate promises; nothing comes back when all was kept. */
export function check(evidence: Evidence): Violation[] {
  const { limits } = evidence;
  const outages = totalOutages(evidence.outages, limits.gateways);
  const graceful = evidence.faults.every(({ kind }) => GRACEFUL.has(kind));
  const unnoticed = outages.length === 0 && evidence.faults.every(({ kind }) => UNNOTICED.has(kind));
  const ofCall = (file: CallFile): Violation[] => [
    ...checkAcknowledged(file),
    ...checkEnded(file),
    ...checkOneTerminal(file),
    ...checkDeadline(file, limits, outages),
    ...checkExecutions(file, limits),
    ...checkNotExecuted(file),
    ...checkFence(file),
    ...checkReaders(file),
    ...checkOutput(file),
    ...checkResults(file),
    ...checkTenants(file),
    ...checkGivenUp(file, evidence.faults),
    ...checkHeldOver(file, evidence.faults),
    ...checkStoreAway(file, evidence.outages),
    ...(graceful ? checkGraceful(file, unnoticed) : []),
  ];
  return [
    ...callFiles(evidence).flatMap(ofCall),
    ...checkWatches(evidence),
    ...checkPings(evidence),
    ...checkTakeovers(evidence),
    ...checkEpochs(evidence),
    ...checkLostProviders(evidence),
    ...checkLeases(evidence),
    ...checkLeaders(evidence),
    ...checkIncidents(evidence),
    ...checkHealing(evidence),
  ];
}

/**
 * Where nothing worse than graceful restarts happened, no call loses its provider; and where nothing happened that an agent may
 * notice, and a gateway is always there, no request fails and no call waits in vain. (A toolset's only provider may be
 * restarted: then no provider is left. An agent that asks one gateway alone, without repeating, may find it restarting.)
 */
export function checkGraceful(file: CallFile, unnoticed: boolean): Violation[] {
  const steadfast = new Set(file.asked.filter(({ how }) => !how.startsWith("gateway ")).map(({ request }) => request));
  const failed = [...file.refused, ...file.unknown].find(
    ({ request, reason }) => reason !== "ABORTED_BY_AGENT" && steadfast.has(request),
  );
  const terminals = [...file.ended.map(({ terminal }) => terminal), ...readTerminals(file)];
  const lost = terminals.find(({ reason }) => reason === "PROVIDER_LOST");
  const waited = terminals.find(({ kind, reason }) => kind === "not_executed" && reason === "DEADLINE_EXCEEDED");
  const reason = lost?.reason ?? (unnoticed ? (failed ?? waited)?.reason : undefined);
  if (reason === undefined) return [];
  return [
    {
      rule: "graceful restarts fail no call",
      sort: "lost",
      call: file.call,
      message: `failed with ${reason}`,
      evidence: linesOf(file),
    },
  ];
}

/** Processes end when and as they are asked to. */
function checkIncidents({ incidents }: Evidence): Violation[] {
  return incidents.map(({ message, evidence }) => ({
    rule: "processes end when and as they are told to",
    sort: "other",
    message,
    evidence,
  }));
}

/** When all faults are healed, all is healthy again within a bounded time, without a restart. */
function checkHealing({ healing }: Evidence): Violation[] {
  if (healing.healthy) return [];
  return [
    {
      rule: "after healing all is healthy again without a restart",
      sort: "stuck",
      message: `not healthy ${healing.boundMs} ms after the last fault was healed: ${healing.why}`,
      evidence: [],
    },
  ];
}
