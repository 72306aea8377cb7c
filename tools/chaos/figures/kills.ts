import { mkdirSync } from "node:fs";
import { check } from "../check/check.js";
import type { Violation } from "../check/evidence.js";
import type { FaultKind } from "../faults.js";
import { runPhase } from "../phase.js";
import { PingObserver } from "../ping-observer.js";
import { redisOffsetMs } from "../redis-offset.js";
import { planFaults } from "../schedule.js";
import { SeededRandom } from "../seeded-random.js";
import { countFigure, type Figure, thousands } from "./figure.js";
import { type Scene, withCluster } from "./scene.js";

const KINDS: readonly FaultKind[] = ["kill-gateway", "kill-pinger", "kill-provider", "restart-store"];
/** Some are left out when all their targets are down already: this share more is planned. */
const SPARE = 0.1;
/** More than the longest kill and the longest pause after it, in milliseconds. */
const LONGEST_KILL_MS = 6_000;
const QUIET_END_MS = 2_000;

/** Kills of gateways, providers and Redis in turn, under the load of a run with faults; then everything is read back. */
export async function kills(scene: Scene): Promise<Figure[]> {
  const wanted = scene.quick ? 4 : 100;
  return await withCluster(scene, {}, async (cluster) => {
    const observer = new PingObserver(cluster.store);
    await observer.start();
    const planned = planFaults({
      kinds: KINDS,
      durationMs: 2 * wanted * LONGEST_KILL_MS,
      random: new SeededRandom(scene.seed).fork("kills"),
    }).slice(0, Math.ceil(wanted * (1 + SPARE)));
    const lastHealedMs = Math.max(...planned.map(({ atMs, lastsMs }) => atMs + lastsMs));
    mkdirSync(scene.folder, { recursive: true });
    const { evidence } = await runPhase({
      name: "kills",
      cluster,
      observer,
      logs: scene.logs,
      folder: scene.folder,
      seed: scene.seed,
      durationMs: lastHealedMs + QUIET_END_MS,
      schedule: planned,
      agents: 2,
      callsPerSecond: 30,
      maxCalls: Number.MAX_SAFE_INTEGER,
      redisOffsetMs: await redisOffsetMs(cluster.store),
      earlier: new Set(),
      incidents: scene.incidents,
      onFault: ({ number, kind }, target) => scene.say(`kill ${number} of ${planned.length}: ${kind} ${target}`),
      onProgress: scene.say,
      signal: scene.signal,
    });
    const violations = check(evidence);
    const acknowledged = new Set(
      evidence.history.flatMap((event) => (event.kind === "admitted" || event.kind === "ended" ? [event.call] : [])),
    );
    const lost = violations.filter(({ sort }) => sort === "lost").length;
    const done = evidence.faults.length;
    const of = (...names: FaultKind[]): number => evidence.faults.filter(({ kind }) => names.includes(kind)).length;
    return [
      countFigure({
        what: "acknowledged calls lost over 100 kills of gateways, providers and Redis (append-only file on)",
        target: "0",
        measured: String(lost),
        counted: `${thousands(acknowledged.size)} calls; ${of("kill-gateway", "kill-pinger")} kills of gateways, ${of("kill-provider")} of providers, ${of("restart-store")} of Redis (appendfsync always)`,
        against: [
          ...distinct(violations).map(({ rule, call, message }) => `${rule}: ${call ?? ""} ${message}`),
          ...(done < wanted ? [`only ${done} kills were done`] : []),
        ],
      }),
    ];
  });
}

/** The first of those that say the same of different calls. */
function distinct(violations: readonly Violation[]): Violation[] {
  return [...new Map(violations.toReversed().map((one) => [`${one.rule} ${one.message}`, one])).values()].reverse();
}
