import type { ProviderClosed, SchemaDocuments } from "../index.js";
import type { ServerCommand } from "./server-process.js";
import type { RegistrationOptions } from "./toolset-registration.js";

/** An MCP server, and how it is to stand in the registry. */
export interface MountOptions extends ServerCommand, RegistrationOptions {
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
  /** Register also when another contract of the same or a higher version is there. It counts for the start only. */
  readonly replace?: boolean;
  /** How long the server may take to answer at the start (npx may have to download it), in milliseconds; 120,000 when absent. */
  readonly startTimeoutMs?: number;
  /**
   * How long the server may say nothing at all although it is asked, in milliseconds; then it hangs, and is ended and started
   * again. 0 never asks; 300,000 when absent. It must be longer than a tool may keep the server from answering anything.
   */
  readonly patienceMs?: number;
  /** How long the server may take to leave at the end of its input, and again after SIGTERM, in milliseconds; 2,000 when absent. */
  readonly stopGraceMs?: number;
  /** The largest message that is taken from the server, in bytes; 34 MiB when absent. A larger answer fails its call. */
  readonly maxMessageBytes?: number;
  /** Stops the mount, as `stop` does. */
  readonly signal?: AbortSignal;
  /** Milliseconds; the system's clock when absent. */
  readonly now?: () => number;
  /** In [0, 1); Math.random when absent. */
  readonly random?: () => number;
}

/** Why a mount ended: it was stopped, its toolset was taken over (see the SDK's ProviderClosed), or it failed for good. */
export type MountClosed = ProviderClosed;
