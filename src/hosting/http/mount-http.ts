/**
 * An HTTP server as a provider of the registry: the operations of its OpenAPI document are the tools of a toolset.
 *
 *     starting ──▶ serving ──the document changed──▶ serving, registered again
 *        │            │
 *        ▼            ▼
 *     (start throws)  stopping ──▶ stopped
 *
 * - The document is read at the start, and again when its file changes. Another contract is registered with `replace`, as mounts of
 *   MCP servers do; one that cannot be read or registered leaves the former one in place, and the log says so.
 * - Whether the server itself is there, only calls tell: the provider is healthy as long as the mount runs.
 * - Credentials belong to the origin that they were started with: a document that leads elsewhere later is refused.
 */
import { deferred } from "../../async/deferred.js";
import { allowList } from "../../egress/allow-list.js";
import { asEgressError } from "../../egress/egress-error.js";
import { createEgressGuard, type EgressGuard } from "../../egress/egress-guard.js";
import { ERROR_CODES } from "../../errors/codes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { DynamicTool } from "../../index.js";
import { fingerprintOf } from "../derived-version.js";
import { ListChanges } from "../list-changes.js";
import type { MountClosed } from "../mount-options.js";
import {
  aborted,
  checkRegistration,
  type MountRegistration,
  mountFault,
  optional,
  type ServedContract,
  ToolsetRegistration,
} from "../toolset-registration.js";
import { callHttpTool, type HttpCallSetup } from "./call-http-tool.js";
import { Credentials } from "./credentials.js";
import { readSource, urlOfSource, watchSource } from "./document-source.js";
import { HttpClient } from "./http-client.js";
import { type HttpToolset, type PlannedTool, planToolset } from "./http-toolset.js";
import type { HttpDocumentOptions, MountHttpOptions } from "./mount-http-options.js";
import type { OpenApiDocument } from "./openapi-document.js";
import { type HttpTarget, urlOf } from "./servers.js";

const DEFAULT_MAX_RESPONSE_BYTES = 8 * 1_048_576;
const DEFAULT_MAX_IN_FLIGHT = 16;

/** A running mount of an HTTP server. */
export interface HttpMount extends AsyncDisposable {
  readonly name: string;
  readonly state: "starting" | "serving" | "stopping" | "stopped";
  /** What is registered now; undefined where nothing is. */
  readonly registration: MountRegistration | undefined;
  /** The URL that requests go to. */
  readonly server: string;
  /** Drains the provider, then ends all connections. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when the mount has ended and nothing of it runs any more, with the reason; never rejects. */
  readonly closed: Promise<MountClosed>;
}

interface Serving extends ServedContract {
  /** The fingerprint of what was to be registered. */
  readonly contract: string;
  /** Of the document that it was made of. */
  readonly digest: string;
  readonly target: HttpTarget;
  /** How each tool's calls are made. Another document of the same contract replaces them. */
  readonly setups: Map<string, HttpCallSetup>;
}

type HttpMountState =
  | { readonly kind: "starting" }
  | { readonly kind: "serving"; readonly serving: Serving }
  | { readonly kind: "stopping"; readonly target: HttpTarget }
  | { readonly kind: "stopped" };

/**
 * Registers the operations of an HTTP server as a toolset and serves their calls. Resolves when the toolset is served.
 *
 * @throws ToolgateError INVALID_CONFIG when an option is wrong, or the document cannot be used; what `serveToolset` throws when the
 *   registry refuses the toolset. Nothing is left running then.
 */
export async function mountHttp(options: MountHttpOptions): Promise<HttpMount> {
  checkRegistration(options);
  const mount = new RunningHttpMount(options);
  await mount.start();
  return mount;
}

/**
 * What would be mounted, without a registry.
 *
 * @throws ToolgateError INVALID_CONFIG as above
 */
export async function planHttpMount(options: HttpDocumentOptions): Promise<HttpToolset> {
  const { document } = await readSource(options.document, options.egress);
  return toolsetOf(document, options, credentialsOf(options, Date.now), createEgressGuard(options.egress));
}

