import { type Config, SETTINGS } from "../config/config.js";
import type { SecretValues } from "./secret-values.js";

/** A setting of a running node as its operators are shown it. */
export interface ShownSetting {
  readonly variable: string;
  /** What it is; of a secret, only whether there is one: `[set]`, or empty. */
  readonly value: string | number;
  /** Whether it is what it is where nothing is said. */
  readonly isDefault: boolean;
}

/** Every setting of a node without what is secret: neither settings that are, nor secrets that stand in another one. */
export function shownConfig(config: Config, secrets: SecretValues): readonly ShownSetting[] {
  return SETTINGS.map(({ key, variable, secret, default: fallback }) => {
    const value = (config as Readonly<Record<string, string | number>>)[key] ?? fallback; // all are one or the other
    const isDefault = value === fallback;
    if (secret) return { variable, value: value === "" ? "" : "[set]", isDefault };
    return { variable, value: typeof value === "string" ? secrets.redact(value) : value, isDefault };
  });
}
