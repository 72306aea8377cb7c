import { gatewayClient } from "../callers/client.js";

/** Opens sessions over which nothing is called. */
export interface SessionsCommand {
  readonly kind: "sessions";
  readonly address: string;
  readonly count: number;
}

/** Resolves when the node has them; they stay until the process ends. */
export async function openSessions({ address, count }: SessionsCommand): Promise<null> {
  const client = gatewayClient(address);
  await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<void>((resolve, reject) => {
          const stream = client.Session();
          stream.on("error", reject);
          stream.on("data", () => resolve());
          // What it answers to a call that cannot be: that it is there.
          stream.write({ calls: [{ ref: 1, call: { toolset: "", tool: "" } }] });
        }),
    ),
  );
  return null;
}
