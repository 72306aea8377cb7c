import { OFF } from "../config/config.js";
import { type Environment, environment } from "../config/environment.js";
import { HTTP_OFF } from "../config/http-listen.js";
import { tryPort } from "./free-port.js";
import { type Listening, listeningOf } from "./listening-line.js";
import { nodeEnvironment } from "./node-environment.js";
import { type Exit, Program, ProgramError } from "./program.js";

export interface LocalClusterOptions {
  readonly nodes: number;
  readonly redisUrl: string;
  /** The cluster's name. */
  readonly registry: string;
  /** The loopback port that the first node should have, the next ones following; a taken one is replaced by a free one. */
  readonly firstPort: number;
  /** Settings of the nodes beyond those that they inherit. */
  readonly settings?: Environment;
  /** Hears what the nodes print. */
  readonly onLine?: (node: string, line: string) => void;
  /** Hears when a node ends that was not stopped. */
  readonly onLost?: (node: string, exit: Exit) => void;
}

/** A node that listens. */
export interface LocalNode extends Listening {
  /** `node 1`. */
  readonly name: string;
}

const LISTENS_WITHIN_MS = 30_000;
/** Where the first node of a machine listens for HTTP if it may, and one port above it for its operators; the next ones follow in twos. */
const FIRST_HTTP_PORT = 7_480;
/** What a node is given beyond its own drain grace before it is killed, in milliseconds. */
const MORE_THAN_DRAIN_MS = 5_000;

/** Nodes of one cluster on this machine, each a process of its own that ends with us. */
export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #programs: Program[] = [];
  #stopping = false;

  constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /**
   * Starts all nodes at once; each promise resolves when that node listens, and rejects with a ProgramError when it ends
   * first. They may be awaited in any order, or not at all.
   */
  start(): readonly Promise<LocalNode>[] {
    return Array.from({ length: this.#options.nodes }, (_, index) => {
      const node = this.#startNode(index);
      node.catch(() => {}); // one that fails before its turn to be awaited must not end the process
      return node;
    });
  }

  /** Stops all nodes, each after draining; kills one that has not ended in `graceMs` and some. Idempotent. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#programs.map((program) => program.stop(graceMs + MORE_THAN_DRAIN_MS)));
  }

  /** Ends all nodes at once. */
  kill(): void {
    this.#stopping = true;
    for (const program of this.#programs) program.signal("SIGKILL");
  }

  async #startNode(index: number): Promise<LocalNode> {
    const { firstPort } = this.#options;
    const free = async (port: number): Promise<number> => (firstPort === 0 ? undefined : await tryPort(port)) ?? 0;
    const ports = {
      grpc: await free(firstPort + index),
      http: await free(FIRST_HTTP_PORT + 2 * index),
      ops: await free(FIRST_HTTP_PORT + 2 * index + 1),
    };
    try {
      return await this.#launch(index, ports);
    } catch (error) {
      // Another process can have taken the port since it was tried.
      const taken = error instanceof ProgramError && /EADDRINUSE|cannot listen on/i.test(error.message);
      if (!taken || Object.values(ports).every((port) => port === 0) || this.#stopping) throw error;
      return await this.#launch(index, { grpc: 0, http: 0, ops: 0 });
    }
  }

  async #launch(index: number, { grpc, http, ops }: Ports): Promise<LocalNode> {
    const { redisUrl, registry, settings = {}, onLine, onLost } = this.#options;
    const name = `node ${index + 1}`;
    const program = new Program({
      name,
      entry: "cmd/toolgate.js",
      args: ["serve"],
      env: nodeEnvironment({
        redisUrl,
        registry,
        listen: `127.0.0.1:${grpc}`,
        httpListen: unlessOff("TOOLGATE_HTTP_LISTEN", HTTP_OFF, http),
        opsListen: unlessOff("TOOLGATE_OPS_LISTEN", OFF, ops),
        more: settings,
      }),
      onLine: (line) => onLine?.(name, line),
    });
    if (this.#stopping) throw new ProgramError(`${name} is not started any more: its cluster is stopping`);
    this.#programs.push(program);
    program.start();
    const listening = await program.line("it listens", listeningOf, LISTENS_WITHIN_MS);
    void program.ended().then((exit) => {
      if (!this.#stopping) onLost?.(name, exit);
    });
    return { name, ...listening };
  }
}

/** The ports of one node; 0 lets the system choose. */
interface Ports {
  readonly grpc: number;
  readonly http: number;
  readonly ops: number;
}

/** Where a node listens; nowhere for all nodes where that is inherited. */
function unlessOff(variable: "TOOLGATE_HTTP_LISTEN" | "TOOLGATE_OPS_LISTEN", off: string, port: number): string {
  return environment()[variable] === off ? off : `127.0.0.1:${port}`;
}
