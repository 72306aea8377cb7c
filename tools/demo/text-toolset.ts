import { setTimeout as after } from "node:timers/promises";
import { defineTool, ToolFailure, Type } from "../../src/index.js";

/** A toolset as small as they come: three tools on text, one of which shows its output as it goes. */
export const TEXT_TOOLSET = {
  name: "text",
  version: "1.0.0",
  title: "Text",
  description: "Small tools on text: count words, make slugs, count down.",
  tags: ["demo", "text"],
  tools: {
    count_words: defineTool({
      title: "Count words",
      description: "Counts the words, lines and characters of a text.",
      payload: Type.Object({ text: Type.String({ maxLength: 100_000 }) }, { additionalProperties: false }),
      result: Type.Object({
        words: Type.Integer({ minimum: 0 }),
        lines: Type.Integer({ minimum: 0 }),
        characters: Type.Integer({ minimum: 0 }),
      }),
      annotations: { readOnlyHint: true },
      idempotent: true,
      run: ({ text }) => ({
        words: text.match(/\S+/g)?.length ?? 0,
        lines: text === "" ? 0 : text.split("\n").length,
        characters: [...text].length,
      }),
    }),
    slugify: defineTool({
      title: "Make a slug",
      description: "Makes a short name for URLs and files out of a title.",
      payload: Type.Object({ text: Type.String({ minLength: 1, maxLength: 1_000 }) }, { additionalProperties: false }),
      result: Type.Object({ slug: Type.String() }),
      annotations: { readOnlyHint: true },
      idempotent: true,
      run: ({ text }) => {
        const slug = text
          .normalize("NFKD")
          .toLowerCase()
          .replace(/\p{Mark}/gu, "")
          .replace(/[^a-z0-9]+/g, "-")
          .replace(/^-|-$/g, "");
        if (slug === "") throw new ToolFailure("NOTHING_LEFT", "The text has no letter or digit that a slug can keep.");
        return { slug };
      },
    }),
    countdown: defineTool({
      title: "Count down",
      description: "Counts down to zero, one number at a time, as output while it runs.",
      payload: Type.Object(
        {
          from: Type.Integer({ minimum: 1, maximum: 100 }),
          everyMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, description: "200 when absent." })),
        },
        { additionalProperties: false },
      ),
      result: Type.Object({ counted: Type.Integer() }),
      annotations: { readOnlyHint: true },
      run: async ({ from, everyMs = 200 }, { emit, signal }) => {
        for (let left = from; left > 0; left -= 1) {
          await emit(left);
          await after(everyMs, undefined, { signal });
        }
        return { counted: from };
      },
    }),
  },
} as const;
