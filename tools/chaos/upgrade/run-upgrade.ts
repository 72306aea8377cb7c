import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Metadata } from "@grpc/grpc-js";
import { LogFolder } from "../../../src/local-cluster/log-folder.js";
import type { Machine } from "../../../src/local-cluster/machine.js";
import { describeExit } from "../../../src/local-cluster/program.js";
import { findRedisServer } from "../../../src/local-cluster/redis-server.js";
import type { GetRegistryResponse__Output } from "../../../src/protocol/generated/toolgate/v1/GetRegistryResponse.js";
import { machineFacts } from "../../bench/machine-facts.js";
import type { LoadMix } from "../call-plan.js";
import { ChaosCluster, type Gateway } from "../chaos-cluster.js";
import { check } from "../check/check.js";
import type { Evidence, Incident } from "../check/evidence.js";
import { answerOf } from "../gateway-client.js";
import { machineMs } from "../machine-clock.js";
import { runPhase } from "../phase.js";
import { PingObserver } from "../ping-observer.js";
import { readBack } from "../read-back.js";
import { redisOffsetMs } from "../redis-offset.js";
import { rollOut } from "../roll-out.js";
import type { PlannedFault } from "../schedule.js";
import { TOOLSETS } from "../settings.js";
import { StandaloneStore } from "../standalone-store.js";
import { todaysBuild } from "./build.js";
import { failedRequests } from "./failed-requests.js";
import { withFutureBuild } from "./future-build.js";
import { lastRelease, unpackRelease } from "./recorded-release.js";
import { type Leg, type Pass, planPasses } from "./upgrade-plan.js";
import { type Way, wayText } from "./upgrade-report.js";

