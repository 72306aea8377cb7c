import { type ConnectOptions, connect, type RegistryInfo, ToolgateError } from "../../src/index.js";
import { type Check, ok, warn } from "./check.js";

/** What one node says of its registry. */
export interface NodeRegistry {
  readonly address: string;
  readonly registry: RegistryInfo;
}

/** Asks each node what registry it belongs to. One that cannot be asked is left to the check of its health. */
export async function checkRegistry(nodes: readonly string[], options: ConnectOptions): Promise<Check[]> {
  const answers = await Promise.all(nodes.map(async (address) => ({ address, registry: await ask(address, options) })));
  options.signal?.throwIfAborted();
  return evaluateRegistry(
    answers.flatMap(({ address, registry }) => (registry === undefined ? [] : [{ address, registry }])),
  );
}

async function ask(address: string, options: ConnectOptions): Promise<RegistryInfo | undefined> {
  try {
    const client = await connect(address, options);
    try {
      return await client.registry(options.signal === undefined ? {} : { signal: options.signal });
    } finally {
      await client.close();
    }
  } catch (error) {
    if (error instanceof ToolgateError) return undefined; // it cannot be reached, or is too old to tell
    throw error;
  }
}

/** Says what the registry is and accepts, and which nodes say something else than the first one. */
export function evaluateRegistry([first, ...others]: readonly NodeRegistry[]): Check[] {
  if (first === undefined) return [];
  const { name, version, limits } = first.registry;
  const odd = others.filter(
    ({ registry }) => registry.name !== name || JSON.stringify(registry.limits) !== JSON.stringify(limits),
  );
  if (odd.length > 0) {
    return odd.map(({ address }) =>
      warn(
        `node ${address}`,
        `belongs to another registry than ${first.address}, or has other limits`,
        "Give all nodes of a cluster the same settings: TOOLGATE_REGISTRY, and every TOOLGATE_MAX_….",
      ),
    );
  }
  const mixed = versionsOf(first.registry);
  if (mixed.length > 1) {
    return [
      warn(
        `registry ${name}`,
        `its nodes run different versions of Toolgate: ${mixed.join(", ")}`,
        "That is so during an upgrade; when it is over, restart the nodes that were left out.",
      ),
    ];
  }
  const sizes = `payloads up to ${size(limits.maxPayloadBytes)}, results up to ${size(limits.maxResultBytes)}`;
  return [ok(`registry ${name}`, `Toolgate ${version}; ${sizes}, calls up to ${limits.maxTimeoutMs / 1_000} s`)];
}

/** The versions of a registry's nodes, and how many run each. */
function versionsOf({ nodes }: RegistryInfo): string[] {
  const counts = new Map<string, number>();
  for (const { version } of nodes) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts].map(([version, count]) => `${version} (${count} of ${nodes.length} nodes)`);
}

function size(bytes: number): string {
  return bytes >= 1_048_576 ? `${Number((bytes / 1_048_576).toFixed(1))} MiB` : `${Math.round(bytes / 1_024)} KiB`;
}
