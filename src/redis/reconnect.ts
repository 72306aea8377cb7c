import type { Redis } from "ioredis";

/** Sockets that are being closed: a server that does not answer takes its time, and closing again gains nothing. */
const closing = new WeakSet<object>();

/** Closes a connection that is open and of no use; its client makes a new one. */
export function reconnect(redis: Redis): void {
  if (redis.status !== "ready" || closing.has(redis.stream)) return;
  closing.add(redis.stream);
  redis.disconnect(true);
}
