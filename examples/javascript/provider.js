import { env } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { serveToolset, ToolFailure } from "toolgate";

const text = { type: "string" };

const provider = await serveToolset(
  {
    name: "words",
    version: "1.0.0",
    description: "Words and letters.",
    tools: {
      count_words: {
        description: "Counts the words of a text.",
        payload: { type: "object", properties: { text }, required: ["text"] },
        result: {
          type: "object",
          properties: { words: { type: "integer" }, different: { type: "integer" } },
          required: ["words", "different"],
        },
        idempotent: true, // may run again where its provider was lost; other tools never do
        run: ({ text }) => {
          const found = text.match(/\S+/g);
          if (found === null) throw new ToolFailure("NO_WORDS", "there is no word in the text");
          return { words: found.length, different: new Set(found).size };
        },
      },
      spell: {
        description: "Spells a text, letter by letter, with pauses of that many seconds.",
        payload: { type: "object", properties: { text, pause_s: { type: "number", minimum: 0 } }, required: ["text"] },
        run: async ({ text, pause_s = 0 }, { emit, signal }) => {
          const letters = [...text];
          for (const letter of letters) {
            await emit({ letter }); // waits where the agent or the gateway does not keep up
            await pause(pause_s * 1000, undefined, { signal }); // ends here when the call is cancelled
          }
          return { letters: letters.length };
        },
      },
    },
  },
  { nodes: env.TOOLGATE_NODES ?? "127.0.0.1:7400" },
);
// Takes no more calls, finishes those in hand, and hands its lease back.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => provider.stop());
console.log(`serving ${provider.name}, epoch ${provider.epoch}`);
console.log(`no longer serving: ${(await provider.closed).kind}`);
