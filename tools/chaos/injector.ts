import { setTimeout as delay } from "node:timers/promises";
import { keyspaceOf } from "./call-ids.js";
import { type ChaosCluster, type Gateway, gatewayOfNode, type Provider } from "./chaos-cluster.js";
import type { Incident, InjectedFault, Outage } from "./check/evidence.js";
import { dropChanges, dropGroups, dropScripts } from "./drop-redis-state.js";
import { FAULT_SHAPES, type FaultKind } from "./faults.js";
import { freeze } from "./freeze.js";
import { machineMs } from "./machine-clock.js";
import type { Member } from "./member.js";
import type { PingObserver } from "./ping-observer.js";
import type { PlannedFault } from "./schedule.js";
import { CROWD, HALF_OPEN_NOTICED_MS, LIMITS } from "./settings.js";
import type { ProxyMode } from "./tcp-proxy.js";

export interface InjectorOptions {
  readonly cluster: ChaosCluster;
  readonly observer: PingObserver;
  /** Receives each fault as it is done, and as it is healed. */
  readonly onFault: (fault: PlannedFault, target: string, remark: string) => void;
}

/** What a fault did, once it is healed: all by the machine's clock. */
type Done = Pick<InjectedFault, "atMs" | "healedAtMs">;

/** The outage in between; absent where no gateway was out. */
type Damage = Done & { readonly outage?: Omit<Outage, "who"> };

/** How far a clock is stepped, in seconds. */
const STEPS_S = [-3_600, -60, -5, 5, 60, 3_600];
/** When all pings of the last intervals came from one node, it is the pinger. */
const PINGER_FRESH_MS = 3 * LIMITS.pingIntervalMs;

/** Does faults to a cluster, and writes down what it did. */
export class Injector {
  /** All by the machine's clock. */
  readonly faults: InjectedFault[] = [];
  readonly outages: Outage[] = [];
  readonly incidents: Incident[] = [];
  readonly #options: InjectorOptions;
  readonly #busy = new Set<string>();

  constructor(options: InjectorOptions) {
    this.#options = options;
  }

  /** Does one fault and heals it; resolves when it is healed. One whose every target is under another fault is left out. */
  async inject(fault: PlannedFault): Promise<void> {
    const { cluster, observer, onFault } = this.#options;
    const pinger = gatewayOfNode(observer.pinger(PINGER_FRESH_MS) ?? "");
    const target = this.#choose(fault, pinger);
    if (target === undefined) {
      onFault(fault, "", "left out: every target is under another fault");
      return;
    }
    this.#busy.add(target);
    onFault(fault, target, "");
    try {
      const gateway = cluster.gateways.find(({ member }) => member.name === target);
      const provider = cluster.providers.find(({ member }) => member.name === target);
      const damage = await this.#do(fault, gateway, provider);
      const { atMs, healedAtMs, outage } = damage;
      const hitPinger = target === pinger && (outage !== undefined || fault.kind === "restart-gateway");
      this.faults.push({ number: fault.number, kind: fault.kind, target, atMs, healedAtMs, hitPinger });
      if (outage !== undefined) this.outages.push({ who: target, ...outage });
    } finally {
      this.#busy.delete(target);
    }
  }

  #choose({ kind, which }: PlannedFault, pinger: string): string | undefined {
    const { cluster } = this.#options;
    const gateways = cluster.gateways.map(({ member }) => member.name);
    const providers = cluster.providers.map(({ member }) => member.name);
    const among = (names: readonly string[]): string | undefined => {
      const free = names.filter((name) => !this.#busy.has(name));
      return free[Math.floor(which * free.length)];
    };
    const { target } = FAULT_SHAPES[kind];
    switch (target) {
      case "gateway":
        return among(gateways);
      case "pinger":
        return among([pinger].filter((name) => gateways.includes(name))) ?? among(gateways);
      case "provider":
        return among(providers);
      case "clock":
        return among([...gateways, ...providers]);
      case "crowd":
        return among(["crowd"]);
      case "store":
        return among(["store"]);
      default:
        return target satisfies never;
    }
  }

