import { defineTool, serveToolset, Type } from "../../../src/index.js";
import { filled } from "./provider-input.js";

/** The provider that is measured, written with the SDK. Arguments: a node's address, the toolset's name, its room, its backlog. */

const [nodes = "", name = "", room = "", maxBacklog = ""] = process.argv.slice(2);
const stopping = new AbortController();
process.once("SIGTERM", () => stopping.abort());

const count = Type.Integer({ minimum: 0 });
const text = Type.Object({ text: Type.String() });

const provider = await serveToolset(
  {
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
        payload: Type.Object({ count, bytes: count }),
        result: Type.Object({}),
        run: async (input, { emit }) => {
          const piece = "x".repeat(input.bytes);
          for (let index = 0; index < input.count; index += 1) await emit(piece);
          return {};
        },
      }),
      fill: defineTool({ payload: Type.Object({ bytes: count }), result: text, run: (input) => filled(input) }),
    },
  },
  {
    nodes,
    providerId: "bench",
    maxInFlight: Number(room),
    maxBacklog: Number(maxBacklog),
    signal: stopping.signal,
  },
).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error); // the rest of it is for programs
  process.exit(1);
});
console.log(JSON.stringify({ event: "serving", epoch: provider.epoch }));
await provider.closed;
process.exit(0);
