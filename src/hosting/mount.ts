/**
 * An MCP server as a provider of the registry.
 *
 *     starting ──▶ serving ──server died──▶ restarting ──server up, registered──▶ serving
 *        │            │  ▲                      │
 *        │            │  └─tools changed, registered again
 *        ▼            ▼                         ▼
 *     (start throws)  stopping ──────────────▶ stopped
 *
 * - There is a healthy provider only while there is a server: when the server dies, its calls end, the provider drains and
 *   gives its lease back, and one is registered again when the server is back. Servers are restarted for ever, later and later
 *   (restart-delay.ts).
 * - A server that answers nothing any more (server-liveness.ts) is ended, and with it its calls; then it has died.
 * - The operator's mount owns its toolset's contract: when the server changes its tools, the new contract is registered with
 *   `replace`, since a server has no way to raise its version while it runs. A contract that did not change is never
 *   registered with `replace` again, so that a restarted server does not take the toolset back from a newer one.
 * - The provider of a former contract goes on until the new one is active everywhere, so that no call fails for a change.
 * - A server that goes on changing its tools is read ever more rarely (list-changes.ts).
 * - When changed tools cannot be registered, the former contract stays, and the log says so; it is tried again where that helps.
 */
import { setTimeout as delay } from "node:timers/promises";
import { deferred } from "../async/deferred.js";
import { ERROR_CODES } from "../errors/codes.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { DynamicTool } from "../index.js";
import { callMountedTool } from "./call-tool.js";
import { fingerprintOf } from "./derived-version.js";
import { ListChanges } from "./list-changes.js";
import { McpServer, type ServerIdentity } from "./mcp-server.js";
import type { MountClosed, MountOptions } from "./mount-options.js";
import { fitDescription, fitTitle, type MountedTools, mountTools } from "./mounted-tool.js";
import { restartDelayMs, STEADY_AFTER_MS } from "./restart-delay.js";
import { DEFAULT_PATIENCE_MS, untilUnresponsive } from "./server-liveness.js";
import { describeExit, type ServerExit } from "./server-process.js";
import { ServerSlot } from "./server-slot.js";
import { semanticVersion } from "./server-version.js";
import {
  aborted,
  checkRegistration,
  isFinal,
  type MountRegistration,
  mountFault,
  optional,
  type ServedContract,
  ToolsetRegistration,
} from "./toolset-registration.js";

const DEFAULT_START_TIMEOUT_MS = 120_000;
/** A running mount. */
export interface Mount extends AsyncDisposable {
  readonly name: string;
  readonly state: MountState["kind"];
  /** What is registered now; undefined while the server is down. */
  readonly registration: MountRegistration | undefined;
  /** The process group of the server; undefined while it is down. */
  readonly group: number | undefined;
  /** Drains the provider, then ends the server and all that it started. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when the mount has ended and nothing of it runs any more, with the reason; never rejects. */
  readonly closed: Promise<MountClosed>;
}

interface Serving extends ServedContract {
  readonly server: McpServer;
  /** The fingerprint of what was to be registered. */
  readonly contract: string;
  readonly sinceMs: number;
}

type MountState =
  | { readonly kind: "starting" }
  | { readonly kind: "serving"; readonly serving: Serving }
  | { readonly kind: "restarting" }
  | { readonly kind: "stopping" }
  | { readonly kind: "stopped" };

type MountEvent =
  | { readonly kind: "stop" }
  | { readonly kind: "server_ended"; readonly exit: ServerExit }
  | { readonly kind: "tools_changed" }
  | { readonly kind: "provider_closed"; readonly reason: MountClosed };

/**
 * Runs an MCP server over stdio and serves its tools as a toolset. Resolves when the toolset is served.
 *
 * @throws ToolgateError INVALID_CONFIG when an option is wrong, the command cannot be started, or does not speak MCP;
 *   what `serveToolset` throws when the registry refuses the toolset. Nothing is left running then.
 */
export async function mountMcpServer(options: MountOptions): Promise<Mount> {
  checkOptions(options);
  const mount = new McpMount(options);
  await mount.start();
  return mount;
}

