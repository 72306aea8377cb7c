import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { LogFolder } from "../../src/local-cluster/log-folder.js";
import { Program } from "../../src/local-cluster/program.js";
import type { LoadMix } from "./call-plan.js";
import { isPlaceholder, resolveIds } from "./calls-without-id.js";
import type { ChaosCluster } from "./chaos-cluster.js";
import { AFTER_DEADLINE_MS } from "./check/deadlines.js";
import type { Evidence, Incident, Limits } from "./check/evidence.js";
import type { AgentOptions } from "./drive-load.js";
import { type HistoryEvent, parseLines } from "./history.js";
import { Injector } from "./injector.js";
import { probeLeases } from "./lease-probe.js";
import { readLedgers } from "./ledger.js";
import { machineMs } from "./machine-clock.js";
import { Monitor } from "./monitor.js";
import type { PingObserver } from "./ping-observer.js";
import { readBack } from "./read-back.js";
import type { PlannedFault } from "./schedule.js";
import { HEAL_WITHIN_MS, LIMITS, SETTLE_WITHIN_MS } from "./settings.js";

/** A stretch of load under some faults, after which everything is read back: what happened before it is over by then. */
export interface PhaseOptions {
  readonly name: string;
  readonly cluster: ChaosCluster;
  readonly observer: PingObserver;
  readonly logs: LogFolder;
  readonly folder: string;
  readonly seed: string;
  readonly durationMs: number;
  readonly schedule: readonly PlannedFault[];
  /** What is done beside the faults, and is no fault: it excuses no failure. */
  readonly meanwhile?: (() => Promise<void>) | undefined;
  /** Faults that are done one after the other, each when the one before is healed; the load ends when this resolves. */
  readonly steps?: ((inject: (fault: PlannedFault) => Promise<void>) => Promise<void>) | undefined;
  readonly agents: number;
  /** Of all agents together. */
  readonly callsPerSecond: number;
  readonly maxCalls: number;
  /** What the calls are like; as in every run with faults unless said. */
  readonly mix?: Partial<LoadMix> | undefined;
  /** What the check allows, where the cluster's settings are not those of every run. */
  readonly limits?: Limits | undefined;
  /** How long all may take to become healthy, in milliseconds. */
  readonly healWithinMs?: number;
  /** How long the agents' last requests may take after the load, in milliseconds. */
  readonly settleWithinMs?: number;
  /**
   * Whose deadlines are waited for before calls are read back: of all unless said, so that also a run that begins after its call has
   * ended is seen; or of those only whose end no agent saw.
   */
  readonly awaitDeadlines?: "all" | "open";
  /** The folder of another build that agents are to run from. */
  readonly root?: string | undefined;
  /** The folders of the builds whose SDKs the agents use in turn, while they themselves run from this build. */
  readonly sdks?: readonly string[] | undefined;
  /** What Redis's clock shows more than the machine's monotonic one, in milliseconds. */
  readonly redisOffsetMs: number;
  /** Calls of earlier phases, which are no business of this one. */
  readonly earlier: ReadonlySet<string>;
  /** Filled by the processes' supervisors. */
  readonly incidents: readonly Incident[];
  readonly onFault: (fault: PlannedFault, target: string, remark: string) => void;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface PhaseResult {
  readonly evidence: Evidence;
  /** When all was well for the first time in questions asked after a time; by Redis's clock. */
  readonly wellSince: (fromMs: number) => number | undefined;
}

/** Redis may have been asked for a deadline a little later than the agent asked; the last calls are read after that. */
const MARGIN_MS = 1_000;

/** How long an agent may take to start, in milliseconds. */
const DRIVING_WITHIN_MS = 30_000;

/** Runs one phase: load and faults together, then healing, then everything is read back from every gateway. */
export async function runPhase(options: PhaseOptions): Promise<PhaseResult> {
  const { cluster, observer, folder, name, signal, onProgress } = options;
  const { limits = LIMITS, healWithinMs = HEAL_WITHIN_MS, settleWithinMs = SETTLE_WITHIN_MS } = options;
  const historyFolder = join(folder, `history-${name}`);
  mkdirSync(historyFolder, { recursive: true });
  const firstPing = observer.pings.length;
  const firstIncident = options.incidents.length;
  const injector = new Injector(options);
  const monitor = new Monitor({
    gateways: cluster.gateways.map(({ client }) => client),
    toolsets: cluster.toolsets,
    credentials: cluster.credentials,
    historyFile: join(historyFolder, "monitor.jsonl"),
    runId: `${options.seed}/${name}/monitor`,
    shards: cluster.store.shards,
  });
  monitor.start();
  await untilWell(monitor, machineMs(), healWithinMs, signal);
  const agents = startAgents(options, historyFolder);
  try {
    // On a busy machine a process takes seconds to start: without load there would be nothing for a fault to hit.
    await Promise.all(
      agents.map((agent) => agent.line("it drives", (line) => line === "driving" || undefined, DRIVING_WITHIN_MS)),
    );
    await Promise.all([injectAll(options.schedule, injector, machineMs(), signal), options.meanwhile?.()]);
    if (options.steps !== undefined) {
      await options.steps((fault) => injector.inject(fault));
      for (const agent of agents) agent.signal("SIGUSR2");
    }
    onProgress("all faults are healed; waiting until all is healthy");
    const healedMs = machineMs();
    const wellMs = await untilWell(monitor, healedMs, healWithinMs, signal);
    const complaint = monitor.complaint();
    onProgress("waiting for the agents' last requests to come to an outcome");
    const deadline = delay(options.durationMs + settleWithinMs, undefined, { ref: false });
    const allEnded = Promise.all(agents.map((agent) => agent.ended()));
    await Promise.race([allEnded, deadline, aborted(signal)]);
    signal.throwIfAborted();
    await Promise.all(agents.map((agent) => agent.stop(1_000)));
    await monitor.stop();
    const leaseProbe =
      wellMs === undefined ? undefined : await probeLeases(cluster.gateways.map(({ client }) => client));
    const told = readHistory(historyFolder, options.redisOffsetMs);
    const awaited = options.awaitDeadlines === "open" ? withoutEnded(told) : told;
    await delay(Math.max(0, lastDeadlineMs(awaited) - options.redisOffsetMs - machineMs()), undefined, { signal });
    const ownLedger = () => readLedgers(cluster.ledgerFolder).filter(({ call }) => !options.earlier.has(call));
    const history = resolveIds(told, ownLedger());
    const asked = new Set(history.flatMap((event) => (event.kind === "watched" ? [] : [event.call])));
    const calls = [...asked].filter((call) => !isPlaceholder(call));
    onProgress(`reading ${calls.length} calls back from every gateway, from every cursor`);
    const records = await readBack(
      calls,
      cluster.gateways.map(({ client }) => client),
      signal,
    );
    const offset = options.redisOffsetMs;
    const agentIncidents = (await allEnded).flatMap(({ code }, index) =>
      code === 0
        ? []
        : [
            {
              atMs: machineMs(),
              message: `agent ${index + 1} ended with status ${code}`,
              evidence: agents[index]?.output.slice(-20) ?? [],
            },
          ],
    );
    const evidence: Evidence = {
      limits,
      history,
      ledger: ownLedger().map((line) => ({ ...line, atMs: line.atMs + offset })),
      records,
      pings: observer.pings.slice(firstPing).map((ping) => ({ ...ping, atMs: ping.atMs + offset })),
      faults: injector.faults
        .map((fault) => ({ ...fault, atMs: fault.atMs + offset, healedAtMs: fault.healedAtMs + offset }))
        .sort((a, b) => a.atMs - b.atMs),
      outages: injector.outages.map((one) => ({ ...one, fromMs: one.fromMs + offset, toMs: one.toMs + offset })),
      incidents: [...options.incidents.slice(firstIncident), ...injector.incidents, ...agentIncidents],
      healing: {
        healthy: wellMs !== undefined,
        tookMs: (wellMs ?? machineMs()) - healedMs,
        boundMs: healWithinMs,
        why: complaint,
      },
      leaders: cluster.leaders.map((note) => ({ ...note, atMs: note.atMs + offset })),
      leaseProbe,
      observedUntilMs: machineMs() + offset,
    };
    const wellSince = (fromMs: number): number | undefined => {
      const found = monitor.wellSince(fromMs - offset);
      return found === undefined ? undefined : found + offset;
    };
    return { evidence, wellSince };
  } finally {
    await Promise.all(agents.map((agent) => agent.stop(1_000)));
    await monitor.stop();
  }
}

function startAgents(options: PhaseOptions, historyFolder: string): Program[] {
  const {
    agents,
    callsPerSecond,
    maxCalls,
    cluster,
    logs,
    name,
    seed,
    durationMs,
    mix = {},
    root,
    sdks = [],
  } = options;
  return Array.from({ length: agents }, (_, index) => {
    const agent = `agent-${index + 1}`;
    const order: AgentOptions = {
      agent,
      nodes: cluster.agentAddresses,
      shards: cluster.store.shards,
      toolsets: cluster.toolsets,
      keys: cluster.credentials?.byTenant,
      seed: `${seed}/${name}`,
      callsPerSecond: callsPerSecond / agents,
      maxCalls: Math.ceil(maxCalls / agents),
      durationMs,
      mix,
      historyFile: join(historyFolder, `${agent}.jsonl`),
      sdk: sdks[index % sdks.length],
    };
    const program = new Program({
      name: agent,
      entry: "tools/chaos/drive-load.js",
      root: sdks.length === 0 ? root : undefined,
      args: [JSON.stringify(order)],
      onLine: (line) => logs.write(agent, line),
    });
    program.start();
    return program;
  });
}

/** Does all faults, each at its time; resolves when the last one is healed. */
async function injectAll(
  schedule: readonly PlannedFault[],
  injector: Injector,
  startMs: number,
  signal: AbortSignal,
): Promise<void> {
  const healing: Promise<void>[] = [];
  for (const fault of schedule) {
    await delay(Math.max(0, startMs + fault.atMs - machineMs()), undefined, { signal });
    healing.push(injector.inject(fault));
  }
  await Promise.all(healing);
}

/** Waits until every gateway was well in questions asked after a time; undefined when that takes too long. */
async function untilWell(
  monitor: Monitor,
  fromMs: number,
  withinMs: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  for (;;) {
    const wellMs = monitor.wellSince(fromMs);
    if (wellMs !== undefined || machineMs() - fromMs > withinMs) return wellMs;
    await delay(50, undefined, { signal });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

function readHistory(folder: string, offsetMs: number): HistoryEvent[] {
  const events = readdirSync(folder).flatMap((file) =>
    parseLines<HistoryEvent>(readFileSync(join(folder, file), "utf8")),
  );
  return events.map((event) => ({ ...event, atMs: event.atMs + offsetMs })).sort((a, b) => a.atMs - b.atMs);
}

/** What a history says of calls that no agent saw end. */
function withoutEnded(history: readonly HistoryEvent[]): HistoryEvent[] {
  const ended = new Set(history.flatMap((event) => (event.kind === "ended" ? [event.call] : [])));
  return history.filter((event) => event.kind !== "watched" && !ended.has(event.call));
}

/** When every call must have ended, by Redis's clock; times of the history are in it already. */
function lastDeadlineMs(history: readonly HistoryEvent[]): number {
  let latest = 0;
  for (const event of history) {
    if (event.kind === "asked") latest = Math.max(latest, event.atMs + event.timeoutMs);
    if (event.kind === "admitted") latest = Math.max(latest, event.deadlineMs);
  }
  return latest + AFTER_DEADLINE_MS + LIMITS.schedulingMs + MARGIN_MS;
}
