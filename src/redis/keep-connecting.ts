import type { Redis } from "ioredis";

/** How soon a client that gave up is made to try again, in milliseconds. */
const AGAIN_MS = 100;

/**
 * Makes a client try again that gave up for good, until the returned function is called.
 *
 * ioredis reconnects for ever, with one exception: where it asks Sentinels for the master while they tell of a failover, it
 * breaks the asking off with "Connection is closed.", ends, and never tries again. Then every command would fail until the
 * node is restarted.
 */
export function keepConnecting(redis: Redis): () => void {
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    timer = setTimeout(() => void redis.connect().catch(() => {}), AGAIN_MS); // if that ends too, it is heard again
    timer.unref();
  };
  redis.on("end", again);
  return () => {
    redis.off("end", again);
    clearTimeout(timer);
  };
}
