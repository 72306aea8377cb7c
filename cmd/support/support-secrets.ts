import { CLIENT_SECRETS } from "../../src/config/client-schema.js";
import { SETTINGS } from "../../src/config/config.js";
import type { Environment } from "../../src/config/environment.js";
import { readSecret } from "../../src/config/secret-reference.js";
import { secretsOf } from "../../src/observe/config-secrets.js";
import type { SecretValues } from "../../src/observe/secret-values.js";

/** Variables of other programs whose names say that they hold a secret. */
const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD|PASSPHRASE|HEADERS)$/;

/**
 * The secrets that this process knows, for finding them by value wherever they stand: those of its settings, read from where these say that
 * they are, and of other variables by their names.
 *
 * @param redisUrl what --redis-url has; wins over REDIS_URL
 */
export function knownSecrets(env: Environment, redisUrl: string | undefined): SecretValues {
  const named = [...SETTINGS, ...CLIENT_SECRETS].filter(({ secret }) => secret).map(({ variable }) => variable);
  const secretIn = (text: string | undefined): string => {
    const read = readSecret(text ?? "", env);
    return "value" in read ? read.value : "";
  };
  const secrets = secretsOf({
    redisUrl: secretIn(redisUrl ?? env.REDIS_URL),
    lockRedisUrls: secretIn(env.TOOLGATE_LOCK_REDIS_URLS),
  });
  for (const [name, value = ""] of Object.entries(env)) {
    if (!named.includes(name) && !SECRET_NAME.test(name)) continue;
    secrets.add(value);
    if (named.includes(name)) secrets.add(secretIn(value));
    // `authorization=Bearer%20…,x-key=…`, as OTEL_EXPORTER_OTLP_HEADERS has them.
    if (name.endsWith("HEADERS"))
      for (const pair of value.split(",")) secrets.add(pair.slice(pair.indexOf("=") + 1).trim());
  }
  return secrets;
}
