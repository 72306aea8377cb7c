import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { environment } from "../../src/config/environment.js";
import { listeningAddress } from "../../src/local-cluster/listening-line.js";
import type { LogFolder } from "../../src/local-cluster/log-folder.js";
import type { Exit } from "../../src/local-cluster/program.js";
import type { LeaderNote } from "./check/evidence.js";
import { ClockFile, skewedClock } from "./clock-file.js";
import { Credentials, inTenant } from "./credentials.js";
import { GatewayClient } from "./gateway-client.js";
import { machineMs } from "./machine-clock.js";
import { Member } from "./member.js";
import { providerOf, providersOf } from "./provider-names.js";
import type { ProviderOptions } from "./serve-tools.js";
import { GATEWAYS, NODE_SETTINGS, TOOLSETS } from "./settings.js";
import type { Store } from "./store.js";
import { TcpProxy } from "./tcp-proxy.js";

/** One gateway, with the connections to it and from it that can be made to fail. */
export interface Gateway {
  readonly member: Member;
  /** Its wall clock; absent where clocks cannot be stepped. */
  readonly clock: ClockFile | undefined;
  /** Between it and Redis. */
  readonly storeLink: TcpProxy;
  /** Between the agents and it. */
  readonly agentLink: TcpProxy;
  /** Between the providers and it. */
  readonly providerLink: TcpProxy;
  /** Straight to it. */
  readonly client: GatewayClient;
}

/** One provider process. */
export interface Provider {
  readonly member: Member;
  readonly clock: ClockFile | undefined;
}

export interface ChaosClusterOptions {
  readonly store: Store;
  /** A folder of the run's own. */
  readonly folder: string;
  readonly logs: LogFolder;
  /** libfaketime's library; undefined where no clock is to be stepped. */
  readonly faketime: string | undefined;
  readonly onLost: (name: string, exit: Exit, output: readonly string[]) => void;
  /** Settings of the gateways beside those that every run has, or instead of them; by variable. */
  readonly settings?: Readonly<Record<string, number | string>>;
  /** The folder of another build that gateways and providers are to run from. */
  readonly root?: string | undefined;
  /** The folders of the builds whose SDKs the providers use in turn, while they themselves run from this build. */
  readonly sdks?: readonly string[] | undefined;
  /** How far the gateways' wall clocks are off, in milliseconds, in their order; right unless said. */
  readonly clocksOffMs?: readonly number[] | undefined;
  /** The gateways' wall clocks stand still. */
  readonly clocksStand?: boolean | undefined;
  /** The toolsets, by their identities, and how many providers serve each; those of a run with faults unless said. */
  readonly toolsets?: Readonly<Record<string, number>>;
  /** Callers must prove who they are; the toolsets may be of several tenants then. */
  readonly closed?: boolean;
}

/** The most calls that a provider takes at once. */
const MAX_IN_FLIGHT = 32;
/** The version of the providers' contract, unless another one is asked for. */
const FIRST_VERSION = "1.0.0";

/** Gateways and providers as processes of their own, on one store, with a proxy on every way between them. */
export class ChaosCluster {
  readonly gateways: Gateway[] = [];
  readonly providers: Provider[] = [];
  readonly store: Store;
  /** What the gateways said of the election; by the machine's clock. */
  readonly leaders: LeaderNote[] = [];
  readonly #options: ChaosClusterOptions;
  readonly #proxies: TcpProxy[] = [];
  /** Processes of many providers each, which no fault is done to. */
  readonly #crowds: Member[] = [];
  /** The folders of the builds that gateways are to run from at their next start, where not all run from the same. */
  readonly #roots = new Map<string, string>();
  readonly #toolsets: Readonly<Record<string, number>>;
  /** The keys of those that call and serve; absent where nobody is asked for one. */
  readonly credentials: Credentials | undefined;

  constructor(options: ChaosClusterOptions) {
    this.#options = options;
    this.store = options.store;
    this.#toolsets = options.toolsets ?? TOOLSETS;
    this.credentials = options.closed ? new Credentials(this.toolsets) : undefined;
  }

