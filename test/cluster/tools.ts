import { defineTool, type ServeOptions, serveToolset, type ToolContext, Type } from "../../src/index.js";

/** What happened in the tools of this process: one line per run. */
export interface Ledger {
  readonly runs: { readonly tool: string; readonly context: ToolContext }[];
}

/** Releases the tools that wait. */
export interface Gate {
  open(): void;
  readonly passed: Promise<void>;
}

export function gate(): Gate {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

/** A toolset with a tool for each thing that a tool can do; `hold` waits for the gate, or until it is told to stop. */
export function lab(ledger: Ledger, held: Gate = gate(), version = "1.0.0", description = "For experiments.") {
  const note = (tool: string, context: ToolContext): void => {
    ledger.runs.push({ tool, context });
  };
  return {
    name: "lab",
    version,
    description,
    tags: ["test"],
    tools: {
      sum: defineTool({
        description: "Adds two numbers.",
        payload: Type.Object({ a: Type.Number(), b: Type.Number() }, { additionalProperties: false }),
        result: Type.Number(),
        run: ({ a, b }, context) => {
          note("sum", context);
          return a + b;
        },
      }),
      count: defineTool({
        description: "Counts up, saying each number.",
        payload: Type.Object({ to: Type.Integer({ maximum: 1_000 }) }),
        run: async ({ to }, context) => {
          note("count", context);
          for (let i = 1; i <= to; i++) await context.emit({ i });
          return { to };
        },
      }),
      hold: defineTool({
        description: "Waits until it is let go or stopped.",
        payload: Type.Object({}),
        run: async (_input, context) => {
          note("hold", context);
          await Promise.race([
            held.passed,
            new Promise((_resolve, reject) =>
              context.signal.addEventListener("abort", () => reject(context.signal.reason)),
            ),
          ]);
          return "let go";
        },
      }),
      stubborn: defineTool({
        description: "Waits until it is let go, whatever it is told.",
        payload: Type.Object({}),
        run: async (_input, context) => {
          note("stubborn", context);
          await held.passed;
          return "let go";
        },
      }),
      liar: defineTool({
        description: "Promises a number, and answers something else.",
        payload: Type.Object({}),
        result: Type.Unsafe<unknown>({ type: "number" }),
        run: (_input, context) => {
          note("liar", context);
          return "not a number";
        },
      }),
      fail: defineTool({
        description: "Fails.",
        payload: Type.Object({}),
        run: (_input, context) => {
          note("fail", context);
          throw new Error("it did not work");
        },
      }),
    },
  } as const;
}

/** Serves the lab. */
export function serveLab(ledger: Ledger, options: ServeOptions, held?: Gate, version?: string, description?: string) {
  return serveToolset(lab(ledger, held, version, description), options);
}
