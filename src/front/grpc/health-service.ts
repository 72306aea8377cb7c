import { ToolgateError } from "../../errors/toolgate-error.js";
import type { HealthHandlers } from "../../protocol/generated/grpc/health/v1/Health.js";
import { loadNodeProtocol } from "../../protocol/load-node.js";
import { type Methods, type Service, serverStream, unary } from "../services/methods.js";

type Status = "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";

/** The name under which a server's health as a whole is asked for. */
const OVERALL = "";

/**
 * `grpc.health.v1` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): what load balancers ask before they
 * send calls. Each service has its own state; the server as a whole serves when all of them do.
 *
 * Nothing serves until it is said to. A watch ends when the server does, and waits for a reader that is slow.
 */
export class HealthService {
  readonly #serving = new Map<string, boolean>();
  readonly #watchers = new Set<() => void>();
  #closed = false;

  constructor(services: readonly string[]) {
    for (const name of services) this.#serving.set(name, false);
  }

  /** Says whether a service serves, or all of them. Ignored once the server drains. */
  set(name: string | "all", serving: boolean): void {
    if (this.#closed) return;
    this.#apply(name, serving);
  }

  /** Nothing serves any more, for good. */
  close(): void {
    this.#closed = true;
    this.#apply("all", false);
  }

  #apply(name: string, serving: boolean): void {
    if (name === "all") {
      for (const each of this.#serving.keys()) this.#serving.set(each, serving);
    } else {
      if (!this.#serving.has(name)) throw new ToolgateError("INTERNAL", `There is no service ${name} to set.`);
      this.#serving.set(name, serving);
    }
    for (const wake of this.#watchers) wake();
  }

  #statusOf(name: string): Status {
    const serving = name === OVERALL ? [...this.#serving.values()].every(Boolean) : this.#serving.get(name);
    if (serving === undefined) return "SERVICE_UNKNOWN";
    return serving ? "SERVING" : "NOT_SERVING";
  }

  async *#watch(name: string, signal: AbortSignal): AsyncGenerator<{ status: Status }> {
    let last: Status | undefined;
    for (;;) {
      const status = this.#statusOf(name);
      if (status !== last) yield { status };
      last = status;
      if (signal.aborted) return;
      if (this.#statusOf(name) === last) await this.#change(signal);
    }
  }

  /** Resolves at the next change, or when the watch is to end. */
  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#watchers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener("abort", wake);
    });
  }

  /** The service, to be served beside the others. */
  get service(): Service {
    const methods: Methods<HealthHandlers> = {
      Check: unary(async ({ service: name }) => {
        const status = this.#statusOf(name);
        if (status === "SERVICE_UNKNOWN") {
          throw new ToolgateError("UNKNOWN_SERVICE", `This node has no service ${JSON.stringify(name.slice(0, 128))}.`);
        }
        return { status };
      }),
      Watch: serverStream(({ service: name }, { signal }) => this.#watch(name, signal)),
      List: unary(async () => {
        const names = [OVERALL, ...this.#serving.keys()];
        return { statuses: Object.fromEntries(names.map((name) => [name, { status: this.#statusOf(name) }])) };
      }),
    };
    return { definition: loadNodeProtocol().Health, methods };
  }
}
