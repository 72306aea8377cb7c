import { setTimeout as delay } from "node:timers/promises";
import { type Gateway, gatewayOfNode } from "../chaos-cluster.js";
import { freeze } from "../freeze.js";
import { PingObserver } from "../ping-observer.js";
import { SeededRandom } from "../seeded-random.js";
import { NODE_SETTINGS } from "../settings.js";
import { type Figure, timeFigure } from "./figure.js";
import { type Scene, withCluster } from "./scene.js";
import { until } from "./until.js";

const INTERVAL_MS = NODE_SETTINGS.TOOLGATE_PING_INTERVAL_MS;
const BOUND_MS = NODE_SETTINGS.TOOLGATE_LOCK_TTL_MS + INTERVAL_MS;
/** Well beyond the bound, in milliseconds. */
const FREEZE_MS = 3 * BOUND_MS;

/** The gateway that pings is killed, or stands still, at any moment of its interval; the next ping is another one's. */
export async function lostPinger(scene: Scene): Promise<Figure[]> {
  const rounds = scene.quick ? 1 : 12;
  const random = new SeededRandom(scene.seed).fork("lost-pinger");
  return await withCluster(scene, { toolsets: { notes: 1 } }, async ({ store, gateways }) => {
    const observer = new PingObserver(store);
    await observer.start();
    /** Loses the pinger; resolves to the time from there to the next ping. */
    const lose = async (
      how: (pinger: Gateway) => Promise<{ readonly atMs: number; readonly back: Promise<unknown> }>,
    ) => {
      const pinger = await until("a gateway pings", () => pingerOf(observer, gateways), scene.signal);
      await delay(random.integer(0, INTERVAL_MS), undefined, { signal: scene.signal });
      const { atMs, back } = await how(pinger);
      const next = await until(
        "the next ping comes",
        () => observer.pings.find((ping) => ping.atMs > atMs),
        scene.signal,
      );
      scene.say(`${pinger.member.name} is lost; the next ping after ${Math.round(next.atMs - atMs)} ms`);
      await back;
      return next.atMs - atMs;
    };
    const killed: number[] = [];
    const frozen: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      killed.push(
        await lose(async ({ member }) => {
          const atMs = await member.kill();
          return { atMs, back: member.start() };
        }),
      );
      frozen.push(
        await lose(async ({ member }) => {
          const { atMs, thawed } = await freeze(member.pid ?? 0, FREEZE_MS);
          return { atMs, back: thawed };
        }),
      );
    }
    const figure = (what: string, timesMs: readonly number[]): Figure =>
      timeFigure({
        what,
        boundMs: BOUND_MS,
        because: "the lock's ttl 1 s + one interval of 0.5 s",
        timesMs,
        atLeast: rounds,
        counted: `${timesMs.length} times`,
      });
    return [
      figure("next ping after the pinger is killed", killed),
      figure("next ping after the pinger is frozen", frozen),
    ];
  });
}

function pingerOf(observer: PingObserver, gateways: readonly Gateway[]): Gateway | undefined {
  const name = gatewayOfNode(observer.pinger(2 * INTERVAL_MS) ?? "");
  return gateways.find(({ member }) => member.name === name);
}
