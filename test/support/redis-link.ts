import type { Redis } from "ioredis";
import type { RedisLink } from "../../src/redis/redis-client.js";
import type { ChannelRoutes } from "../../src/redis/subscriber.js";

/** A client as the one connection of a link. */
export function linkTo(client: Redis): RedisLink {
  return {
    client,
    masterOf: () => client,
    masters: () => [client],
    get ready() {
      return client.status === "ready";
    },
    start: () => client.connect(),
    stop: () => client.disconnect(),
  };
}

/** A client that carries all channels; not connected yet. */
export function channelsOver(client: Redis): ChannelRoutes {
  return { routes: () => ["it"], routeOf: () => "it", dial: () => client, onChange: () => {}, refreshRoutes: () => {} };
}
