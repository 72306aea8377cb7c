/**
 * How a mount's toolset comes into the registry, whatever serves its tools.
 *
 * - The operator's mount owns its toolset's contract: when the tools change, the new contract is registered with `replace`.
 * - The provider of a former contract goes on until the new one is active everywhere, so that no call fails for a change.
 * - What the registry does not take is left out and named, so that one bad tool does not take the others away.
 */
import { setTimeout as delay } from "node:timers/promises";
import semver from "semver";
import { deferred } from "../async/deferred.js";
import { ERROR_CODES, type ErrorReason } from "../errors/codes.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { isPlainToolsetName } from "../identity/names.js";
import {
  type ConnectionOptions,
  type DynamicToolset,
  type Provider,
  type ServeOptions,
  serveToolset,
} from "../index.js";
import { chooseVersion } from "./derived-version.js";
import type { MountLog } from "./mount-log.js";
import type { SkippedPart } from "./mounted-tool.js";
import { registeredVersions } from "./registered-versions.js";
import { printable } from "./server-log.js";

const DEFAULT_DRAIN_GRACE_MS = 10_000;
/** How many parts that are left out the log gives the reasons of. */
const MAX_REPORTED = 100;

/** How often a derived version is tried where others register at the same time, and how long after one another, in milliseconds. */
const MAX_VERSION_TRIES = 3;
const VERSION_RETRY_MS = 500;

/** How long a new contract may take to become the active one before the former provider stops all the same, in milliseconds. */
const SUPERSEDED_WITHIN_MS = 30_000;
/** How long the former provider goes on after that, until every node has heard that another contract is active, in milliseconds. */
const HANDOVER_MS = 1_000;

/** How a mount's toolset is to stand in the registry. */
export interface RegistrationOptions extends Pick<ConnectionOptions, "tls" | "key" | "insecureKey"> {
  /** The toolset's name: [a-z0-9][a-z0-9._-]{0,127}. */
  readonly name: string;
  /** The nodes, as `host:port`, several of them separated by commas or as an array. */
  readonly nodes: string | readonly string[];
  /** The most calls at once, 1 to 10,000; 16 when absent. */
  readonly maxInFlight?: number;
  /** Stable name of the provider; random when absent. */
  readonly providerId?: string;
  /** How long calls may go on when the mount stops, in milliseconds; 10,000 when absent. */
  readonly drainGraceMs?: number;
  readonly log: MountLog;
  /** How a toolset is served; the SDK's serveToolset when absent. */
  readonly serve?: (toolset: DynamicToolset, options: ServeOptions) => Promise<Provider>;
  /** Under which versions a toolset is registered; asked of the nodes when absent. */
  readonly registered?: typeof registeredVersions;
}

/** A mount's toolset as it is registered. */
export interface MountRegistration {
  readonly version: string;
  readonly epoch: number;
  readonly digest: string;
  /** The tools that are served. */
  readonly tools: readonly string[];
  /** What was left out, by the mount or by the registry. */
  readonly skipped: readonly SkippedPart[];
}

/** What is to be registered. */
export interface RegisteredContract {
  /** The contract, but for its version. */
  readonly facts: Omit<DynamicToolset, "version">;
  /** `fixed`: this version; `derived`: one that follows from the contract and from what is registered, beginning with this one. */
  readonly version: { readonly kind: "fixed" | "derived"; readonly version: string };
  /** The contract's fingerprint; see derived-version.ts. */
  readonly fingerprint: string;
  /** Whether to register also what would be refused as a conflict. */
  readonly replace: boolean;
  /** What the mount has left out itself. */
  readonly skipped: readonly SkippedPart[];
}

/** A toolset that a provider serves. */
export interface ServedContract {
  readonly provider: Provider;
  /** Resolves when a newer contract is active. */
  readonly superseded: Promise<void>;
  readonly registration: MountRegistration;
}

