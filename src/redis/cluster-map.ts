import type { Redis } from "ioredis";
import type { HostAndPort } from "../config/redis-url.js";
import type { Logger } from "../observe/logger.js";
import { MasterMap, toHostAndPort } from "./master-map.js";
import { reconnect } from "./reconnect.js";

export interface ClusterMapSettings {
  readonly seeds: readonly HostAndPort[];
  /** A connection to a member, for questions only; not connected yet. */
  readonly dial: (member: HostAndPort) => Redis;
  /** Whether to prefer a member's host name to its IP address, as TLS certificates do. */
  readonly byHostname: boolean;
  readonly log: Logger;
}

const SLOTS = 16_384;

/** What one member says of a master. */
interface MasterLine {
  readonly address: string;
  readonly configEpoch: number;
  readonly ranges: readonly (readonly [from: number, to: number])[];
}

/**
 * The master of each slot of a Redis Cluster.
 *
 * Polls every member for its own view, and merges the views as Redis does itself: of two claims
 * on a slot, the one of the higher configuration epoch holds. So a member that is cut off, or has just come back, cannot
 * lead the node to a former master. When no member
 * answers, the seeds are asked, and believed.
 */
export class ClusterMap extends MasterMap {
  readonly #settings: ClusterMapSettings;
  readonly #members = new Map<string, Redis>();
  readonly #owners: (string | undefined)[] = [];
  #epochs: number[] = [];
  #masters: readonly string[] = [];

  constructor(settings: ClusterMapSettings) {
    super();
    this.#settings = settings;
  }

  ownerOf(slot: number): string | undefined {
    return this.#owners[slot];
  }

  get masters(): readonly string[] {
    return this.#masters;
  }

  /** Whether every slot has a master. */
  get complete(): boolean {
    for (let slot = 0; slot < SLOTS; slot++) if (this.#owners[slot] === undefined) return false;
    return true;
  }

  /** @throws when no seed knows a whole cluster. */
  override async start(): Promise<void> {
    await super.start();
    if (this.#masters.length === 0) throw this.discoveryError("no seed of the Redis Cluster answers");
    if (!this.complete) throw new Error("the Redis Cluster does not cover every slot");
  }

  override stop(): void {
    super.stop();
    for (const member of this.#members.values()) member.disconnect();
    this.#members.clear();
  }

  override moved(slot: number, address: string): void {
    if (this.#owners[slot] !== address) {
      this.#owners[slot] = address;
      this.#ownersChanged();
    }
    super.moved(slot, address);
  }

  /** While a master does not answer questions. */
  protected override get needsFastPolling(): boolean {
    return this.#masters.some((address) => this.#members.get(address)?.status !== "ready");
  }

  protected async discover(): Promise<void> {
    const known = [...this.#members].filter(([, member]) => member.status === "ready");
    const answers = await Promise.all(known.map(([address, member]) => this.#queryMember(address, member)));
    if (answers.includes(true) || this.stopped) return;
    // Perhaps it is another cluster by now: whatever it claims holds.
    this.#epochs = [];
    await Promise.all(
      this.#settings.seeds.map(async (seed) => {
        const member = this.#settings.dial(seed);
        try {
          await member.connect();
          await this.#queryMember(`${seed.host}:${seed.port}`, member);
        } catch {
          // another seed may answer, or the next time this one does
        } finally {
          member.disconnect();
        }
      }),
    );
  }

  /** Whether it answered. */
  async #queryMember(address: string, member: Redis): Promise<boolean> {
    try {
      const view = await member.call("CLUSTER", "NODES");
      if (!this.stopped) this.#merge(address, String(view));
      return true;
    } catch (error) {
      this.recordFailure(error);
      // A member that does not answer so small a question is gone, whatever the socket says.
      reconnect(member);
      return false;
    }
  }

  #merge(member: string, view: string): void {
    const { members, masters } = readView(member, view, this.#settings.byHostname);
    let changed = false;
    for (const { address, configEpoch, ranges } of masters) {
      for (const [from, to] of ranges) {
        for (let slot = from; slot <= to; slot++) {
          if (configEpoch < (this.#epochs[slot] ?? -1)) continue;
          this.#epochs[slot] = configEpoch;
          if (this.#owners[slot] !== address) {
            this.#owners[slot] = address;
            changed = true;
          }
        }
      }
    }
    this.#reconcileMembers(members);
    if (changed) this.#ownersChanged();
  }

  /** Keeps a connection for questions to every member. */
  #reconcileMembers(members: readonly string[]): void {
    for (const [address, member] of this.#members) {
      if (members.includes(address) || this.#masters.includes(address)) continue;
      member.disconnect();
      this.#members.delete(address);
    }
    for (const address of members) {
      if (this.#members.has(address)) continue;
      const member = this.#settings.dial(toHostAndPort(address));
      member.connect().catch(() => {}); // it goes on trying
      this.#members.set(address, member);
    }
  }

  #ownersChanged(): void {
    const masters = [...new Set(this.#owners.filter((owner) => owner !== undefined))].sort();
    if (masters.join() !== this.#masters.join()) {
      this.#settings.log.info({ event: "redis_cluster_masters", masters: masters.join(" ") });
    }
    this.#masters = masters;
    this.changed();
  }
}

/** Reads CLUSTER NODES: `<id> <ip:port@bus[,hostname]> <flags> <master> <ping> <pong> <config epoch> <link> <slot>…` per line. */
export function readView(member: string, view: string, byHostname: boolean) {
  const members: string[] = [];
  const masters: MasterLine[] = [];
  for (const line of view.split("\n")) {
    const [, place = "", flags = "", , , , configEpoch, , ...slots] = line.trim().split(" ");
    const [, ip = "", port = "", hostname = ""] = /^(.*):(\d+)(?:@\d+)?(?:,([^,]*))?/.exec(place) ?? [];
    const words = flags.split(",");
    if (words.includes("noaddr") || words.includes("handshake") || port === "" || port === "0") continue;
    // A member that was never met by its address does not know it: we do.
    const host = (byHostname && hostname) || ip || toHostAndPort(member).host;
    const address = `${host}:${port}`;
    members.push(address);
    if (!words.includes("master")) continue;
    // Slots that are on the move stand in brackets, and are still where they were.
    const ranges = slots
      .filter((slot) => /^\d/.test(slot))
      .map((slot) => {
        const [from = 0, to = from] = slot.split("-").map(Number);
        return [from, to] as const;
      });
    masters.push({ address, configEpoch: Number(configEpoch), ranges });
  }
  return { members, masters };
}