class RunningHttpMount implements HttpMount {
  readonly #options: MountHttpOptions;
  readonly #now: () => number;
  readonly #guard: EgressGuard;
  readonly #client: HttpClient;
  readonly #credentials: Credentials;
  readonly #registration: ToolsetRegistration;
  readonly #stopping = new AbortController();
  /** Aborts when former providers cannot go on, since the mount ends. */
  readonly #ending = new AbortController();
  readonly #closed = deferred<MountClosed>();
  readonly #changes: ListChanges;
  #unwatch: () => void = () => {};
  #state: HttpMountState = { kind: "starting" };

  constructor(options: MountHttpOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#guard = createEgressGuard(options.egress);
    this.#credentials = credentialsOf(options, this.#now);
    // What an operator allows is the server's: nowhere else may it have a private address be asked.
    const elsewhere = createEgressGuard({ allow: allowList(""), ...optional("resolve", options.egress.resolve) });
    this.#client = new HttpClient({ asked: this.#guard, elsewhere }, options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT);
    this.#registration = new ToolsetRegistration(options);
    this.#changes = new ListChanges(this.#now);
  }

  get name(): string {
    return this.#options.name;
  }

  get state(): HttpMount["state"] {
    return this.#state.kind;
  }

  get registration(): MountRegistration | undefined {
    return this.#state.kind === "serving" ? this.#state.serving.registration : undefined;
  }

  get server(): string {
    if (this.#state.kind === "serving") return urlOf(this.#state.serving.target);
    return this.#state.kind === "stopping" ? urlOf(this.#state.target) : "";
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
      // Before it is read: a change while it is registered must not be missed.
      this.#unwatch = watchSource(this.#options.document, () => this.#changes.announce());
      const serving = await this.#register(undefined);
      void this.#supervise(serving).then((reason) => this.#finish(reason));
    } catch (error) {
      await this.#finish({ kind: "stopped" });
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

  async #finish(reason: MountClosed): Promise<void> {
    this.#unwatch();
    this.#changes.begin(); // nothing reads the document any more
    await this.#client.stop();
    this.#state = { kind: "stopped" };
    this.#closed.resolve(reason);
  }

  /** Lives through the mount's events, one at a time; returns when it has ended, with no provider left. */
  async #supervise(first: Serving): Promise<MountClosed> {
    let serving = first;
    for (;;) {
      this.#state = { kind: "serving", serving };
      const stop = aborted(this.#stopping.signal);
      const event = await Promise.race([
        stop.promise.then(() => ({ kind: "stop" }) as const),
        serving.provider.closed.then((reason) => ({ kind: "provider_closed", reason }) as const),
        this.#changes.due.then(() => ({ kind: "document_changed" }) as const),
      ]).finally(stop.dispose);
      switch (event.kind) {
        case "stop":
          return await this.#close(serving, { kind: "stopped" });
        case "provider_closed":
          this.#options.log.warn(
            { event: "provider_closed", toolset: this.name, reason: event.reason.kind },
            "The toolset is served by others now.",
          );
          return await this.#close(serving, event.reason);
        case "document_changed":
          serving = await this.#registerChange(serving);
          break;
        default:
          event satisfies never;
      }
    }
  }

