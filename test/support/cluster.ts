import { afterAll, beforeAll, inject } from "vitest";
import { environment } from "../../src/config/environment.js";
import { ALLOCATOR } from "../../src/local-cluster/allocator.js";
import { type Listening, listeningOf } from "../../src/local-cluster/listening-line.js";
import { type Exit, Program } from "../../src/local-cluster/program.js";
import { lookForSent, watchLog } from "./canaries.js";
import "./provided.js";
import type { TestRedis } from "./redis.js";
import { noteSentValues, sentValues } from "./sent-values.js";

// Before a test makes its first client.
noteSentValues();
lookForSent(sentValues);

/** Settings of the nodes by their names in `src/config`: `{ pingIntervalMs: 200, missedPings: 2 }`. */
export type NodeSettings = Readonly<Record<string, string | number | boolean>>;

export interface ClusterOptions {
  /** How many nodes; three unless said. */
  readonly nodes?: number;
  /** Their Redis. */
  readonly redis: Pick<TestRedis, "url">;
  /** Settings of all nodes. */
  readonly config?: NodeSettings;
  /** Options of Node.js itself, for all nodes: `--max-old-space-size=96`. */
  readonly nodeOptions?: readonly string[];
  /** Variables that are no settings of Toolgate, for all nodes. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A cluster of real node processes, run from the bundled build. */
export interface Cluster {
  /** The nodes' addresses, in order; a node keeps its own over a restart. */
  readonly addresses: readonly string[];
  /** The same as one text, as `connect`, `serveToolset` and TOOLGATE_NODES take it. */
  readonly nodes: string;
  /** Where a node answers HTTP; it has another address after a restart. @throws Error where it does not */
  httpAddress(index: number): string;
  /** The process id of a node that runs. */
  pid(index: number): number;
  /** What a node has printed; both streams, the last 400 lines. */
  output(index: number): readonly string[];
  /** Sends a signal to a node; SIGKILL and SIGTERM resolve when it has ended, others at once. */
  kill(index: number, signal?: NodeJS.Signals): Promise<void>;
  /** Starts a node again, on its address; stops it gracefully first if it runs. Settings are added to the cluster's. */
  restart(index: number, config?: NodeSettings): Promise<void>;
  /** Starts one more node, and returns its index; `root` is the folder of another build than the bundled one. */
  add(config?: NodeSettings, root?: string): Promise<number>;
  /** Resolves when a node has ended, by itself or not. */
  ended(index: number): Promise<Exit>;
  /** Stops all nodes; their logs are printed if one did not end well. Idempotent. */
  stop(): Promise<void>;
}

const LISTENS_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;

interface Member extends Listening {
  readonly program: Program;
  readonly root: string;
}

/** Starts a cluster on a Redis, and resolves when every node listens. */
export async function startCluster({
  nodes = 3,
  redis,
  config = {},
  nodeOptions = [],
  env = {},
}: ClusterOptions): Promise<Cluster> {
  const launch = async (
    listen: string,
    more: NodeSettings = {},
    root: string = inject("bundledRoot"),
  ): Promise<Member> => {
    const settings = environmentOf({
      logLevel: "info",
      opsListen: "off",
      listen,
      httpListen: "off",
      redisUrl: redis.url,
      ...config,
      ...more,
    });
    const program = new Program({
      name: `node ${listen}`,
      onLine: watchLog(`the log of node ${listen}`, { spoken: true }),
      entry: "cmd/toolgate.js",
      root,
      args: ["serve"],
      env: {
        ...ALLOCATOR,
        ...withoutSettings(environment()),
        NODE_OPTIONS: nodeOptions.join(" "),
        ...env,
        ...settings,
      },
    });
    program.start();
    try {
      return { program, root, ...(await program.line("it listens", listeningOf, LISTENS_WITHIN_MS)) };
    } catch (error) {
      await program.stop(STOP_WITHIN_MS);
      throw error;
    }
  };

  const launched = await Promise.allSettled(Array.from({ length: nodes }, () => launch("127.0.0.1:0")));
  const members = launched.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = launched.find((one) => one.status === "rejected");
  const addresses = members.map((member) => member.address);
  if (failed) {
    await Promise.all(members.map((member) => member.program.stop(STOP_WITHIN_MS)));
    throw failed.reason;
  }

  const member = (index: number): Member => {
    const found = members[index];
    if (!found) throw new Error(`The cluster has ${members.length} nodes, so there is no node ${index}.`);
    return found;
  };

  return {
    addresses,
    get nodes() {
      return addresses.join(",");
    },
    httpAddress: (index) => {
      const { httpAddress } = member(index);
      if (httpAddress === undefined) throw new Error(`Node ${index} answers no HTTP: give the cluster an httpListen.`);
      return httpAddress;
    },
    pid: (index) => {
      const { pid } = member(index).program;
      if (pid === undefined) throw new Error(`Node ${index} does not run.`);
      return pid;
    },
    output: (index) => member(index).program.output,
    kill: async (index, signal = "SIGKILL") => {
      const { program } = member(index);
      program.signal(signal);
      if (signal === "SIGKILL" || signal === "SIGTERM") await program.ended();
    },
    restart: async (index, more) => {
      const { program, address, root } = member(index);
      await program.stop(STOP_WITHIN_MS);
      members[index] = await launch(address, more, root);
    },
    ended: (index) => member(index).program.ended(),
    add: async (more, root) => {
      const added = await launch("127.0.0.1:0", more, root);
      members.push(added);
      addresses.push(added.address);
      return members.length - 1;
    },
    stop: async () => {
      const stopping = members.map(async ({ program }) => {
        if (!program.running) return;
        program.signal("SIGCONT"); // a paused node would not hear that it must end
        const exit = await program.stop(STOP_WITHIN_MS);
        if (exit.code !== 0) {
          throw new Error([`${program.name} did not stop cleanly`, ...program.output.slice(-40)].join("\n  "));
        }
      });
      const failures = (await Promise.allSettled(stopping)).flatMap((one) =>
        one.status === "rejected" ? [one.reason] : [],
      );
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("\n"));
    },
  };
}

/**
 * The same for a whole test file: starts it before the first test, stops it after the last.
 *
 * @param redis the file's Redis, by `redisForFile` or otherwise; that one empties Redis before each test, which a
 * cluster sees as a loss of everything: use `privateRedis` where that is not wanted.
 */
export function clusterForFile(redis: () => TestRedis, options: Omit<ClusterOptions, "redis"> = {}): () => Cluster {
  let cluster: Cluster | undefined;
  beforeAll(async () => {
    cluster = await startCluster({ ...options, redis: redis() });
  });
  afterAll(() => cluster?.stop());
  return () => {
    if (!cluster) throw new Error("The cluster is there from beforeAll on, not before.");
    return cluster;
  };
}

/** `pingIntervalMs` is TOOLGATE_PING_INTERVAL_MS; `redisUrl` alone has a name of the trade, REDIS_URL. */
function environmentOf(settings: NodeSettings): NodeJS.ProcessEnv {
  const entries = Object.entries(settings).map(([key, value]) => {
    const name = key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
    return [key === "redisUrl" ? "REDIS_URL" : `TOOLGATE_${name}`, String(value)];
  });
  return Object.fromEntries(entries);
}

/** The developer's own settings must not reach a test's nodes. */
function withoutSettings(inherited: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(inherited).filter(([name]) => !/^(TOOLGATE_|OTEL_|REDIS_URL$)/.test(name)));
}
