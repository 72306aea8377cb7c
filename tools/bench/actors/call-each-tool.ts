import { connect, defineTool, serveToolset, Type } from "../../../src/index.js";

/** Serves toolsets from now on, and calls each of their tools once. */
export interface CallEachCommand {
  readonly kind: "call_each";
  readonly address: string;
  readonly toolsets: number;
  readonly toolsPerToolset: number;
}

const AT_ONCE = 256;

/** Resolves when all calls have ended; the tools stay there. */
export async function callEach({ address, toolsets, toolsPerToolset }: CallEachCommand): Promise<null> {
  // Without a schema of results: a node compiles every schema that is registered, and what is called here is not what is measured.
  const nothing = defineTool({ payload: Type.Object({}), run: () => ({}) });
  const tools = Object.fromEntries(Array.from({ length: toolsPerToolset }, (_, tool) => [`tool-${tool}`, nothing]));
  const names = Array.from({ length: toolsets }, (_, index) => `scraped-${index}`);
  await Promise.all(names.map((name) => serveToolset({ name, version: "1.0.0", tools }, { nodes: address })));
  const client = await connect(address);
  const session = client.session();
  const calls = names.flatMap((name) => Object.keys(tools).map((tool) => [name, tool] as const))[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const [name, tool] of calls) await session.invoke(name, tool, {}, { wait: true });
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    await client.close();
  }
  return null;
}
