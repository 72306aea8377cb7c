import type { Config } from "../../config/config.js";
import { registryAuditKey } from "../../store/audit/audit-key.js";
import { type KeyRing, readKeyRing } from "../secrets/key-ring.js";
import { ArgumentsDigest } from "./arguments-digest.js";
import { type AuditLevel, AuditLog, type AuditLogSettings } from "./audit-log.js";

/** What a node has of the audit. */
export interface Audit {
  readonly log: AuditLog;
  /** The keys that sign it; undefined where none are configured. */
  readonly keyRing: KeyRing | undefined;
  /** Begins to record. @throws ToolgateError STORE_UNAVAILABLE */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What a record has of a call that came before the key was known. */
const NO_DIGEST = "-";

export interface AuditParts extends Omit<AuditLogSettings, "level" | "digestOf"> {
  readonly config: Pick<Config, "audit" | "keyringFile">;
  /** Whether callers must prove who they are, as of now. */
  readonly required: () => boolean;
  readonly randomBytes: (size: number) => Buffer;
}

/** Puts a node's audit together. @throws ToolgateError INVALID_CONFIG when the key ring cannot be read */
export function createAudit(parts: AuditParts): Audit {
  const { config, required, randomBytes, store, keyspace } = parts;
  const keyRing = config.keyringFile === "" ? undefined : readKeyRing(config.keyringFile, randomBytes);
  const level = (): AuditLevel => (config.audit === "auto" ? (required() ? "calls" : "off") : config.audit);
  let digest: ArgumentsDigest | undefined;
  let loading = false;
  /** The registry's own key is made only where something is recorded. */
  const load = async (): Promise<void> => {
    const registryKey = async () => ({
      keyId: "registry",
      key: await registryAuditKey(store.redis, keyspace, randomBytes),
    });
    digest = new ArgumentsDigest(keyRing?.derive("audit arguments") ?? (await registryKey()));
  };
  const digestOf = (payload: Buffer): string => {
    if (digest !== undefined) return digest.of(payload);
    if (!loading) {
      loading = true;
      // The next call tries again.
      void load()
        .catch(() => {})
        .finally(() => {
          loading = false;
        });
    }
    return NO_DIGEST;
  };
  const log = new AuditLog({ ...parts, level, digestOf });
  return {
    log,
    keyRing,
    async start() {
      if (level() !== "off") await load();
    },
    stop: () => log.stop(),
  };
}
