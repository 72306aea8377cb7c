import { join } from "node:path";
import { freePort } from "./free-port.js";
import type { Machine } from "./machine.js";
import { PACKAGE_ROOT } from "./package-root.js";
import { Program } from "./program.js";
import type { SupervisorOptions } from "./supervisor.js";

/** Long enough to pull the image on a slow line. */
const READY_WITHIN_MS = 300_000;
const GRACE_MS = 20_000;

/** Whether a Docker engine answers, and knows compose files; the client alone is no engine. */
export async function isDockerRunning(machine: Machine): Promise<boolean> {
  if (machine.find("docker") === undefined) return false;
  const [engine, compose] = await Promise.all([
    machine.run("docker", ["info"]),
    machine.run("docker", ["compose", "version"]),
  ]);
  return engine.status === 0 && compose.status === 0;
}

/**
 * The compose file's Redis alone, on a free loopback port, in the foreground under a supervisor: so it ends with us, as a
 * server of our own would.
 */
export class ComposeRedis {
  readonly #environment: NodeJS.ProcessEnv;
  #running: { readonly supervisor: Program; readonly port: number } | undefined;

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
    const options: SupervisorOptions = {
      command: "docker",
      args: [...compose, "up", "--no-log-prefix", "redis"],
      graceMs: GRACE_MS,
      removeAfter: null,
      thenRun: ["docker", ...compose, "down", "--volumes"],
    };
    const supervisor = new Program({
      name: "docker compose",
      entry: "src/local-cluster/supervisor.js",
      args: [JSON.stringify(options)],
      env: { ...this.#environment, REDIS_PORT: String(port) },
    });
    supervisor.start();
    try {
      await supervisor.line(
        "Redis takes connections",
        (line) => (line.includes("Ready to accept connections") ? true : undefined),
        READY_WITHIN_MS,
      );
    } catch (error) {
      await supervisor.stop(GRACE_MS);
      throw error;
    }
    this.#running = { supervisor, port };
  }

  /** Stops the container. Idempotent; resolves when it has ended. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.supervisor.stop(GRACE_MS + 5_000);
  }
}
