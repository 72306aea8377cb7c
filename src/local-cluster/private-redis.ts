import { onFreePort } from "./free-port.js";
import { type Program, ProgramError } from "./program.js";
import { launchSupervised, SERVER_GRACE_MS } from "./supervised-server.js";

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
  | { readonly kind: "ready"; readonly supervisor: Program; readonly port: number; readonly pid: number }
  | { readonly kind: "stopped" };

/** One Redis server of our own on loopback, under a supervisor: it ends when we stop it, and when we die. */
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

  /** The server's own process id, not the supervisor's. */
  get pid(): number {
    return this.#ready().pid;
  }

  /** The supervisor's process id. */
  get supervisorPid(): number {
    return this.#ready().supervisor.pid ?? 0;
  }

  /** Whether it is there, as far as we know. */
  get running(): boolean {
    return this.#state.kind === "ready" && this.#state.supervisor.running;
  }

  /** Starts the server, and resolves when it takes connections. */
  async start(): Promise<void> {
    if (this.#state.kind === "ready") return;
    const { port } = this.#options;
    this.#state = port === undefined ? await onFreePort((free) => this.#launch(free)) : await this.#launch(port);
  }

  /** Stops the server: SIGTERM, SIGKILL after a grace. Idempotent; resolves when it has ended. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    if (state.kind !== "ready") return;
    await state.supervisor.stop(SERVER_GRACE_MS + 5_000);
  }

  async #launch(port: number): Promise<State & { kind: "ready" }> {
    const { binary, folder, removeFolder, appendOnly, args = [] } = this.#options;
    const server = await launchSupervised({
      binary,
      args: [
        ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--daemonize", "no"],
        ...["--save", "", "--appendonly", appendOnly ? "yes" : "no"],
        ...args,
      ],
      folder,
      removeFolder,
      readyText: "Ready to accept connections",
    });
    return { kind: "ready", port, ...server };
  }

  #ready(): State & { kind: "ready" } {
    if (this.#state.kind !== "ready") throw new ProgramError(`redis-server is ${this.#state.kind}: start it first`);
    return this.#state;
  }
}