class McpMount implements Mount {
  readonly #options: MountOptions;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #slot = new ServerSlot();
  readonly #stopping = new AbortController();
  readonly #closed = deferred<MountClosed>();
  readonly #changes: ListChanges;
  readonly #registration: ToolsetRegistration;
  /** Aborts when former providers cannot go on: the server is gone, or the mount ends. */
  #serverGone = new AbortController();
  #state: MountState = { kind: "starting" };

  constructor(options: MountOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
    this.#changes = new ListChanges(this.#now);
    this.#registration = new ToolsetRegistration(options);
  }

  get name(): string {
    return this.#options.name;
  }

  get state(): MountState["kind"] {
    return this.#state.kind;
  }

  get registration(): MountRegistration | undefined {
    return this.#state.kind === "serving" ? this.#state.serving.registration : undefined;
  }

  get group(): number | undefined {
    return this.#state.kind === "serving" ? this.#state.serving.server.group : undefined;
  }

  get closed(): Promise<MountClosed> {
    return this.#closed.promise;
  }

  async start(): Promise<void> {
    const outer = this.#options.signal;
    const onAbort = (): void => this.#stopping.abort(outer?.reason);
    outer?.addEventListener("abort", onAbort, { once: true });
    if (outer?.aborted === true) onAbort();
    void this.closed.then(() => outer?.removeEventListener("abort", onAbort));
    try {
      const serving = await this.#open(undefined);
      void this.#supervise(serving).then((reason) => this.#finish(reason));
    } catch (error) {
      this.#finish({ kind: "stopped" });
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error("the mount is stopped"));
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #finish(reason: MountClosed): void {
    this.#changes.begin(); // nothing reads the list any more
    this.#state = { kind: "stopped" };
    this.#closed.resolve(reason);
  }

