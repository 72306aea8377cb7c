import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Redis } from "ioredis";
import { environment } from "../../src/config/environment.js";
import { connect } from "../../src/index.js";
import { ALLOCATOR } from "../../src/local-cluster/allocator.js";
import { freePort } from "../../src/local-cluster/free-port.js";
import { listeningAddress, listeningOf } from "../../src/local-cluster/listening-line.js";
import { builtProgram } from "../../src/local-cluster/package-root.js";
import { PrivateRedis } from "../../src/local-cluster/private-redis.js";
import { Program } from "../../src/local-cluster/program.js";
import { launchSupervised } from "../../src/local-cluster/supervised-server.js";
import type { AgentCommand } from "./actors/agent.js";
import type { CrowdState, StormCommand } from "./actors/crowd.js";
import type { LoadReport } from "./actors/drive.js";
import { sendCommand } from "./commands.js";
import type { AttackReport, AttackSettings } from "./hostile/attack.js";
import type { LongestTurn } from "./loop-meter.js";
import type { LoopReport } from "./loop-turns.js";
import type { HeldMemory, ProbeCommand } from "./probe.js";

export interface StageSettings {
  /** The path of a redis-server. */
  readonly redisBinary: string;
  /** Whether Redis keeps an append-only file, synced every second. */
  readonly appendOnly: boolean;
  /** Whether a second Redis follows the first. */
  readonly replica: boolean;
  /** The path of a nats-server; nothing where there is none. */
  readonly natsBinary: string | undefined;
  readonly signal: AbortSignal;
}

/** A process that is measured. */
export interface Actor {
  readonly pid: number;
  readonly address: string;
}

/** A node, with the probe inside. */
export interface Gateway extends Actor {
  readonly registry: string;
  /** Where it listens for HTTP, and for its operators; undefined where it does not. */
  readonly httpAddress: string | undefined;
  readonly opsAddress: string | undefined;
  /** What it holds after a garbage collection. */
  memory(): Promise<HeldMemory>;
  /** Measures the turns of its event loop from now on, until the longest is asked for. */
  watchTurns(): Promise<void>;
  longestTurn(): Promise<LongestTurn>;
  /** Watches its event loop from now on. */
  watchLoop(): Promise<void>;
  /** What was seen of its event loop since. */
  loop(): Promise<LoopReport>;
  /** Profiles it from now on. */
  startProfile(): Promise<void>;
  stopProfile(file: string): Promise<void>;
}

/** What stands in for a node, with its provider. */
export interface StandIn {
  readonly gateway: Actor;
  readonly provider: Actor;
}

export interface GatewayOptions {
  /** The cluster's name; another one keeps apart what shares this Redis. */
  readonly registry?: string;
  /** The `dist` of another build of Toolgate. */
  readonly dist?: string;
  /** More flags of `toolgate serve`. */
  readonly flags?: readonly string[];
}

export interface ProviderOptions {
  readonly toolset?: string;
  /** The most calls at once; 10,000 unless said. */
  readonly room?: number;
  /** How many of them, in one process; one unless said. */
  readonly count?: number;
  /** What tells them from those of another process; their number unless said. */
  readonly prefix?: string;
  /** The provider's credential, where the node asks for one. */
  readonly key?: string;
}

/** The toolset that is called, unless another one is named. */
export const TOOLSET = "bench";

const SUPERVISOR_GRACE_MS = 10_000;
const READY_WITHIN_MS = 60_000;
/** How many unfinished calls an epoch may have here. */
const BACKLOG = 50_000;

/** A Redis of its own and the processes around it: all that one measurement needs. Nothing of it outlives the benchmark. */
export class Stage {
  readonly #settings: StageSettings;
  readonly #redis: PrivateRedis;
  readonly #replica: PrivateRedis;
  readonly #programs: Program[] = [];
  readonly #supervisors: Program[] = [];
  #client: Redis | undefined;

  constructor(settings: StageSettings) {
    this.#settings = settings;
    this.#redis = this.#server();
    this.#replica = this.#server();
  }