/** Registers a mount's toolset, and keeps what serves former contracts of it until it is not needed any more. */
export class ToolsetRegistration {
  readonly #options: RegistrationOptions;
  /** Former providers that serve on until their successor is active. */
  readonly #handovers = new Set<Promise<void>>();

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /**
   * Registers and serves a contract. Resolves when it is served.
   *
   * @param former what was served before it: what was left out then, too, is not news.
   * @param signal ends the attempt; a provider that is served is stopped in its turn.
   * @throws ToolgateError CONTRACT_CONFLICT when the contract was replaced before; what `serveToolset` throws
   */
  async serve(
    contract: RegisteredContract,
    former: MountRegistration | undefined,
    signal: AbortSignal,
  ): Promise<ServedContract> {
    const { log, name } = this.#options;
    const { facts, version, skipped } = contract;
    const { toolset, provider, superseded } =
      version.kind === "derived"
        ? await this.#serveDerived(contract, signal)
        : await this.#serve({ ...facts, version: version.version }, contract.replace, signal);
    for (const warning of provider.warnings) {
      log.warn(
        { event: "schema_warning", toolset: name, ...warning },
        `${warning.tool}${warning.path}: ${warning.message}`,
      );
    }
    const refused = provider.skipped.map(refusedPart);
    this.reportSkipped(refused, former);
    const gone = new Set(refused.flatMap((part) => (part.part === "tool" ? [part.name] : [])));
    const registration = {
      version: toolset.version,
      epoch: provider.epoch,
      digest: provider.digest,
      tools: Object.keys(facts.tools).filter((tool) => !gone.has(tool)),
      skipped: [...skipped, ...refused],
    };
    return { provider, superseded, registration };
  }

  /** Says what is left out, and why; once, as long as it stays so. */
  reportSkipped(skipped: readonly SkippedPart[], former: MountRegistration | undefined): void {
    const { log, name: toolset } = this.#options;
    const known = new Set(former?.skipped.map(keyOf));
    const news = skipped.filter((part) => !known.has(keyOf(part)));
    for (const { name, part, why } of news.slice(0, MAX_REPORTED)) {
      const what = part === "tool" ? `The tool ${name}` : `The result schema of the tool ${name}`;
      log.warn({ event: "tool_skipped", toolset, tool: name, part }, `${what} is left out: ${why}.`);
    }
    if (news.length <= MAX_REPORTED) return;
    const more = `${news.length - MAX_REPORTED} more are left out`;
    log.warn({ event: "tool_skipped", toolset }, `${more}: the registration names them.`);
  }

  /**
   * Stops a former provider when calls do not need it any more: both serve the same tools until then.
   *
   * @param gone aborts when it cannot go on, since what it serves is gone or the mount ends.
   */
  handOver({ provider, superseded }: Pick<ServedContract, "provider" | "superseded">, gone: AbortSignal): void {
    const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal: gone }).catch(() => {});
    const handover = (async (): Promise<void> => {
      await Promise.race([superseded, provider.closed, pause(SUPERSEDED_WITHIN_MS)]);
      await pause(HANDOVER_MS);
      await this.stopProvider(provider);
    })();
    this.#handovers.add(handover);
    void handover.finally(() => this.#handovers.delete(handover));
  }

  /** Resolves when no former provider serves any more. */
  async handedOver(): Promise<void> {
    await Promise.all(this.#handovers);
  }

  /** Drains a provider and gives its lease back. Never rejects. */
  async stopProvider(provider: Provider): Promise<void> {
    const { log, name, drainGraceMs } = this.#options;
    try {
      await provider.stop({ graceMs: drainGraceMs ?? DEFAULT_DRAIN_GRACE_MS });
    } catch (error) {
      // Its lease ends by itself; the mount's own end must not fail for it.
      log.warn({ event: "provider_stop_failed", toolset: name }, mountFault(error).message);
    }
  }

  /** Serves under a version that follows from the contract and from what is registered; again, where another mount was faster. */
  async #serveDerived(
    { facts, version, fingerprint, replace }: RegisteredContract,
    signal: AbortSignal,
  ): Promise<Omit<ServedContract, "registration"> & { readonly toolset: DynamicToolset }> {
    const { name, nodes, registered = registeredVersions } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const known = await registered(name, nodes, { signal: ownSignal(signal), ...connection(this.#options) });
      const choice = chooseVersion(fingerprint, version.version, known, replace);
      if (choice.kind === "former") {
        throw new ToolgateError(
          "CONTRACT_CONFLICT",
          `What this server offers was registered as "${name}" before, and ${choice.replacedBy} has taken its place. Start the newer server, or register with replace to go back.`,
        );
      }
      try {
        return await this.#serve({ ...facts, version: choice.version }, replace, signal);
      } catch (error) {
        const raced = error instanceof ToolgateError && error.reason === "CONTRACT_CONFLICT";
        if (!raced || tries === MAX_VERSION_TRIES) throw error;
        await delay(VERSION_RETRY_MS, undefined, { signal });
      }
    }
  }

  async #serve(
    toolset: DynamicToolset,
    replace: boolean,
    signal: AbortSignal,
  ): Promise<Omit<ServedContract, "registration"> & { readonly toolset: DynamicToolset }> {
    const options = this.#options;
    const superseded = deferred<void>();
    // Aborts the registration only: a provider that is served is stopped in its turn.
    const registering = new AbortController();
    const stop = aborted(signal);
    void stop.promise.then(() => registering.abort(signal.reason));
    const provider = await (options.serve ?? serveToolset)(toolset, {
      nodes: options.nodes,
      skipInvalid: true,
      replace,
      // The comings and goings of its sessions are details of the mount.
      logger: {
        info: (fields, message) => options.log.debug({ toolset: options.name, ...fields }, message),
        warn: (fields, message) => options.log.warn({ toolset: options.name, ...fields }, message),
      },
      signal: registering.signal,
      onEvent: ({ kind }) => {
        if (kind === "superseded") superseded.resolve();
      },
      ...connection(options),
      ...optional("maxInFlight", options.maxInFlight),
      ...optional("providerId", options.providerId),
    }).finally(stop.dispose);
    return { toolset, provider, superseded: superseded.promise };
  }
}

