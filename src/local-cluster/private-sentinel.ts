import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ProgramError } from "./program.js";
import { pollUntil, RedisMember } from "./redis-member.js";

export interface PrivateSentinelOptions {
  /** The path of a redis-server. */
  readonly binary: string;
  /** The members' folders are made below it. */
  readonly folder: string;
  /** How many replicas the master has: 1 unless said. */
  readonly replicas?: 1 | 2;
  /**
   * `down-after-milliseconds`; 2,000 unless said. A Sentinel tries to reach a server that it is not connected to once a
   * second: with a second or less it may take a master that it has just heard of for lost, before it has asked it anything.
   */
  readonly downAfterMs?: number;
  /** More arguments of every Redis server, such as `["--appendonly", "yes"]`. */
  readonly args?: readonly string[];
}

const SENTINELS = 3;
const QUORUM = 2;
const FORMS_WITHIN_MS = 20_000;
/** Sentinels that have known a master for so long have a connection to it that is older than a second, in milliseconds. */
const KNOWN_FOR_MS = 3_000;
const NAME = "toolgate";

/** A Redis of our own on loopback with replicas, watched by three Sentinels. */
export class PrivateSentinel {
  /** What the Sentinels call the master. */
  readonly name = NAME;
  /** The Redis servers: the master at the start, then its replicas. */
  readonly members: readonly RedisMember[];
  readonly sentinels: readonly RedisMember[];
  readonly #folder: string;
  readonly #downAfterMs: number;

  constructor({ binary, folder, replicas = 1, downAfterMs = 2_000, args = [] }: PrivateSentinelOptions) {
    this.#folder = folder;
    this.#downAfterMs = downAfterMs;
    this.members = Array.from({ length: 1 + replicas }, (_, index) => {
      const own = join(folder, `member-${index}`);
      return new RedisMember({
        binary,
        folder: own,
        readyText: "Ready to accept connections",
        args: (port) => [
          ...["--port", String(port), "--bind", "127.0.0.1", "--dir", own, "--daemonize", "no", "--save", ""],
          ...["--repl-diskless-sync-delay", "0"],
          ...args,
        ],
      });
    });
    this.sentinels = Array.from({ length: SENTINELS }, (_, index) => {
      const own = join(folder, `sentinel-${index}`);
      return new RedisMember({
        binary,
        folder: own,
        readyText: "Sentinel ID is",
        args: (port) => [join(own, "sentinel.conf"), "--sentinel", "--port", String(port), "--dir", own],
      });
    });
  }

  /** `redis+sentinel://` with every Sentinel, once it has started. */
  get url(): string {
    return `redis+sentinel://${this.sentinels.map((sentinel) => sentinel.address).join(",")}/${NAME}`;
  }

  /** Starts all servers, and resolves when the replicas follow the master and the Sentinels know them and each other. */
  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()));
    const [master, ...replicas] = this.members;
    if (master === undefined) return;
    for (const replica of replicas) await replica.query((redis) => redis.replicaof("127.0.0.1", master.port));
    await this.#replicasFollow(master);
    await Promise.all(
      this.sentinels.map(async (sentinel, index) => {
        // A Sentinel keeps what it has learnt in its own configuration file.
        const own = join(this.#folder, `sentinel-${index}`);
        await mkdir(own, { recursive: true });
        const lines = [
          "bind 127.0.0.1",
          `sentinel monitor ${NAME} 127.0.0.1 ${master.port} ${QUORUM}`,
          `sentinel down-after-milliseconds ${NAME} ${this.#downAfterMs}`,
          // Another attempt, where the first one found no agreement, comes after twice this. A promotion takes a second.
          `sentinel failover-timeout ${NAME} 3000`,
          `sentinel parallel-syncs ${NAME} 2`,
        ];
        await writeFile(join(own, "sentinel.conf"), `${lines.join("\n")}\n`);
        await sentinel.start();
      }),
    );
    await this.settled();
  }

  /** Resolves when every Sentinel knows the others and the replicas that run, and these follow the master. */
  async settled(): Promise<void> {
    const running = this.members.filter((member) => member.running);
    await this.#everySentinel("the Sentinels know all servers", (value) => {
      const others = Number(value("num-other-sentinels")) === SENTINELS - 1;
      return others && value("flags") === "master" && Number(value("num-slaves")) >= running.length - 1;
    });
    await this.#replicasFollow(await this.master());
  }

  /**
   * Resolves when the Sentinels would miss the master as soon as they can. A Sentinel connects to a server once a second at
   * most, and a loss counts from when it tries: one that comes within a second of it is noticed up to a second later.
   */
  async steady(): Promise<void> {
    await this.#everySentinel(
      "the Sentinels have known the master for a while",
      (value) => value("flags") === "master" && Number(value("role-reported-time")) >= KNOWN_FOR_MS,
    );
  }

  /** The server that the Sentinels call the master now. */
  async master(): Promise<RedisMember> {
    let last: unknown = new ProgramError("no Sentinel runs");
    for (const sentinel of this.sentinels.filter((one) => one.running)) {
      try {
        const [, port] = (await sentinel.query((redis) =>
          redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME),
        )) as string[];
        const master = this.members.find((member) => member.port === Number(port));
        if (master !== undefined) return master;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }

  /** The servers that are not the master now. */
  async replicas(): Promise<readonly RedisMember[]> {
    const master = await this.master();
    return this.members.filter((member) => member !== master);
  }

  /** Ends all servers, the Sentinels first. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.sentinels.map((sentinel) => sentinel.stop()));
    await Promise.all(this.members.map((member) => member.stop()));
  }

  /** Resolves when what each Sentinel that runs says of the master is as it should be. */
  async #everySentinel(awaited: string, fits: (value: (field: string) => string) => boolean): Promise<void> {
    for (const sentinel of this.sentinels.filter((one) => one.running)) {
      await pollUntil(awaited, FORMS_WITHIN_MS, async () => {
        const fields = (await sentinel.query((redis) => redis.call("SENTINEL", "MASTER", NAME))) as string[];
        return fits((field) => fields[fields.indexOf(field) + 1] ?? "");
      });
    }
  }

  async #replicasFollow(master: RedisMember): Promise<void> {
    const wanted = this.members.filter((member) => member.running).length - 1;
    await pollUntil("the replicas follow the master", FORMS_WITHIN_MS, async () => {
      const [, , replicas] = (await master.query((redis) => redis.call("ROLE"))) as [string, number, string[][]];
      if (replicas.length < wanted) return false;
      for (const replica of this.members.filter((member) => member.running && member !== master)) {
        const [role, , , state] = (await replica.query((redis) => redis.call("ROLE"))) as string[];
        if (role !== "slave" || state !== "connected") return false;
      }
      return true;
    });
  }
}