export interface UpgradeOptions {
  readonly seed: string;
  /** Fewer passes and a shorter load: shows that it works. */
  readonly quick: boolean;
  /** The tarball of the release to upgrade from; the last recorded one unless said. */
  readonly release: string | undefined;
  /** A folder of the run's own. */
  readonly folder: string;
  readonly machine: Machine;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Which toolset's providers are replaced by ones with another contract while the cluster is mixed. */
const ROLLED_OUT = "orders";
/** Agents of both SDKs. */
const AGENTS = 2;
/** How long a node that was killed is away, in milliseconds. */
const AWAY_MS = 500;
const HEAL_WITHIN_MS = 15_000;
const SETTLE_WITHIN_MS = 20_000;
/** The load ends with the last step; this is when it would without, in milliseconds. */
const AT_MOST_MS = 300_000;
const ANSWER_WITHIN_MS = 5_000;

/** How much a run has. */
interface Size {
  /** The load alone, before, between and after the steps, in milliseconds. */
  readonly undisturbedMs: number;
  readonly callsPerSecond: number;
  /** The toolsets and how many providers serve each. */
  readonly toolsets: Readonly<Record<keyof typeof TOOLSETS, number>>;
  /** Every call has time enough, whatever restarts meanwhile: one that fails was failed by an upgrade. */
  readonly mix: Partial<LoadMix>;
}

const LONG: Size = {
  undisturbedMs: 1_500,
  callsPerSecond: 100,
  toolsets: TOOLSETS,
  mix: { long: 0.25, longMs: [700, 2_000], timeoutMs: [10_000, 12_000], twice: 0.1, output: 0.4, withoutId: 0.2 },
};

const QUICK: Size = {
  undisturbedMs: 300,
  callsPerSecond: 30,
  toolsets: { orders: 2, notes: 1 },
  mix: { long: 0.2, longMs: [300, 900], timeoutMs: [12_000, 15_000], twice: 0.1, output: 0.4, withoutId: 0.2 },
};

/** Settings of the nodes beside those of every run: a node's restart is no reason to take a provider for silent. */
const SETTINGS = { TOOLGATE_MISSED_PINGS: 8 };

/** Takes clusters under load from one build to another and back, node by node, and checks what they left behind. */
export async function runUpgrade(options: UpgradeOptions) {
  const { quick, machine, onLine, seed } = options;
  const server = await findRedisServer(machine);
  if (server === undefined) {
    throw new Error("No redis-server 7.0 or newer is on the PATH: install one (Debian: apt-get install redis-server).");
  }
  const tarball = options.release ?? lastRelease();
  if (tarball === undefined) throw new Error("No release is recorded: npm run release:record does that.");
  const recorded = await unpackRelease(tarball, machine);
  const beganMs = machineMs();
  const ways = await withFutureBuild(async (future) => {
    const passes = planPasses({ recorded, today: todaysBuild(), future }, quick);
    const done: Way[] = [];
    for (const [index, pass] of passes.entries()) {
      const names = pass.builds.map(({ name, version }) => (name === version ? name : `${name} (${version})`));
      onLine(`pass ${index + 1} of ${passes.length}: ${names.join(" and ")}`);
      const ways = await runPass(options, server.path, pass, join(options.folder, `pass-${index + 1}`));
      for (const way of ways) onLine(wayText(way));
      done.push(...ways);
    }
    return done;
  });
  const tookSeconds = Math.round((machineMs() - beganMs) / 1_000);
  return { ways, facts: { machine: machineFacts(server.version), seed, quick, tookSeconds } };
}

/** What a way of a pass left behind. */
interface Done {
  readonly legs: readonly Leg[];
  readonly evidence: Evidence;
}

async function runPass(options: UpgradeOptions, redisServer: string, pass: Pass, folder: string): Promise<Way[]> {
  const { seed, quick, onLine } = options;
  const size = quick ? QUICK : LONG;
  // Of its own: what listens to it goes with the pass.
  const signal = AbortSignal.any([options.signal]);
  const logs = new LogFolder(join(folder, "logs"));
  const store = new StandaloneStore(redisServer, join(folder, "redis"));
  const incidents: Incident[] = [];
  const [first] = pass.builds;
  const sdks = pass.builds.map(({ root }) => root);
  const cluster = new ChaosCluster({
    ...{ store, folder, logs, sdks, settings: SETTINGS, toolsets: size.toolsets },
    root: first.root,
    faketime: undefined,
    onLost: (who, exit, output) => {
      const message = `${who} ended by itself with ${describeExit(exit)}`;
      incidents.push({ atMs: machineMs(), message, evidence: output.slice(-40) });
    },
  });
  let done: Done[] = [];
  try {
    await cluster.start();
    const observer = new PingObserver(store);
    await observer.start();
    const offsetMs = await redisOffsetMs(store);
    const earlier = new Set<string>();
    for (const [index, legs] of pass.ways.entries()) {
      const startMs = machineMs();
      const say = (text: string): void =>
        onLine(`${((machineMs() - startMs) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
      const { evidence } = await runPhase({
        ...{ name: `way-${index + 1}`, cluster, observer, logs, folder, seed, incidents, signal, sdks, earlier },
        durationMs: AT_MOST_MS,
        schedule: [],
        steps: async (inject) => {
          for (const leg of legs) await take(leg, { cluster, inject, incidents, signal, say, size });
        },
        mix: size.mix,
        agents: AGENTS,
        callsPerSecond: size.callsPerSecond,
        maxCalls: 1_000_000,
        awaitDeadlines: quick ? "open" : "all",
        healWithinMs: HEAL_WITHIN_MS,
        settleWithinMs: SETTLE_WITHIN_MS,
        redisOffsetMs: offsetMs,
        onFault: () => {},
        onProgress: say,
      });
      for (const { call } of evidence.records) earlier.add(call);
      // What nodes of both builds wrote is read again by those of the build that comes last.
      done = await Promise.all(done.map((former) => readAgain(former, cluster, signal)));
      done.push({ legs, evidence });
    }
  } finally {
    const complaints = await cluster.stop();
    await logs.close();
    for (const message of complaints) onLine(`at the end: ${message}`);
  }
  return done.map(({ legs, evidence }) => ({
    ...{ legs, evidence },
    violations: check(evidence),
    failed: failedRequests(evidence),
  }));
}

/** The same with further readings of each call. */
async function readAgain(done: Done, { gateways }: ChaosCluster, signal: AbortSignal): Promise<Done> {
  const { records } = done.evidence;
  const calls = records.map(({ call }) => call);
  const clients = gateways.map(({ client }) => client);
  const again = new Map((await readBack(calls, clients, signal)).map(({ call, readings }) => [call, readings]));
  const both = records.map(({ call, readings }) => ({ call, readings: [...readings, ...(again.get(call) ?? [])] }));
  return { ...done, evidence: { ...done.evidence, records: both } };
}

interface Steps {
  readonly cluster: ChaosCluster;
  readonly inject: (fault: PlannedFault) => Promise<void>;
  readonly incidents: Incident[];
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
  readonly size: Size;
}

/** Restarts one node after the other with the other build; after the first one, providers change their contract. */
async function take({ to, ending, contract }: Leg, steps: Steps): Promise<void> {
  const { cluster, inject, incidents, signal, say, size } = steps;
  const pause = (): Promise<void> => delay(size.undisturbedMs, undefined, { signal });
  const { gateways } = cluster;
  await pause();
  for (const [index, gateway] of gateways.entries()) {
    cluster.changeBuild(gateway, to.root);
    const kind = ending === "SIGTERM" ? "restart-gateway" : "kill-gateway";
    const which = (index + 0.5) / gateways.length;
    await inject({ number: index + 1, kind, atMs: 0, lastsMs: ending === "SIGTERM" ? 0 : AWAY_MS, which, how: 0 });
    const version = await versionOf(gateway);
    say(`${gateway.member.name} came back after ${ending} as ${version}`);
    if (version !== to.version) {
      const message = `${gateway.member.name} says that it is ${version}, and is to be ${to.version}`;
      incidents.push({ atMs: machineMs(), message, evidence: [] });
    }
    await pause();
    if (index > 0 || contract === undefined) continue;
    await rollOut(cluster, ROLLED_OUT, contract, signal);
    say(`${ROLLED_OUT} changed to contract ${contract}`);
    await pause();
  }
}

async function versionOf({ client }: Gateway): Promise<string> {
  const connected = new Metadata({ waitForReady: true }); // the connection to the former process may not have been made anew yet
  const { version } = await answerOf<GetRegistryResponse__Output>((callback) =>
    client.catalog.getRegistry({}, connected, { deadline: Date.now() + ANSWER_WITHIN_MS }, callback),
  );
  return version;
}
