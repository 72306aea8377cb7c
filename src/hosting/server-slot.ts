import { type Deferred, deferred } from "../async/deferred.js";
import type { McpServer } from "./mcp-server.js";

type Slot =
  | { readonly kind: "empty"; readonly filled: Deferred<McpServer> }
  | { readonly kind: "filled"; readonly server: McpServer };

/** Where calls find the server that runs now, or wait for the next one. */
export class ServerSlot {
  #slot: Slot = { kind: "empty", filled: deferred() };

  fill(server: McpServer): void {
    if (this.#slot.kind === "empty") this.#slot.filled.resolve(server);
    this.#slot = { kind: "filled", server };
  }

  empty(): void {
    if (this.#slot.kind === "filled") this.#slot = { kind: "empty", filled: deferred() };
  }

  /** The server; waits for one until the signal aborts, and throws its reason then. */
  async take(signal: AbortSignal): Promise<McpServer> {
    signal.throwIfAborted();
    if (this.#slot.kind === "filled") return this.#slot.server;
    const aborted = deferred<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([this.#slot.filled.promise, aborted.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