  #server(): PrivateRedis {
    return new PrivateRedis({
      binary: this.#settings.redisBinary,
      folder: join(tmpdir(), `toolgate-bench-${randomBytes(6).toString("hex")}`),
      removeFolder: true,
      appendOnly: this.#settings.appendOnly,
      args: ["--appendfsync", "everysec", "--repl-diskless-sync-delay", "0"],
    });
  }

  async start(): Promise<void> {
    this.#settings.signal.throwIfAborted();
    await this.#redis.start();
    this.#client = new Redis(this.#redis.url, { lazyConnect: true });
    await this.#client.connect();
    if (this.#settings.replica) await this.#follow();
  }

  /** Starts the replica, and resolves when it is in step. */
  async #follow(): Promise<void> {
    await this.#replica.start();
    const [host = "", port = ""] = this.redisAddress.split(":");
    const replica = new Redis(this.#replica.url);
    try {
      await replica.replicaof(host, Number(port));
      while (!/^master_link_status:up/m.test(await replica.info("replication")))
        await after(20, undefined, { signal: this.#settings.signal });
    } finally {
      replica.disconnect();
    }
  }

  /** Ends all of it, at once: nothing here is worth being finished. Idempotent. */
  async stop(): Promise<void> {
    this.#client?.disconnect();
    this.kill();
    for (const program of this.#programs) await program.ended();
    const supervisors = this.#supervisors.map((supervisor) => supervisor.stop(SUPERVISOR_GRACE_MS));
    await Promise.all([this.#redis.stop(), this.#replica.stop(), ...supervisors]);
  }

  /** Ends the processes without waiting for that; Redis ends with its supervisor. */
  kill(): void {
    for (const program of this.#programs) program.signal("SIGKILL");
  }

  get redis(): Redis {
    if (this.#client === undefined) throw new Error("The stage was not started.");
    return this.#client;
  }

  get redisPid(): number {
    return this.#redis.pid;
  }

  get replicaPid(): number {
    return this.#replica.pid;
  }

  /** `host:port`. */
  get redisAddress(): string {
    return new URL(this.#redis.url).host;
  }

  async gateway({ registry = "bench", dist, flags = [] }: GatewayOptions = {}): Promise<Gateway> {
    const args = ["serve", "--listen", "127.0.0.1:0", "--redis-url", this.#redis.url, "--registry", registry, ...flags];
    const entry = join(dist === undefined ? "." : relative(builtProgram("."), dist), "cmd/toolgate.js");
    const probe = pathToFileURL(builtProgram("tools/bench/probe.js")).href;
    // The settings of the shell that runs the benchmark are not what is measured.
    const own = Object.entries(environment()).filter(([name]) => !/^(TOOLGATE_|REDIS_URL$)/.test(name));
    const program = this.#launch("gateway", entry, [...args, "--log-level", "warn", "--max-backlog", String(BACKLOG)], {
      ...ALLOCATOR,
      ...Object.fromEntries(own),
      NODE_OPTIONS: `--import ${probe}`,
    });
    const { address, httpAddress, opsAddress } = await program.line("it listens", listeningOf, READY_WITHIN_MS);
    const probing = await program.line("its probe listens", probingAddress, READY_WITHIN_MS);
    const ask = <Answer>(command: ProbeCommand): Promise<Answer> =>
      sendCommand(probing, command, this.#settings.signal);
    return {
      pid: program.pid ?? 0,
      ...{ address, httpAddress, opsAddress },
      registry,
      memory: () => ask({ kind: "memory" }),
      watchTurns: () => ask({ kind: "watch_turns" }),
      longestTurn: () => ask({ kind: "longest_turn" }),
      watchLoop: () => ask({ kind: "watch_loop" }),
      loop: () => ask({ kind: "loop" }),
      startProfile: () => ask({ kind: "start_profile" }),
      stopProfile: (file) => ask({ kind: "stop_profile", file }),
    };
  }

  /** A provider of the SDK's, once calls of it succeed. */
  async provider(
    gateway: Gateway,
    { toolset = TOOLSET, room = 10_000, count = 1, prefix = "bench", key }: ProviderOptions = {},
  ): Promise<Actor> {
    const args = [gateway.address, toolset, String(room), String(BACKLOG), String(count), prefix];
    const env = key === undefined ? undefined : { ...environment(), TOOLGATE_KEY: key };
    const pid = await this.#serving("provider", "provider.js", args, env);
    const client = await connect(gateway.address, key === undefined ? {} : { key });
    try {
      await client.invoke(toolset, "echo", { text: "" }, { wait: true, signal: this.#settings.signal });
    } finally {
      await client.close();
    }
    return { pid, address: gateway.address };
  }

  async agent(): Promise<Agent> {
    const { pid, address } = await this.#listening("agent", "agent.js");
    return {
      pid,
      load: (command) => sendCommand(address, { ...command, kind: "load" }, this.#settings.signal),
      send: (command) => sendCommand(address, command, this.#settings.signal),
    };
  }

  /** A process for many providers, none of which is there yet. */
  async crowd(): Promise<Crowd> {
    const { pid, address } = await this.#listening("crowd", "crowd.js");
    return {
      pid,
      storm: (command) => sendCommand(address, { ...command, kind: "storm" }, this.#settings.signal),
      look: () => sendCommand(address, { kind: "look" }, this.#settings.signal),
    };
  }

  /** Throws hostile schemas and values at a node, from a process of its own. */
  async attack(settings: AttackSettings): Promise<AttackReport> {
    const { address } = await this.#listening("attacker", "attacker.js");
    return await sendCommand(address, settings, this.#settings.signal);
  }

  /** The bare grpc-js server. */
  echo(): Promise<Actor> {
    return this.#listening("echo", "echo-server.js");
  }

  /** The official SDK's stateless server of MCP. */
  mcpServer(): Promise<Actor> {
    return this.#listening("mcp server", "mcp-server.js");
  }

  /** The plain proxy, with its provider: another bare grpc-js server. */
  async proxy(): Promise<StandIn> {
    const provider = await this.echo();
    return { gateway: await this.#listening("proxy", "proxy-gateway.js", [provider.address]), provider };
  }

  /** The proxy over one stream, with its provider. */
  streamProxy(): Promise<StandIn> {
    return this.#attached("stream proxy", "stream-proxy-gateway.js");
  }

  /** The bare relay on this Redis, with its provider. */
  relay(): Promise<StandIn> {
    return this.#attached("relay", "relay-gateway.js", [this.redisAddress]);
  }

  /** A gateway that a bare provider attaches to. */
  async #attached(name: string, file: string, args: readonly string[] = []): Promise<StandIn> {
    const gateway = await this.#listening(name, file, args);
    const pid = await this.#serving(`${name}'s provider`, "stream-provider.js", [gateway.address]);
    return { gateway, provider: { pid, address: gateway.address } };
  }

  /** BullMQ's worker. */
  async worker(): Promise<Actor> {
    const pid = await this.#serving("worker", "job-worker.js", [this.redisAddress, TOOLSET]);
    return { pid, address: this.redisAddress };
  }

  /** NATS with its worker; nothing where NATS is not installed. */
  async nats(): Promise<{ readonly server: Actor; readonly worker: Actor } | undefined> {
    const { natsBinary: binary } = this.#settings;
    if (binary === undefined) return undefined;
    const folder = join(tmpdir(), `toolgate-bench-${randomBytes(6).toString("hex")}`);
    const port = await freePort();
    const args = ["-js", "-sd", folder, "-a", "127.0.0.1", "-p", String(port)];
    const { supervisor, pid } = await launchSupervised({
      binary,
      args,
      folder,
      removeFolder: true,
      readyText: "Server is ready",
    });
    this.#supervisors.push(supervisor);
    const address = `127.0.0.1:${port}`;
    const worker = await this.#serving("NATS worker", "nats-worker.js", [address, TOOLSET]);
    return { server: { pid, address }, worker: { pid: worker, address } };
  }

  async #listening(name: string, file: string, args: readonly string[] = []): Promise<Actor> {
    const program = this.#launch(name, `tools/bench/actors/${file}`, args);
    const address = await program.line("it listens", listeningAddress, READY_WITHIN_MS);
    return { pid: program.pid ?? 0, address };
  }

  async #serving(name: string, file: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<number> {
    const program = this.#launch(name, `tools/bench/actors/${file}`, args, env);
    await program.line("it serves", (line) => (line.includes('"serving"') ? true : undefined), READY_WITHIN_MS);
    return program.pid ?? 0;
  }

  #launch(name: string, entry: string, args: readonly string[], env?: NodeJS.ProcessEnv): Program {
    this.#settings.signal.throwIfAborted();
    const program = new Program({ name, entry, args, ...(env ? { env } : {}) });
    this.#programs.push(program);
    program.start();
    return program;
  }
}

/** The process that makes load. */
export interface Agent {
  readonly pid: number;
  load(command: Omit<Extract<AgentCommand, { kind: "load" }>, "kind">): Promise<LoadReport>;
  send<Answer>(command: Exclude<AgentCommand, { kind: "load" }>): Promise<Answer>;
}

/** A process with many providers. */
export interface Crowd {
  readonly pid: number;
  storm(command: Omit<StormCommand, "kind">): Promise<null>;
  look(): Promise<CrowdState>;
}

function probingAddress(line: string): string | undefined {
  return /"probing","address":"([^"]+)"/.exec(line)?.[1];
}
