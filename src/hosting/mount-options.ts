import type { ConnectionOptions, Provider, ProviderClosed, SchemaDocuments, ServeOptions } from "../index.js";
import type { DynamicToolset } from "../sdk/tool-definition.js";
import type { registeredVersions } from "./registered-versions.js";
import type { ServerCommand } from "./server-process.js";

/** What a mount logs with; pino's loggers are of this form. */
export interface MountLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** An MCP server, and how it is to stand in the registry. */
export interface MountOptions extends ServerCommand, Pick<ConnectionOptions, "tls" | "key" | "insecureKey"> {
  /** The toolset's name: [a-z0-9][a-z0-9._-]{0,127}. */
  readonly name: string;
  /** The nodes, as `host:port`, several of them separated by commas or as an array. */
  readonly nodes: string | readonly string[];
  /** The toolset's version; when absent, the one that the server says, made semantic (0.0.0 when it says none). */
  readonly version?: string;
  /**
   * Derive the version from the contract, for servers whose own never moves: see derived-version.ts. Not together with
   * `version`. Over a registration under another kind of version it takes `replace` once.
   */
  readonly versionFromContract?: boolean;
  /** When absent, the server's own title. */
  readonly title?: string;
  /** When absent, the server's instructions. */
  readonly description?: string;
  readonly tags?: readonly string[];
  /**
   * The tools that may be run again when their provider was lost: the operator's word, which the server's own
   * `idempotentHint` does not replace.
   */
  readonly idempotent?: readonly string[] | "all";
  /** Only these tools; all when absent. */
  readonly only?: readonly string[];
  /** Not these tools. */
  readonly skip?: readonly string[];
  /**
   * Documents that the tools' schemas refer to, by their addresses; one that has an `$id` is found by that too. What is referred to
   * becomes a definition of the schema. Without its document, such a tool is left out: nothing is fetched.
   */
  readonly schemaDocuments?: SchemaDocuments;
  /** The most calls at once, 1 to 10,000; 16 when absent. */
  readonly maxInFlight?: number;
  /** Register also when another contract of the same or a higher version is there. It counts for the start only. */
  readonly replace?: boolean;
  /** Stable name of the provider; random when absent. */
  readonly providerId?: string;
  /** How long the server may take to answer at the start (npx may have to download it), in milliseconds; 120,000 when absent. */
  readonly startTimeoutMs?: number;
  /**
   * How long the server may say nothing at all although it is asked, in milliseconds; then it hangs, and is ended and started
   * again. 0 never asks; 300,000 when absent. It must be longer than a tool may keep the server from answering anything.
   */
  readonly patienceMs?: number;
  /** How long the server may take to leave at the end of its input, and again after SIGTERM, in milliseconds; 2,000 when absent. */
  readonly stopGraceMs?: number;
  /** How long calls may go on when the mount stops, in milliseconds; 10,000 when absent. */
  readonly drainGraceMs?: number;
  /** The largest message that is taken from the server, in bytes; 34 MiB when absent. A larger answer fails its call. */
  readonly maxMessageBytes?: number;
  readonly log: MountLog;
  /** Stops the mount, as `stop` does. */
  readonly signal?: AbortSignal;
  /** Milliseconds; the system's clock when absent. */
  readonly now?: () => number;
  /** In [0, 1); Math.random when absent. */
  readonly random?: () => number;
  /** How a toolset is served; the SDK's serveToolset when absent. */
  readonly serve?: (toolset: DynamicToolset, options: ServeOptions) => Promise<Provider>;
  /** Under which versions a toolset is registered; asked of the nodes when absent. */
  readonly registered?: typeof registeredVersions;
}

/** Why a mount ended: it was stopped, its toolset was taken over (see the SDK's ProviderClosed), or it failed for good. */
export type MountClosed = ProviderClosed;
