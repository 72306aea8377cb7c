/** What the process was started with: variables by name. An absent one is undefined. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The process's environment. The only place that reads it: everything else takes settings that were parsed from it, so
 * that tests and embedding programs can pass their own.
 */
export function environment(): Environment {
  // biome-ignore lint/style/noProcessEnv: this is the one place.
  return process.env;
}
