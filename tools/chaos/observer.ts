import { Redis } from "ioredis";

/** A client that goes to a Redis directly, past all proxies, and waits for it where it is away; it is among `clients` until it ends. */
export function observerOf(port: number, clients: Set<Redis>): Redis {
  const client = new Redis({ port, host: "127.0.0.1", retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on("error", () => {}); // it comes back; commands wait
  client.once("end", () => clients.delete(client));
  clients.add(client);
  return client;
}
