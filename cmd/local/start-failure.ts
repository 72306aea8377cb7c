import type { Config } from "../../src/config/config.js";
import { withoutCredentials } from "../../src/config/redis-url.js";
import { ToolgateError } from "../../src/errors/toolgate-error.js";

/** Why a node could not start, in one message: the thing, the cause and the remedy. */
export function startFailure(error: unknown, config: Pick<Config, "listen" | "redisUrl">): string {
  const cause = error instanceof Error ? error.message : String(error);
  if (/EADDRINUSE|address already in use/i.test(cause)) {
    return `${config.listen} is in use by another program: stop that one, or choose another address with --listen.`;
  }
  if (/EACCES/.test(cause)) {
    return `${config.listen} may not be used by this user: choose a port over 1023 with --listen.`;
  }
  if (error instanceof ToolgateError && error.reason === "STORE_UNAVAILABLE") {
    return (
      `Redis at ${withoutCredentials(config.redisUrl)} cannot be used: ${cause}\n` +
      "Start it, or name another with REDIS_URL or --redis-url; `toolgate dev` brings a private one."
    );
  }
  return cause;
}
