import { credentials } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { register, toolsetName } from "./register-toolsets.js";

/** Registers toolsets through the first node, one by one, and waits each time until all nodes tell of it. */
export interface ChangesCommand {
  readonly kind: "changes";
  readonly addresses: readonly string[];
  /** The number of the first one, and the one after the last. */
  readonly from: number;
  readonly to: number;
}

/** For each toolset, how long after the request it was seen everywhere, in milliseconds. */
export async function timeChanges({ addresses, from, to }: ChangesCommand): Promise<readonly number[]> {
  const { Catalog } = loadProtocol();
  const seen = new Map<string, number>();
  let wake = (): void => {};
  let snapshots = 0;
  const watches = addresses.map((address) => {
    const client = new Catalog(address, credentials.createInsecure());
    const stream = client.Watch({});
    stream.on("error", () => {}); // it is cancelled in the end
    stream.on("data", ({ snapshot, changes }) => {
      if (snapshot) snapshots += 1;
      for (const { toolset, kind } of changes)
        if (kind === "CHANGE_KIND_REGISTERED") seen.set(toolset, (seen.get(toolset) ?? 0) + 1);
      wake();
    });
    return { client, stream };
  });
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise<void>((resolve) => (wake = resolve));
  };
  try {
    await until(() => snapshots === addresses.length);
    const times: number[] = [];
    for (let index = from; index < to; index += 1) {
      const startedAt = performance.now();
      const registering = register({
        ...{ kind: "register", address: addresses[0] ?? "", from: index, to: index + 1, toolsPerToolset: 1 },
      });
      await until(() => seen.get(toolsetName(index)) === addresses.length);
      times.push(performance.now() - startedAt);
      await registering;
    }
    return times;
  } finally {
    for (const { client, stream } of watches) {
      stream.cancel();
      client.close();
    }
  }
}
