import { join } from "node:path";
import { ProgramError } from "./program.js";
import { pollUntil, RedisMember } from "./redis-member.js";

export interface PrivateClusterOptions {
  /** The path of a redis-server or valkey-server. */
  readonly binary: string;
  /** The members' folders are made below it. */
  readonly folder: string;
  /** How many replicas each master has: 0 unless said. */
  readonly replicas?: 0 | 1;
  /** `cluster-node-timeout`; 1,000 unless said. */
  readonly nodeTimeoutMs?: number;
  /** More arguments of every server, such as `["--appendonly", "yes"]`. */
  readonly args?: readonly string[];
}

const MASTERS = 3;
const SLOTS = 16_384;
const FORMS_WITHIN_MS = 20_000;

/** A Redis Cluster of our own on loopback: three masters, with a replica each or without. */
export class PrivateCluster {
  /** The masters at the start, then their replicas in the same order. */
  readonly members: readonly RedisMember[];

  constructor({ binary, folder, replicas = 0, nodeTimeoutMs = 1_000, args = [] }: PrivateClusterOptions) {
    this.members = Array.from({ length: MASTERS * (1 + replicas) }, (_, index) => {
      const own = join(folder, `member-${index}`);
      return new RedisMember({
        binary,
        folder: own,
        readyText: "Ready to accept connections",
        args: (port, busPort) => [
          ...["--port", String(port), "--bind", "127.0.0.1", "--dir", own, "--daemonize", "no", "--save", ""],
          ...["--cluster-enabled", "yes", "--cluster-port", String(busPort)],
          ...["--cluster-node-timeout", String(nodeTimeoutMs), "--cluster-announce-ip", "127.0.0.1"],
          // A replica may always stand for election, however old its link is.
          ...["--cluster-replica-validity-factor", "0", "--cluster-allow-replica-migration", "no"],
          ...["--repl-diskless-sync-delay", "0"],
          ...args,
        ],
      });
    });
  }

  /** `redis+cluster://` with every member, once it has started. */
  get url(): string {
    return `redis+cluster://${this.members.map((member) => member.address).join(",")}`;
  }

  /** Starts all servers, and resolves when they are one cluster in which every slot is served and every replica follows. */
  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()));
    const [first, ...others] = this.members;
    if (first === undefined) return;
    const masters = this.members.slice(0, MASTERS);
    for (const [index, member] of masters.entries()) {
      const [from, to] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / MASTERS));
      await member.query(async (redis) => {
        await redis.call("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
        await redis.call("CLUSTER", "ADDSLOTSRANGE", String(from), String((to ?? 0) - 1));
      });
    }
    await first.query(async (redis) => {
      for (const { port, busPort } of others) await redis.call("CLUSTER", "MEET", "127.0.0.1", port, busPort);
    });
    await this.#until("every member knows every other", async (member) => {
      return (await field(member, "cluster_known_nodes")) === String(this.members.length);
    });
    await this.#until("every slot is served", async (member) => (await field(member, "cluster_state")) === "ok");
    for (const [index, replica] of this.members.slice(MASTERS).entries()) {
      const id = await masters[index]?.query((redis) => redis.call("CLUSTER", "MYID"));
      // A node that has just been met may not be known everywhere yet.
      await pollUntil("a replica knows its master", FORMS_WITHIN_MS, async () => {
        return (await replica.query((redis) => redis.call("CLUSTER", "REPLICATE", String(id)))) === "OK";
      });
    }
    await this.settled();
  }

  /** Resolves when every slot is served, every replica follows its master, and all members that run agree on it. */
  async settled(): Promise<void> {
    await this.#until("the members agree", async (member) => {
      const [role, , , state] = (await member.query((redis) => redis.call("ROLE"))) as string[];
      if (role === "slave" && state !== "connected") return false;
      if ((await field(member, "cluster_state")) !== "ok") return false;
      const { masters, replicas } = await this.#roles(member);
      return masters.length === MASTERS && masters.length + replicas.length === this.#running().length;
    });
  }

  /** The members that serve slots now. */
  async masters(): Promise<readonly RedisMember[]> {
    return (await this.#roles()).masters;
  }

  /** The members that follow a master now. */
  async replicas(): Promise<readonly RedisMember[]> {
    return (await this.#roles()).replicas;
  }

  /** The member that serves a key's slot now. */
  async masterOf(key: string): Promise<RedisMember> {
    return await this.#anyMember(async (member) =>
      member.query(async (redis) => {
        const slot = Number(await redis.call("CLUSTER", "KEYSLOT", key));
        for (const [from, to, [, port]] of (await redis.call("CLUSTER", "SLOTS")) as SlotRange[]) {
          const master = this.members.find((one) => one.port === port);
          if (from <= slot && slot <= to && master !== undefined) return master;
        }
        throw new ProgramError(`no master serves slot ${slot}`);
      }),
    );
  }

  /** Ends all servers. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }

  #running(): readonly RedisMember[] {
    return this.members.filter((member) => member.running);
  }

  async #until(awaited: string, look: (member: RedisMember) => Promise<boolean>): Promise<void> {
    for (const member of this.#running()) await pollUntil(awaited, FORMS_WITHIN_MS, () => look(member));
  }

  /** What the first member that answers says. */
  async #anyMember<T>(question: (member: RedisMember) => Promise<T>): Promise<T> {
    let last: unknown = new ProgramError("no member of the cluster runs");
    for (const member of this.#running()) {
      try {
        return await question(member);
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  /** The role of each member, as one member sees it, or the one that answers first. */
  async #roles(asked?: RedisMember) {
    const look = async (member: RedisMember) => {
      const text = String(await member.query((redis) => redis.call("CLUSTER", "NODES")));
      const nodes = text
        .trim()
        .split("\n")
        .map((line) => line.split(" "));
      const withFlag = (flag: string, needsSlots: boolean) =>
        nodes.flatMap(([, address = "", flags = "", , , , , link, ...slots]) => {
          const words = flags.split(",");
          const lost = words.includes("fail") || (link !== "connected" && !words.includes("myself"));
          if (!words.includes(flag) || lost || (needsSlots && slots.length === 0)) return [];
          const port = Number(/:(\d+)@/.exec(address)?.[1]);
          return this.#running().filter((one) => one.port === port);
        });
      return { masters: withFlag("master", true), replicas: withFlag("slave", false) };
    };
    return asked === undefined ? await this.#anyMember(look) : await look(asked);
  }
}

/** A line of CLUSTER SLOTS: first slot, last slot, the master's host and port. */
type SlotRange = [from: number, to: number, master: [host: string, port: number]];

async function field(member: RedisMember, name: string): Promise<string | undefined> {
  const info = String(await member.query((redis) => redis.call("CLUSTER", "INFO")));
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}
