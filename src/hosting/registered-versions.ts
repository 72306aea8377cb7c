import { type ConnectOptions, connect, ToolgateError } from "../index.js";

/**
 * The versions under which a toolset is registered: of its active epoch and of its candidate, as far as there are such.
 *
 * @throws ToolgateError NODE_UNREACHABLE when no node answers
 */
export async function registeredVersions(
  name: string,
  nodes: string | readonly string[],
  options: ConnectOptions,
): Promise<readonly string[]> {
  await using client = await connect(nodes, options);
  try {
    const { epochs } = await client.get(name);
    return epochs.flatMap(({ state, version }) => (state === "retiring" ? [] : [version]));
  } catch (error) {
    // One that is damaged has none that can be read; registering repairs it.
    if (error instanceof ToolgateError && ["UNKNOWN_TOOLSET", "TOOLSET_DAMAGED"].includes(error.reason)) return [];
    throw error;
  }
}
