import { readFile } from "node:fs/promises";
import { every } from "../async/every.js";
import type { DocumentParts } from "../documents/apply-documents.js";
import type { StoredDocument } from "../documents/document.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Principal } from "../identity/principal.js";
import { DEFAULT_TENANT } from "../identity/tenant.js";
import type { Logger } from "../observe/logger.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import { changeDocument } from "./credentials/credential-documents.js";
import { KEY, type KeySpec } from "./credentials/key-document.js";
import { readSecretToken, type SecretToken } from "./credentials/secret-token.js";
import { storedCredentials } from "./credentials/stored-credentials.js";

/** The principal of the file's key. */
const BOOTSTRAP: Principal = Object.freeze({
  tenant: DEFAULT_TENANT,
  id: "bootstrap",
  kind: "key",
  roles: Object.freeze(["admin", "cluster-admin"]),
  attributes: Object.freeze({}),
});

const SETTING = "TOOLGATE_BOOTSTRAP_KEY_FILE (--bootstrap-key-file)";
/** The largest file that can hold a key, in bytes. */
const MAX_FILE_BYTES = 1_024;

/**
 * Reads the key of an administrator that the node is to make.
 *
 * @throws ToolgateError INVALID_CONFIG where there is none in the file; it never has what is there
 */
export async function readBootstrapKey(file: string): Promise<SecretToken> {
  let text: string;
  try {
    const bytes = await readFile(file);
    text = bytes.length > MAX_FILE_BYTES ? "" : bytes.toString("utf8").trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException; // what the file system throws
    throw new ToolgateError("INVALID_CONFIG", `${SETTING}: cannot read ${file} (${code}).`);
  }
  const token = readSecretToken(text);
  if (token?.kind === "key") return token;
  throw new ToolgateError(
    "INVALID_CONFIG",
    `${SETTING}: ${file} holds no API key; \`toolgate access init\` makes one.`,
  );
}

export interface BootstrapParts {
  readonly documents: DocumentParts;
  /** Whether somebody but the bootstrap principal administers the default tenant. */
  readonly hasAdministrator: () => boolean;
  readonly nowMs: () => number;
  readonly log: Pick<Logger, "info" | "warn">;
}

/**
 * Makes the file's key that of the principal `bootstrap`, which may do anything, where the registry has no other administrator, or where
 * that principal is there and has keys: then the file has a new one. What an administrator took from it does not come back.
 *
 * @throws ToolgateError STORE_UNAVAILABLE, DOCUMENT_CONFLICT
 */
async function bootstrap(parts: BootstrapParts, token: SecretToken): Promise<void> {
  const { log, nowMs } = parts;
  const outcome = await changeDocument(
    storedCredentials(parts.documents),
    KEY,
    { tenant: DEFAULT_TENANT, name: BOOTSTRAP.id },
    { author: BOOTSTRAP, reason: "the node's bootstrap key file" },
    (former) => {
      if (has(former, token)) return { body: former?.spec && bodyOf(former), answer: "kept" as const };
      const inUse = former !== undefined && !former.spec.disabled && former.spec.keys.length > 0;
      if (!inUse && parts.hasAdministrator()) return { body: former && bodyOf(former), answer: "unused" as const };
      const key = { id: token.id, hash: token.hash, createdAtMs: Math.floor(nowMs()), expiresAtMs: 0 };
      return { body: { roles: BOOTSTRAP.roles, keys: [key] }, answer: "made" as const };
    },
  );
  switch (outcome) {
    case "made":
      log.info({ event: "bootstrap_key_made", keyId: token.id });
      return;
    case "unused":
      log.warn({ event: "bootstrap_key_unused", keyId: token.id });
      return;
    case "kept":
      return;
    default:
      outcome satisfies never;
  }
}

/** How often a node looks whether the registry has lost its administrators, in milliseconds. */
const LOOK_INTERVAL_MS = 500;

/**
 * Makes the file's key an administrator's, and again when Redis has lost all documents: the others are then brought back with it, as
 * from a backup.
 *
 * @param faults told of looks that failed; the next one tries again
 */
export function keepBootstrapped(
  parts: BootstrapParts,
  token: SecretToken,
  faults: FaultLog,
): { start(): Promise<void>; stop(): Promise<void> } {
  const looking = every(
    () => LOOK_INTERVAL_MS,
    async () => {
      if (parts.documents.copy.get(KEY, DEFAULT_TENANT, BOOTSTRAP.id) !== undefined || parts.hasAdministrator()) return;
      await bootstrap(parts, token);
    },
    (error) => faults.warn({ event: "bootstrap_failed", error }, LOOK_INTERVAL_MS),
  );
  return {
    async start() {
      await bootstrap(parts, token);
      looking.start();
    },
    stop: () => looking.stop(),
  };
}

function has(document: StoredDocument<KeySpec> | undefined, { id, hash }: SecretToken): boolean {
  if (document === undefined || document.spec.disabled) return false;
  return document.spec.keys.some((key) => key.id === id && key.hash === hash);
}

function bodyOf(document: StoredDocument): unknown {
  return JSON.parse(document.body.toString());
}
