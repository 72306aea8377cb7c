import { env } from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { defineToolset, serveToolset, ToolFailure, Type } from "toolgate";

const words = defineToolset({
  name: "words",
  version: "1.0.0",
  description: "Words and letters.",
  tools: {
    count_words: {
      description: "Counts the words of a text.",
      payload: Type.Object({ text: Type.String() }),
      result: Type.Object({ words: Type.Integer(), different: Type.Integer() }),
      idempotent: true, // may run again where its provider was lost; other tools never do
      run: ({ text }) => {
        const found = text.match(/\S+/g);
        if (found === null) throw new ToolFailure("NO_WORDS", "there is no word in the text");
        return { words: found.length, different: new Set(found).size };
      },
    },
    spell: {
      description: "Spells a text, letter by letter, with pauses of that many seconds.",
      payload: Type.Object({ text: Type.String(), pause_s: Type.Optional(Type.Number({ minimum: 0 })) }),
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
});

const provider = await serveToolset(words, { nodes: env.TOOLGATE_NODES ?? "127.0.0.1:7400" });
// Takes no more calls, finishes those in hand, and hands its lease back.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => provider.stop());
console.log(`serving ${provider.name}, epoch ${provider.epoch}`);
console.log(`no longer serving: ${(await provider.closed).kind}`);