/**
 * Looks at what does not depend on the server.
 *
 * @throws ToolgateError INVALID_CONFIG
 */
export function checkRegistration({
  name,
  version,
  versionFromContract,
}: Pick<RegistrationOptions, "name"> & { readonly version?: string; readonly versionFromContract?: boolean }): void {
  if (!isPlainToolsetName(name)) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `A toolset cannot be named ${JSON.stringify(printable(name, 200))}: it must match [a-z0-9][a-z0-9._-]{0,127}.`,
    );
  }
  if (version !== undefined && semver.valid(version) !== version) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `${JSON.stringify(printable(version, 64))} is no semantic version, such as 1.4.0.`,
    );
  }
  if (version !== undefined && versionFromContract === true) {
    throw new ToolgateError("INVALID_CONFIG", "A version is given, and is to follow from the contract: leave one out.");
  }
}

/** What is wrong with the server or with what it offers: it may be another one later. */
const FAULTS_OF_THE_SERVER: readonly ErrorReason[] = [
  "INVALID_CONFIG",
  "INVALID_CONTRACT",
  "INVALID_SCHEMA",
  "INTERNAL",
];

/** Whether trying again is of no use. A node or Redis that is away comes back, and a server may be mended. */
export function isFinal({ reason }: ToolgateError): boolean {
  return !FAULTS_OF_THE_SERVER.includes(reason) && ERROR_CODES[reason].retry === "no";
}

/** Whatever a mount failed with, as the one kind of error. */
export function mountFault(error: unknown): ToolgateError {
  if (error instanceof ToolgateError) return error;
  return new ToolgateError("INTERNAL", printable(error instanceof Error ? error.message : String(error), 500), {
    cause: error,
  });
}

/** A promise of a signal's end; what listens goes with `dispose`. */
export function aborted(signal: AbortSignal): { readonly promise: Promise<void>; readonly dispose: () => void } {
  const { promise, resolve } = deferred<void>();
  const onAbort = (): void => resolve();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  return { promise, dispose: () => signal.removeEventListener("abort", onAbort) };
}

/** A property that is absent when its value is. */
export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V }); // a computed key widens to string
}

/** The same for the same part that is left out for the same reason. */
function keyOf({ name, part, why }: SkippedPart): string {
  return [name, part, why].join("\n");
}

/** What the registry left out, and its reasons: places in the tool's schemas, and what is wrong there. */
function refusedPart({ tool, resultSchemaOnly, violations }: Provider["skipped"][number]): SkippedPart {
  return {
    name: tool,
    part: resultSchemaOnly ? "result_schema" : "tool",
    why: violations.map(({ field, description }) => `${field} ${description}`).join("; "),
  };
}

/** A signal of its own for what does not take its listeners off: the long-lived one would collect them. */
function ownSignal(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal]);
}

/** How the nodes are reached, and by what the mount proves who it is. */
function connection({ tls, key, insecureKey }: RegistrationOptions): ConnectionOptions {
  return { ...optional("tls", tls), ...optional("key", key), ...optional("insecureKey", insecureKey) };
}
