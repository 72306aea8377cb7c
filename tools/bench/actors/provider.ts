import { defineTool, serveToolset, Type } from "../../../src/index.js";
import { filled } from "./provider-input.js";

/**
 * The providers that are measured, written with the SDK. Arguments: a node's address, the toolset's name, their room, its
 * backlog, how many they are, how their names begin.
 */

const [nodes = "", name = "", room = "", maxBacklog = "", count = "1", prefix = ""] = process.argv.slice(2);
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());

const size = Type.Integer({ minimum: 0 });
const text = Type.Object({ text: Type.String() });

const toolset = {
  name,
  version: "1.0.0",
  tools: {
    echo: defineTool({ payload: text, result: text, run: (input) => input }),
    /** Ends only when it is told to stop. */
    hold: defineTool({
      payload: text,
      run: (_input, { signal }) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        }),
    }),
    stream: defineTool({
      payload: Type.Object({ count: size, bytes: size }),
      result: Type.Object({}),
      run: async (input, { emit }) => {
        const piece = "x".repeat(input.bytes);
        for (let index = 0; index < input.count; index += 1) await emit(piece);
        return {};
      },
    }),
    fill: defineTool({ payload: Type.Object({ bytes: size }), result: text, run: (input) => filled(input) }),
  },
};

const providers = await Promise.all(
  Array.from({ length: Number(count) }, (_, index) =>
    serveToolset(toolset, {
      nodes,
      providerId: `${prefix}-${index}`,
      maxInFlight: Number(room),
      maxBacklog: Number(maxBacklog),
      signal: stopping.signal,
    }),
  ),
).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error); // the rest of it is for programs
  process.exit(1);
});
console.log(JSON.stringify({ event: "serving" }));
await Promise.all(providers.map(({ closed }) => closed));
process.exit(0);