  /** Lives through the mount's events, one at a time; returns when it has ended, with nothing left running. */
  async #supervise(first: Serving): Promise<MountClosed> {
    let serving = first;
    let deaths = 0;
    for (;;) {
      this.#state = { kind: "serving", serving };
      const event = await this.#nextEvent(serving);
      switch (event.kind) {
        case "stop":
          return await this.#close(serving, { kind: "stopped" });
        case "provider_closed":
          this.#options.log.warn(
            { event: "provider_closed", toolset: this.name, reason: event.reason.kind },
            "The toolset is served by others now.",
          );
          return await this.#close(serving, event.reason);
        case "tools_changed":
          serving = await this.#registerChange(serving);
          break;
        case "server_ended": {
          this.#state = { kind: "restarting" };
          this.#slot.empty();
          deaths = this.#now() - serving.sinceMs >= STEADY_AFTER_MS ? 1 : deaths + 1;
          const lastLines = serving.server.lastLines;
          this.#options.log.error(
            { event: "server_died", toolset: this.name, ...event.exit, deaths, lastLines },
            `The MCP server ${describeExit(event.exit)}; it is started again.`,
          );
          this.#serverGone.abort();
          const [reopened] = await Promise.all([
            this.#reopen(serving, deaths),
            this.#registration.stopProvider(serving.provider),
            this.#registration.handedOver(),
            serving.server.stop(),
          ]);
          if (reopened.kind === "closed") return reopened.reason;
          deaths = reopened.deaths;
          serving = reopened.serving;
          break;
        }
        default:
          event satisfies never;
      }
    }
  }

  #nextEvent(serving: Serving): Promise<MountEvent> {
    const stop = aborted(this.#stopping.signal);
    const events: Promise<MountEvent>[] = [
      stop.promise.then(() => ({ kind: "stop" })),
      serving.server.ended.then((exit) => ({ kind: "server_ended", exit })),
      serving.provider.closed.then((reason) => ({ kind: "provider_closed", reason })),
      this.#changes.due.then(() => ({ kind: "tools_changed" })),
    ];
    return Promise.race(events).finally(stop.dispose);
  }

  /** Ends a server that hangs, so that it is started again and its calls do not wait for their deadlines. */
  async #watch(server: McpServer): Promise<void> {
    const patienceMs = this.#options.patienceMs ?? DEFAULT_PATIENCE_MS;
    const over = new AbortController();
    void server.ended.then(() => over.abort());
    try {
      await untilUnresponsive(server, patienceMs, (ms) => delay(ms, undefined, { signal: over.signal }));
    } catch {
      return; // it has ended
    }
    const what = `The MCP server was ended, since it had answered nothing for ${Math.round(patienceMs / 1000)} s`;
    this.#options.log.error({ event: "server_hung", toolset: this.name, patienceMs }, `${what}.`);
    await server.stop(what);
  }

  /** Starts the server and registers what it offers; what was started is gone again when that fails. */
  async #open(former: Serving | undefined): Promise<Serving> {
    const { log } = this.#options;
    const server = this.#newServer();
    const identity = await server.start(this.#stopping.signal);
    this.#changes.begin();
    this.#serverGone = new AbortController();
    try {
      this.#slot.fill(server);
      const serving = await this.#register(server, identity, former);
      void this.#watch(server);
      return serving;
    } catch (error) {
      this.#slot.empty();
      await server.stop();
      log.warn(
        { event: "mount_failed", toolset: this.name },
        "The MCP server was stopped: its toolset is not registered.",
      );
      throw error;
    }
  }

  /** Tries until the server is back, the mount is stopped, or the registry refuses for good. */
  async #reopen(
    former: Serving,
    deathsBefore: number,
  ): Promise<
    | { readonly kind: "serving"; readonly serving: Serving; readonly deaths: number }
    | { readonly kind: "closed"; readonly reason: MountClosed }
  > {
    const { signal } = this.#stopping;
    for (let deaths = deathsBefore; ; deaths += 1) {
      try {
        await delay(restartDelayMs(deaths, this.#random()), undefined, { signal });
        const serving = await this.#open(former);
        this.#options.log.info({ event: "server_restarted", toolset: this.name, deaths }, "The MCP server is back.");
        return { kind: "serving", serving, deaths };
      } catch (error) {
        if (signal.aborted) return { kind: "closed", reason: { kind: "stopped" } };
        const fault = mountFault(error);
        this.#options.log.error(
          { event: "restart_failed", toolset: this.name, reason: fault.reason, deaths },
          fault.message,
        );
        if (isFinal(fault)) return { kind: "closed", reason: { kind: "failed", error: fault } };
      }
    }
  }

  async #registerChange(serving: Serving): Promise<Serving> {
    const { log } = this.#options;
    const { signal } = this.#stopping;
    try {
      this.#changes.begin();
      const changed = await this.#register(serving.server, serving.server.identity, serving);
      if (changed === serving) return serving;
      log.info(
        { event: "tools_changed", toolset: this.name, epoch: changed.registration.epoch },
        "The MCP server changed its tools; they are registered as a new contract.",
      );
      this.#registration.handOver(serving, this.#serverGone.signal);
      return changed;
    } catch (error) {
      if (signal.aborted || serving.server.group === undefined) return serving;
      const fault = mountFault(error);
      log.error(
        { event: "change_refused", toolset: this.name, reason: fault.reason },
        `The MCP server changed its tools, but they cannot be registered: ${fault.message} The former ones stay registered.`,
      );
      // What is away comes back; what is wrong with the list, only another list mends.
      if (ERROR_CODES[fault.reason].retry !== "no") this.#changes.announce();
      return serving;
    }
  }

  /** Registers what the server offers now; gives `former` back when that is registered already, by this very server. */
  async #register(server: McpServer, identity: ServerIdentity, former: Serving | undefined): Promise<Serving> {
    const options = this.#options;
    const listed = await server.listTools(this.#stopping.signal);
    const mounted = mountTools(listed, options);
    this.#registration.reportSkipped(mounted.skipped, former?.registration);
    for (const note of mounted.notes) options.log.warn({ event: "tool_cut", toolset: this.name }, note);
    this.#checkChoice(mounted, listed, former);
    const serverVersion = semanticVersion(identity.version);
    if (serverVersion.note !== undefined && options.version === undefined && former === undefined) {
      options.log.info({ event: "version", toolset: this.name }, serverVersion.note);
    }
    const facts = {
      name: options.name,
      ...optional("title", options.title ?? titleOf(identity)),
      description: options.description ?? describe(identity),
      ...optional("tags", options.tags),
      tools: this.#definitions(mounted),
    };
    const fixed = options.versionFromContract === true ? undefined : (options.version ?? serverVersion.version);
    const contract = fingerprintOf([fixed ?? "", facts]);
    if (former?.server === server && former.contract === contract) return former;
    const replace = former === undefined ? options.replace === true : former.contract !== contract;
    const version =
      fixed === undefined
        ? ({ kind: "derived", version: serverVersion.version } as const)
        : ({ kind: "fixed", version: fixed } as const);
    const served = await this.#registration.serve(
      { facts, version, fingerprint: contract, replace, skipped: mounted.skipped },
      former?.registration,
      this.#stopping.signal,
    );
    return { ...served, server, contract, sinceMs: this.#now() };
  }

  #definitions({ tools }: MountedTools): Record<string, DynamicTool> {
    const { idempotent = [] } = this.#options;
    return Object.fromEntries(
      tools.map(({ name, ...tool }): [string, DynamicTool] => {
        const again = idempotent === "all" || idempotent.includes(name);
        return [
          name,
          {
            ...tool,
            idempotent: again,
            run: (_input, context) => callMountedTool(this.#slot, name, again, context, this.#now),
          },
        ];
      }),
    );
  }

  #newServer(): McpServer {
    const { log, startTimeoutMs, stopGraceMs, maxMessageBytes } = this.#options;
    return new McpServer({
      command: this.#options,
      startTimeoutMs: startTimeoutMs ?? DEFAULT_START_TIMEOUT_MS,
      ...optional("stopGraceMs", stopGraceMs),
      ...optional("maxMessageBytes", maxMessageBytes),
      now: this.#now,
      onLogLine: (line) => log.info({ event: "server_stderr", toolset: this.name }, `[${this.name}] ${line}`),
      onLogMessage: (level, message) =>
        log[level]({ event: "server_message", toolset: this.name }, `[${this.name}] ${message}`),
      onFault: (message) => log.warn({ event: "server_fault", toolset: this.name }, `The MCP server: ${message}`),
      onToolsChanged: () => this.#changes.announce(),
    });
  }

  #checkChoice({ tools, skipped }: MountedTools, listed: readonly unknown[], former: Serving | undefined): void {
    // Later the server may drop tools; a slip of the operator shows at the start.
    if (former === undefined) this.#checkNames(tools, listed);
    if (tools.length > 0) return;
    const why =
      skipped.length === 0 ? "" : ` It has ${skipped.length} that cannot be: ${skipped[0]?.name}: ${skipped[0]?.why}.`;
    throw new ToolgateError("INVALID_CONFIG", `The MCP server of "${this.name}" offers no tool to register.${why}`);
  }

  #checkNames(tools: MountedTools["tools"], listed: readonly unknown[]): void {
    const { idempotent, only } = this.#options;
    const names = new Set(tools.map((tool) => tool.name));
    const wanted = [...(only ?? []), ...(idempotent === "all" || idempotent === undefined ? [] : idempotent)];
    const absent = [...new Set(wanted)].filter((name) => !names.has(name));
    if (absent.length === 0) return;
    // What the server has, not what was chosen of it: the name that was meant is among those.
    const offered = mountTools(listed).tools.map(({ name }) => name);
    if (offered.length === 0) return;
    throw new ToolgateError(
      "INVALID_CONFIG",
      `The MCP server of "${this.name}" has no tool ${absent.map((name) => `"${name}"`).join(", ")}. It has: ${offered.slice(0, 50).join(", ")}.`,
    );
  }

  async #close(serving: Serving, reason: MountClosed): Promise<MountClosed> {
    this.#state = { kind: "stopping" };
    this.#serverGone.abort();
    await Promise.all([this.#registration.stopProvider(serving.provider), this.#registration.handedOver()]);
    this.#slot.empty();
    await serving.server.stop();
    return reason;
  }
}

/** @throws ToolgateError INVALID_CONFIG, before anything is started */
function checkOptions(options: MountOptions): void {
  checkRegistration(options);
  const { idempotent, only } = options;
  const unknown =
    only === undefined || !Array.isArray(idempotent) ? [] : idempotent.filter((tool) => !only.includes(tool));
  if (unknown.length > 0) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `Tools are named idempotent that are not mounted: ${unknown.join(", ")}.`,
    );
  }
}

function describe({ name, instructions }: ServerIdentity): string {
  const own = instructions?.trim() ?? "";
  const fallback = name.trim() === "" ? "Tools of an MCP server." : `Tools of the MCP server ${name}.`;
  return fitDescription(own === "" ? fallback : own);
}

function titleOf({ title = "" }: ServerIdentity): string | undefined {
  return title.trim() === "" ? undefined : fitTitle(title);
}
