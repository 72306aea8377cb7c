import { parseConfig } from "../config/config.js";
import { type Environment, environment } from "../config/environment.js";
import { ALLOCATOR } from "./allocator.js";

/** What belongs to one node; inherited from us, it would be given to all. */
const NOT_INHERITED = {
  TOOLGATE_LISTEN: "",
  TOOLGATE_HTTP_LISTEN: "",
  TOOLGATE_OPS_LISTEN: "",
  TOOLGATE_ADVERTISE: "",
  TOOLGATE_NODE_ID: "",
} as const;

/** What one node of a cluster on this machine is given beyond what all inherit. */
export interface OwnSettings {
  readonly redisUrl: string;
  readonly registry: string;
  /** Where it listens: `127.0.0.1:7400`. */
  readonly listen: string;
  /** Where it listens for HTTP. */
  readonly httpListen: string;
  /** Where it listens for its operators. */
  readonly opsListen: string;
  /** More of them, such as how callers prove who they are. */
  readonly more?: Environment;
}

/** The environment of one node of a cluster on this machine: ours, with what is its own. */
export function nodeEnvironment({ redisUrl, registry, more = {}, ...listens }: OwnSettings): Environment {
  return {
    ...ALLOCATOR,
    ...environment(),
    ...NOT_INHERITED,
    REDIS_URL: redisUrl,
    TOOLGATE_REGISTRY: registry,
    TOOLGATE_LISTEN: listens.listen,
    TOOLGATE_HTTP_LISTEN: listens.httpListen,
    TOOLGATE_OPS_LISTEN: listens.opsListen,
    ...more,
  };
}

/**
 * Checks the settings that nodes would inherit from us, so that a wrong one is reported once, before anything is started.
 *
 * @throws ToolgateError INVALID_CONFIG naming every fault at once, as a node itself would
 */
export function checkInheritedSettings(): void {
  parseConfig({ env: { ...environment(), ...NOT_INHERITED } });
}
