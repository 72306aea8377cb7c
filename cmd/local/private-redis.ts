import { mkdirSync, rmSync } from "node:fs";
import { freePort } from "./free-port.js";
import type { KeeperMessage, KeeperOrder } from "./keeper.js";
import { Program, ProgramError } from "./program.js";

export interface PrivateRedisOptions {
  /** The path of a redis-server or valkey-server. */
  readonly binary: string;
  /** Its own folder, made if need be. */
  readonly folder: string;
  /** Whether to remove the folder when the server has ended. */
  readonly removeFolder: boolean;
  /** Whether to keep an append-only file, so that a restart loses nothing. */
  readonly appendOnly: boolean;
  /** A loopback port; a free one unless given. */
  readonly port?: number;
  /** More arguments, such as `["--maxmemory-policy", "allkeys-lru"]`. */
  readonly args?: readonly string[];
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "ready"; readonly keeper: Program; readonly port: number; readonly pid: number }
  | { readonly kind: "stopped" };

const READY_WITHIN_MS = 20_000;
const GRACE_MS = 5_000;
/** A port that was free can be taken by somebody else before the server binds it; that seldom happens twice. */
const PORT_ATTEMPTS = 5;

/** One Redis server of our own on loopback, under a keeper: it ends when we stop it, and when we die. */
export class PrivateRedis {
  readonly #options: PrivateRedisOptions;
  #state: State = { kind: "idle" };

  constructor(options: PrivateRedisOptions) {
    this.#options = options;
  }

  /** `redis://127.0.0.1:<port>`, once it has started. */
  get url(): string {
    return `redis://127.0.0.1:${this.#ready().port}`;
  }

  /** The server's own process id, not the keeper's. */
  get pid(): number {
    return this.#ready().pid;
  }

  /** The keeper's process id. */
  get keeperPid(): number {
    return this.#ready().keeper.pid ?? 0;
  }

  /** Whether it is there, as far as we know. */
  get running(): boolean {
    return this.#state.kind === "ready" && this.#state.keeper.running;
  }

  /** Starts the server, and resolves when it takes connections. */
  async start(): Promise<void> {
    if (this.#state.kind === "ready") return;
    for (let attempt = 1; ; attempt += 1) {
      const port = this.#options.port ?? (await freePort());
      try {
        this.#state = await this.#launch(port);
        return;
      } catch (error) {
        const portTaken = error instanceof ProgramError && error.message.includes("Address already in use");
        if (!portTaken || this.#options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  }

  /** Stops the server: SIGTERM, SIGKILL after a grace. Idempotent; resolves when it has ended. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    if (state.kind !== "ready") return;
    await state.keeper.stop(GRACE_MS + 5_000);
  }

  async #launch(port: number): Promise<State & { kind: "ready" }> {
    const { binary, folder, removeFolder, appendOnly, args = [] } = this.#options;
    const order: KeeperOrder = {
      command: binary,
      args: [
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no"],
        ...["--save", "", "--appendonly", appendOnly ? "yes" : "no"],
        ...args,
      ],
      graceMs: GRACE_MS,
      removeAfter: removeFolder ? folder : null,
      thenRun: null,
    };
    mkdirSync(folder, { recursive: true }); // at each launch: the keeper of a failed one has removed it
    let hearPid: (pid: number) => void = () => {};
    const started = new Promise<number>((resolve) => {
      hearPid = resolve;
    });
    let pid = 0;
    const keeper = new Program({
      name: "redis-server",
      entry: "cmd/local/keeper.js",
      args: [JSON.stringify(order)],
      onMessage: (message) => {
        const said = message as KeeperMessage; // our own keeper is at the other end of the channel
        if (said.kind !== "started") return;
        pid = said.pid;
        hearPid(pid);
      },
      onExit: ({ signal }) => {
        // A keeper that was killed has left its server to us.
        if (signal !== null && isAlive(pid)) process.kill(pid, "SIGKILL");
      },
    });
    keeper.start();
    try {
      await keeper.line(
        "it takes connections",
        (line) => (line.includes("Ready to accept connections") ? true : undefined),
        READY_WITHIN_MS,
      );
      return { kind: "ready", keeper, port, pid: await started };
    } catch (error) {
      await keeper.stop(GRACE_MS);
      if (removeFolder) rmSync(folder, { recursive: true, force: true }); // the keeper itself may not have come up
      throw error;
    }
  }

  #ready(): State & { kind: "ready" } {
    if (this.#state.kind !== "ready") throw new ProgramError(`redis-server is ${this.#state.kind}: start it first`);
    return this.#state;
  }
}

/** Whether a process of this id is there. */
export function isAlive(pid: number): boolean {
  if (pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