  /** The toolsets, by their identities. */
  get toolsets(): readonly string[] {
    return Object.keys(this.#toolsets);
  }

  /** Where agents are to connect. */
  get agentAddresses(): string[] {
    return this.gateways.map(({ agentLink }) => agentLink.address);
  }

  /** Where the ledgers of all providers are. */
  get ledgerFolder(): string {
    return join(this.#options.folder, "ledgers");
  }

  /** Starts the store, then the gateways, then the providers; resolves when all are up. */
  async start(): Promise<void> {
    mkdirSync(this.ledgerFolder, { recursive: true });
    mkdirSync(join(this.#options.folder, "clocks"), { recursive: true });
    await this.store.start();
    this.credentials?.writeBootstrap(this.#bootstrapFile);
    const numbers = Array.from({ length: GATEWAYS }, (_, index) => index + 1);
    this.gateways.push(...(await Promise.all(numbers.map((number) => this.#startGateway(number)))));
    const [first] = this.gateways;
    if (first !== undefined) await this.credentials?.apply(first.client);
    for (const [toolset, replicas] of Object.entries(this.#toolsets)) {
      for (let replica = 1; replica <= replicas; replica++) this.addProvider(toolset, providerOf(toolset, replica));
    }
    await Promise.all(this.providers.map(({ member }) => member.start()));
  }

  /** Ends everything at once: how it stops does not matter. */
  async kill(): Promise<void> {
    const members = [...[...this.providers, ...this.gateways].map(({ member }) => member), ...this.#crowds];
    for (const { client } of this.gateways) client.close();
    await Promise.all(members.map((member) => member.kill()));
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    await this.store.stop();
  }

  /** Stops everything in the order of a shutdown; how each process ended that did not end well comes back. */
  async stop(): Promise<string[]> {
    const complaints: string[] = [];
    const stopAll = async (members: readonly Member[]): Promise<void> => {
      await Promise.all(
        members.map(async (member) => {
          const running = member.pid !== undefined;
          const { code, signal } = await member.stop();
          if (running && code !== 0) complaints.push(`${member.name} ended with ${signal ?? `status ${code}`}`);
        }),
      );
    };
    await stopAll([...this.providers.map(({ member }) => member), ...this.#crowds]);
    for (const { client } of this.gateways) client.close();
    await stopAll(this.gateways.map(({ member }) => member));
    await Promise.all(this.#proxies.map((proxy) => proxy.stop()));
    await this.store.stop();
    return complaints;
  }

  /**
   * Lets a gateway run from another build at its next start.
   *
   * @param root the build's folder
   */
  changeBuild({ member }: Gateway, root: string): void {
    this.#roots.set(member.name, root);
  }

  async #startGateway(number: number): Promise<Gateway> {
    const { logs, onLost, settings, root, clocksOffMs, clocksStand = false } = this.#options;
    const name = `gateway ${number}`;
    const offMs = clocksOffMs?.[number - 1] ?? 0;
    const clock = this.#clock(`gateway-${number}`);
    let port = 0;
    let starts = 0;
    const [storeLink, agentLink, providerLink] = await Promise.all([
      // Gateways find the members of a group by themselves: nothing goes over the link then.
      this.#proxy(() => (this.store.kind === "single" ? this.store.port : 0)),
      this.#proxy(() => port),
      this.#proxy(() => port),
    ]);
    const member = new Member({
      name,
      program: () => ({
        name,
        entry: "cmd/toolgate.js",
        root: this.#roots.get(name) ?? root,
        args: ["serve"],
        env: {
          ...cleanEnvironment(),
          ...clock?.environment,
          ...(offMs === 0 && !clocksStand ? {} : skewedClock(offMs, clocksStand)),
          ...Object.fromEntries(
            Object.entries({ ...NODE_SETTINGS, ...settings }).map(([variable, value]) => [variable, String(value)]),
          ),
          REDIS_URL: this.store.kind === "single" ? `redis://${storeLink.address}` : this.store.url,
          TOOLGATE_LISTEN: `127.0.0.1:${port}`,
          TOOLGATE_NODE_ID: nodeIdOf(number, ++starts),
          ...(this.credentials === undefined
            ? {}
            : { TOOLGATE_AUTH: "required", TOOLGATE_BOOTSTRAP_KEY_FILE: this.#bootstrapFile }),
        },
        onLine: (line) => {
          logs.write(name, line);
          this.#noteLeader(name, line);
        },
      }),
      ready: listeningAddress,
      onLost,
    });
    const address = await member.start();
    port = Number(new URL(`tcp://${address}`).port);
    return {
      member,
      clock,
      storeLink,
      agentLink,
      providerLink,
      client: new GatewayClient(name, address, this.credentials?.administrator),
    };
  }

  get #bootstrapFile(): string {
    return join(this.#options.folder, "administrator.key");
  }

  #noteLeader(who: string, line: string): void {
    const event = /"event":"(leader_\w+|node_started)"/.exec(line)?.[1];
    if (event === undefined) return;
    this.leaders.push({ who, what: event === "leader_elected" ? "elected" : "left", atMs: machineMs() });
  }

  /** One more provider; it is not started yet, and stopped with the others. */
  addProvider(toolset: string, name: string, version = FIRST_VERSION): Provider {
    const clock = this.#clock(name);
    const provider = { member: this.#providing({ toolset, provider: name, version, count: 1 }, clock), clock };
    this.providers.push(provider);
    return provider;
  }

  /** One process of `count` providers of a toolset; likewise. */
  addCrowd(toolset: string, count: number): Member {
    const provider = `${providersOf(toolset)}crowd-${this.#crowds.length + 1}`;
    const crowd = this.#providing({ toolset, provider, version: FIRST_VERSION, count }, undefined);
    this.#crowds.push(crowd);
    return crowd;
  }

  #providing(
    own: Pick<ProviderOptions, "provider" | "toolset" | "version" | "count">,
    clock: ClockFile | undefined,
  ): Member {
    const { logs, onLost, root, sdks = [] } = this.#options;
    const name = own.provider;
    const { credentials } = this;
    const order: ProviderOptions = {
      ...own,
      toolset: inTenant(own.toolset).name,
      sdk: sdks[this.providers.length % sdks.length],
      nodes: this.gateways.map(({ providerLink }) => providerLink.address),
      ledgerFile: join(this.ledgerFolder, `${name}.jsonl`),
      maxInFlight: MAX_IN_FLIGHT,
    };
    return new Member({
      name,
      program: () => ({
        name,
        entry: "tools/chaos/serve-tools.js",
        root: sdks.length === 0 ? root : undefined,
        args: [JSON.stringify(order)],
        env: {
          ...cleanEnvironment(),
          ...clock?.environment,
          ...(credentials === undefined ? {} : { TOOLGATE_KEY: credentials.providerOf(own.toolset) }),
        },
        onLine: (line) => logs.write(name, line),
      }),
      ready: (line) => (line === "serving" ? line : undefined),
      onLost,
    });
  }

  #clock(name: string): ClockFile | undefined {
    const { faketime, folder } = this.#options;
    return faketime === undefined ? undefined : new ClockFile(join(folder, "clocks", name), faketime);
  }

  async #proxy(target: () => number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.start();
    this.#proxies.push(proxy);
    return proxy;
  }
}

/** The id of a gateway's start; a new one each time, as a random one would be. */
function nodeIdOf(number: number, start: number): string {
  return `gateway-${number}.${start}`;
}

/** The gateway that a node id was given to. */
export function gatewayOfNode(nodeId: string): string {
  return nodeId.replace(/^gateway-(\d+)\..*$/, "gateway $1");
}

/** What an operator has set for their own nodes must not reach these. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment()).filter(([name]) => !/^(TOOLGATE_|REDIS_URL$|LD_PRELOAD$|FAKETIME)/.test(name)),
  );
}
