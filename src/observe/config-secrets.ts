import type { Config } from "../config/config.js";
import { splitRedisUrls } from "../config/redis-url.js";
import { SecretValues } from "./secret-values.js";

/** The secrets among a node's settings, so that no log line has one: the URLs that have passwords, and those, encoded or not. */
export function secretsOf(config: Pick<Config, "redisUrl" | "lockRedisUrls">): SecretValues {
  const secrets = new SecretValues();
  for (const url of [config.redisUrl, ...splitRedisUrls(config.lockRedisUrls)]) {
    const encoded = /^[^:]*:\/\/[^:/?#@]*:([^/?#]*)@/.exec(url)?.[1];
    if (encoded === undefined) continue;
    secrets.add(url);
    secrets.add(encoded);
    secrets.add(decodeURIComponent(encoded));
  }
  return secrets;
}