  async #close(serving: Serving, reason: MountClosed): Promise<MountClosed> {
    this.#state = { kind: "stopping", target: serving.target };
    this.#ending.abort();
    await Promise.all([this.#registration.stopProvider(serving.provider), this.#registration.handedOver()]);
    return reason;
  }

  async #registerChange(serving: Serving): Promise<Serving> {
    const { log } = this.#options;
    try {
      this.#changes.begin();
      const changed = await this.#register(serving);
      if (changed.contract === serving.contract) return changed;
      log.info(
        { event: "tools_changed", toolset: this.name, epoch: changed.registration.epoch },
        "The document changed its operations; they are registered as a new contract.",
      );
      this.#registration.handOver(serving, this.#ending.signal);
      return changed;
    } catch (error) {
      if (this.#stopping.signal.aborted) return serving;
      const fault = mountFault(error);
      log.error(
        { event: "change_refused", toolset: this.name, reason: fault.reason },
        `The document changed, but it cannot be registered: ${fault.message} The former operations stay registered.`,
      );
      // What is away comes back; what is wrong with the document, only another one mends.
      if (ERROR_CODES[fault.reason].retry !== "no") this.#changes.announce();
      return serving;
    }
  }

  /** Registers what the document says now; where that is the former contract, only the way that calls take may be another one. */
  async #register(former: Serving | undefined): Promise<Serving> {
    const options = this.#options;
    const source = await readSource(options.document, options.egress);
    if (source.digest === former?.digest) return former;
    const toolset = toolsetOf(source.document, options, this.#credentials, this.#guard);
    const { target } = toolset;
    if (former !== undefined && this.#credentials.areThere && target.origin !== former.target.origin) {
      throw new ToolgateError(
        "INVALID_CONFIG",
        `The document leads to ${target.origin} now, and the credentials are for ${former.target.origin}. Start the mount anew to send them there.`,
      );
    }
    this.#registration.reportSkipped(toolset.skipped, former?.registration);
    if (former === undefined && options.version === undefined) {
      for (const note of toolset.notes) options.log.info({ event: "version", toolset: this.name }, note);
    }
    const setups = new Map<string, HttpCallSetup>();
    const facts = {
      name: options.name,
      ...optional("title", options.title ?? toolset.title),
      description: options.description ?? toolset.description,
      ...optional("tags", options.tags),
      tools: Object.fromEntries(toolset.tools.map((tool) => [tool.name, definitionOf(tool, setups)])),
    };
    const fixed = options.versionFromContract === true ? undefined : (options.version ?? toolset.version);
    const contract = fingerprintOf([fixed ?? "", facts]);
    const { digest } = source;
    const made = toolset.tools.map((tool) => [tool.name, this.#setupOf(source.document, tool)] as const);
    if (former?.contract === contract) {
      for (const [name, setup] of made) former.setups.set(name, setup);
      return { ...former, digest, target };
    }
    for (const [name, setup] of made) setups.set(name, setup);
    const replace = former === undefined ? options.replace === true : true;
    const version =
      fixed === undefined
        ? ({ kind: "derived", version: toolset.version } as const)
        : ({ kind: "fixed", version: fixed } as const);
    const served = await this.#registration.serve(
      { facts, version, fingerprint: contract, replace, skipped: toolset.skipped },
      former?.registration,
      this.#stopping.signal,
    );
    return { ...served, contract, digest, target, setups };
  }

  #setupOf(document: OpenApiDocument, { plan, target, schemes, idempotent }: PlannedTool): HttpCallSetup {
    return {
      client: this.#client,
      target,
      plan,
      idempotent,
      credentials: () => this.#credentials.partsFor(document, schemes),
      redact: (text) => this.#credentials.redact(text),
      maxResponseBytes: this.#options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
      now: this.#now,
      random: this.#options.random ?? Math.random,
    };
  }
}

function definitionOf(tool: PlannedTool, setups: ReadonlyMap<string, HttpCallSetup>): DynamicTool {
  const { name, title, description, tags, payload, result, annotations, meta, idempotent } = tool;
  return {
    ...optional("title", title),
    description,
    tags,
    payload,
    ...optional("result", result),
    annotations,
    meta,
    idempotent,
    run: (_input, context) => {
      const setup = setups.get(name);
      if (setup === undefined) throw new ToolgateError("INTERNAL", `There is no request for the tool ${name}.`);
      return callHttpTool(setup, context);
    },
  };
}

/** @throws ToolgateError INVALID_CONFIG */
function toolsetOf(
  document: OpenApiDocument,
  options: HttpDocumentOptions,
  credentials: Credentials,
  guard: EgressGuard,
): HttpToolset {
  const documentUrl = urlOfSource(options.document);
  const toolset = planToolset(document, options, credentials, documentUrl);
  const server = urlOf(toolset.target);
  try {
    guard.checkUrl(`${server}/`);
  } catch (error) {
    throw new ToolgateError("INVALID_CONFIG", `The server ${server} is not dialled: ${asEgressError(error).message}.`);
  }
  // Otherwise those that may change what is at that URL could have the credentials sent to a server of their own.
  const isElsewhere = documentUrl !== undefined && new URL(documentUrl).origin !== toolset.target.origin;
  if (isElsewhere && options.server === undefined && credentials.areThere) {
    throw new ToolgateError(
      "INVALID_CONFIG",
      `The document is fetched from one server and leads to another one, ${server}. Confirm with --server that credentials are to be sent there.`,
    );
  }
  return toolset;
}

function credentialsOf({ auth = {}, headers = {}, env }: HttpDocumentOptions, now: () => number): Credentials {
  return new Credentials(auth, headers, env, now);
}
