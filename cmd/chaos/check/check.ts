import { GRACEFUL } from "../faults.js";
import { checkAcknowledged } from "./acknowledged-calls.js";
import { type CallFile, callFiles, linesOf } from "./call-file.js";
import { checkDeadline } from "./deadlines.js";
import { checkEnded, checkOneTerminal } from "./endings.js";
import type { Evidence, Violation } from "./evidence.js";
import { checkExecutions, checkFence, checkNotExecuted } from "./executions.js";
import { checkPings, checkTakeovers } from "./pings.js";
import { checkReaders } from "./readers.js";
import { totalOutages } from "./total-outages.js";
import { checkWatches } from "./watches.js";

/** Checks what a run left behind against everything that Toolgate promises; nothing comes back when all was kept. */
export function check(evidence: Evidence): Violation[] {
  const { limits } = evidence;
  const outages = totalOutages(evidence.outages, limits.gateways);
  const graceful = evidence.faults.every(({ kind }) => GRACEFUL.has(kind));
  const gatewaysOnly = outages.length === 0 && evidence.faults.every(({ kind }) => kind === "restart-gateway");
  const ofCall = (file: CallFile): Violation[] => [
    ...checkAcknowledged(file),
    ...checkEnded(file),
    ...checkOneTerminal(file),
    ...checkDeadline(file, limits, outages),
    ...checkExecutions(file, limits),
    ...checkNotExecuted(file),
    ...checkFence(file),
    ...checkReaders(file),
    ...(graceful ? checkGraceful(file, gatewaysOnly) : []),
  ];
  return [
    ...callFiles(evidence).flatMap(ofCall),
    ...checkWatches(evidence),
    ...checkPings(evidence),
    ...checkTakeovers(evidence),
    ...checkMishaps(evidence),
    ...checkHealing(evidence),
  ];
}

/**
 * Where nothing worse than graceful restarts happened, no call loses its provider; and while gateways alone are restarted, and
 * one is always there, no request fails. (A toolset's only provider may be restarted: then there is nobody to ask.)
 */
export function checkGraceful(file: CallFile, gatewaysOnly: boolean): Violation[] {
  const failed = [...file.refused, ...file.unknown].find(({ reason }) => reason !== "ABORTED_BY_AGENT");
  const lost = file.ended.find(({ terminal }) => terminal.reason === "PROVIDER_LOST");
  const reason = lost?.terminal.reason ?? (gatewaysOnly ? failed?.reason : undefined);
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

/** Processes end when and as they are told to. */
function checkMishaps({ mishaps }: Evidence): Violation[] {
  return mishaps.map(({ message, evidence }) => ({
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
