import { join } from "node:path";
import { freePort } from "./free-port.js";
import type { KeeperOrder } from "./keeper.js";
import type { Machine } from "./machine.js";
import { PACKAGE_ROOT } from "./package-root.js";
import { Program } from "./program.js";

/** Long enough to pull the image on a slow line. */
const READY_WITHIN_MS = 300_000;
const GRACE_MS = 20_000;

/** Whether a Docker engine answers, and knows compose files; the client alone is no engine. */
export async function dockerRuns(machine: Machine): Promise<boolean> {
  if (machine.find("docker") === undefined) return false;
  const [engine, compose] = await Promise.all([
    machine.run("docker", ["info"]),
    machine.run("docker", ["compose", "version"]),
  ]);
  return engine.status === 0 && compose.status === 0;
}

/**
 * The compose file's Redis alone, on a free loopback port, in the foreground under a keeper: so it ends with us, as a
 * server of our own would.
 */
export class ComposedRedis {
  readonly #environment: NodeJS.ProcessEnv;
  #running: { readonly keeper: Program; readonly port: number } | undefined;

  /** @param environment of the docker client. */
  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  /** `redis://127.0.0.1:<port>`, once it has started. */
  get url(): string {
    return `redis://127.0.0.1:${this.#running?.port ?? 0}`;
  }

  /** Starts the container, and resolves when it takes connections. */
  async start(): Promise<void> {
    const port = await freePort();
    const file = join(PACKAGE_ROOT, "docker-compose.yml");
    const project = `toolgate-local-${process.pid}`;
    const compose = ["compose", "--file", file, "--project-name", project];
    const order: KeeperOrder = {
      command: "docker",
      args: [...compose, "up", "--no-log-prefix", "redis"],
      graceMs: GRACE_MS,
      removeAfter: null,
      thenRun: ["docker", ...compose, "down", "--volumes"],
    };
    const keeper = new Program({
      name: "docker compose",
      entry: "src/local-cluster/keeper.js",
      args: [JSON.stringify(order)],
      env: { ...this.#environment, REDIS_PORT: String(port) },
    });
    keeper.start();
    try {
      await keeper.line(
        "Redis takes connections",
        (line) => (line.includes("Ready to accept connections") ? true : undefined),
        READY_WITHIN_MS,
      );
    } catch (error) {
      await keeper.stop(GRACE_MS);
      throw error;
    }
    this.#running = { keeper, port };
  }

  /** Stops the container. Idempotent; resolves when it has ended. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.keeper.stop(GRACE_MS + 5_000);
  }
}