  async #stop(member: Member): Promise<void> {
    const atMs = machineMs();
    const { code, signal } = await member.stop();
    if (code === 0) return;
    const message = `${member.name} ended with ${signal ?? `status ${code}`} when it was told to stop`;
    this.incidents.push({ atMs, message, evidence: member.output.slice(-40) });
  }

  async #do(fault: PlannedFault, gateway: Gateway | undefined, provider: Provider | undefined): Promise<Damage> {
    const { kind, lastsMs } = fault;
    switch (kind) {
      case "kill-gateway":
      case "kill-pinger":
      case "kill-provider": {
        const { member } = must(gateway ?? provider);
        const atMs = await member.kill();
        await delay(lastsMs);
        await member.start();
        return whileOut(atMs, machineMs());
      }
      case "freeze-gateway":
      case "freeze-pinger":
      case "freeze-provider": {
        const { pid } = must(gateway ?? provider).member;
        const frozen = await freeze(must(pid), lastsMs);
        return whileOut(frozen.atMs, await frozen.thawed);
      }
      case "restart-gateway":
      case "restart-provider": {
        const { member } = must(gateway ?? provider);
        const atMs = machineMs();
        await this.#stop(member);
        await delay(lastsMs);
        await member.start();
        return whileOut(atMs, machineMs());
      }
      case "storm": {
        const atMs = machineMs();
        const crowd = this.#options.cluster.addCrowd(CROWD.toolset, CROWD.providers);
        await crowd.start();
        await delay(lastsMs);
        await this.#stop(crowd);
        return { atMs, healedAtMs: machineMs() };
      }
      case "restart-store": {
        const { store } = this.#options.cluster;
        if (store.kind !== "single") throw new Error("The fault does not fit its target.");
        const atMs = machineMs();
        await store.crash();
        await delay(lastsMs);
        await store.recover();
        return whileOut(atMs, machineMs());
      }
      case "long-outage": {
        const { store } = this.#options.cluster;
        if (store.kind !== "single") throw new Error("The fault does not fit its target.");
        const frozen = await freeze(store.pid, lastsMs);
        return whileOut(frozen.atMs, await frozen.thawed);
      }
      case "kill-master":
      case "freeze-master": {
        const { store } = this.#options.cluster;
        if (store.kind !== "group") throw new Error("The fault does not fit its target.");
        const { shards } = keyspaceOf(store.shards);
        const { toolsets } = must(shards[Math.floor(fault.which * shards.length)]);
        const atMs = machineMs();
        await store.failOver(kind === "kill-master" ? "kill" : "freeze", toolsets);
        return whileOut(atMs, machineMs());
      }
      case "flush": {
        const atMs = machineMs();
        await this.#options.cluster.store.flush();
        return { atMs, healedAtMs: machineMs() };
      }
      case "forget-scripts":
      case "forget-groups":
      case "forget-changes": {
        const { store } = this.#options.cluster;
        if (store.kind !== "single") throw new Error("The fault does not fit its target.");
        const atMs = machineMs();
        await FORGET[kind](store);
        return { atMs, healedAtMs: machineMs() };
      }
      case "step-clock": {
        const clock = must((gateway ?? provider)?.clock);
        const atMs = machineMs();
        clock.step(STEPS_S[Math.floor(fault.how * STEPS_S.length)] ?? 60);
        await delay(lastsMs);
        clock.step(0);
        return { atMs, healedAtMs: machineMs() };
      }
      default: {
        const link = LINK_FAULTS[kind];
        const proxy = must(gateway)[link.proxy];
        const atMs = machineMs();
        proxy.set(link.mode);
        await delay(lastsMs);
        proxy.set("pass");
        const healedAtMs = machineMs();
        if (link.proxy !== "storeLink") return { atMs, healedAtMs };
        return { atMs, healedAtMs, outage: { fromMs: atMs, toMs: healedAtMs + link.noticedMs } };
      }
    }
  }
}

/** What Redis loses. */
const FORGET = {
  "forget-scripts": dropScripts,
  "forget-groups": dropGroups,
  "forget-changes": dropChanges,
};

/** Which proxy fails how, and how long after the healing a gateway may still be out, in milliseconds. */
const LINK_FAULTS = {
  "cut-store-link": { proxy: "storeLink", mode: "refuse", noticedMs: 0 },
  "stall-store-link": { proxy: "storeLink", mode: "stall", noticedMs: 0 },
  "blackhole-store-link": { proxy: "storeLink", mode: "swallow", noticedMs: HALF_OPEN_NOTICED_MS },
  "lose-store-replies": { proxy: "storeLink", mode: "mute", noticedMs: 0 },
  "cut-agent-link": { proxy: "agentLink", mode: "refuse", noticedMs: 0 },
  "blackhole-agent-link": { proxy: "agentLink", mode: "swallow", noticedMs: 0 },
  "lose-agent-replies": { proxy: "agentLink", mode: "mute", noticedMs: 0 },
  "cut-provider-link": { proxy: "providerLink", mode: "refuse", noticedMs: 0 },
  "blackhole-provider-link": { proxy: "providerLink", mode: "swallow", noticedMs: 0 },
  "lose-provider-frames": { proxy: "providerLink", mode: "mute", noticedMs: 0 },
} as const satisfies Partial<
  Record<
    FaultKind,
    { readonly proxy: "storeLink" | "agentLink" | "providerLink"; readonly mode: ProxyMode; readonly noticedMs: number }
  >
>;

function whileOut(fromMs: number, toMs: number): Damage {
  return { atMs: fromMs, healedAtMs: toMs, outage: { fromMs, toMs } };
}

/** What the schedule and the choice of the target make sure of. */
function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("The fault does not fit its target.");
  return value;
}
