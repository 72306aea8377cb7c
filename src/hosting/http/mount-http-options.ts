import type { Environment } from "../../config/environment.js";
import type { EgressGuardOptions } from "../../egress/egress-guard.js";
import type { RegistrationOptions } from "../toolset-registration.js";
import type { SecretReferences } from "./credentials.js";
import type { HttpToolChoice } from "./http-toolset.js";

/** A document, and what becomes of it. */
export interface HttpDocumentOptions extends HttpToolChoice {
  /** A file, or an `https` URL. */
  readonly document: string;
  /** Secrets for the document's security schemes, by their names. */
  readonly auth?: SecretReferences;
  /** Secrets that are sent as headers of every request, by the headers' names. */
  readonly headers?: SecretReferences;
  /** Which addresses may be private, and how names are resolved. */
  readonly egress: EgressGuardOptions;
  /** Where `env:` references are looked up. */
  readonly env: Environment;
}

/** An HTTP server, and how its operations are to stand in the registry. */
export interface MountHttpOptions extends HttpDocumentOptions, RegistrationOptions {
  /** The toolset's version; when absent, the document's own, made semantic (0.0.0 when it says none). */
  readonly version?: string;
  /** Derive the version from the contract: see derived-version.ts. Not together with `version`. */
  readonly versionFromContract?: boolean;
  /** When absent, the document's own title. */
  readonly title?: string;
  /** When absent, the document's own description. */
  readonly description?: string;
  readonly tags?: readonly string[];
  /** Register also when another contract of the same or a higher version is there. It counts for the start only. */
  readonly replace?: boolean;
  /** The most that is read of an answer, decompressed, in bytes; 8 MiB when absent. */
  readonly maxResponseBytes?: number;
  /** Stops the mount, as `stop` does. */
  readonly signal?: AbortSignal;
  /** Milliseconds; the system's clock when absent. */
  readonly now?: () => number;
  /** In [0, 1); Math.random when absent. */
  readonly random?: () => number;
}
