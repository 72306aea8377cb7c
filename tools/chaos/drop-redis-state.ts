import { Redis } from "ioredis";
import { keyspaceOf } from "./call-ids.js";
import type { SingleStore } from "./store.js";

/** Makes Redis lose the scripts that were loaded. */
export function dropScripts(store: SingleStore): Promise<void> {
  return withClient(store, async (client) => void (await client.script("FLUSH")));
}

/** Makes Redis lose the consumer group of every line of waiting calls; the calls stay. */
export function dropGroups(store: SingleStore): Promise<void> {
  return withClient(store, async (client) => {
    for (const { prefix } of keyspaceOf(store.shards).shards) {
      for (const line of await client.keys(`${prefix}requests:*`)) await client.xgroup("DESTROY", line, "providers");
    }
  });
}

/** Makes Redis lose the stream of changes to the catalogue; the catalogue stays. */
export function dropChanges(store: SingleStore): Promise<void> {
  return withClient(store, async (client) => {
    for (const { changes } of keyspaceOf(store.shards).shards) await client.del(changes);
  });
}

async function withClient(store: SingleStore, work: (client: Redis) => Promise<void>): Promise<void> {
  const client = store.observer();
  try {
    if (!(client instanceof Redis)) throw new Error("A single store has a client of a single server.");
    await work(client);
  } finally {
    client.disconnect();
  }
}
