import { credentials } from "@grpc/grpc-js";
import { loadProtocol } from "../../../src/protocol/load.js";

/** Registers toolsets without providers, each of other names and schemas. */
export interface RegisterCommand {
  readonly kind: "register";
  readonly address: string;
  /** The number of the first one, and the one after the last. */
  readonly from: number;
  readonly to: number;
  readonly toolsPerToolset: number;
}

const AT_ONCE = 8;
/** What tools do and to what, for names and descriptions that a search can tell apart. */
export const VERBS = [
  "read",
  "write",
  "list",
  "delete",
  "convert",
  "translate",
  "deploy",
  "resize",
  "merge",
  "archive",
];
export const NOUNS = [
  "file",
  "invoice",
  "image",
  "branch",
  "ticket",
  "calendar",
  "customer",
  "database",
  "message",
  "report",
];

/** Resolves when all are registered. */
export async function register({ address, from, to, toolsPerToolset }: RegisterCommand): Promise<null> {
  const { Registry } = loadProtocol();
  const client = new Registry(address, credentials.createInsecure());
  let next = from;
  const work = async (): Promise<void> => {
    while (next < to) {
      const index = next++;
      await new Promise<void>((resolve, reject) => {
        const request = {
          contract: contractOf(index, toolsPerToolset),
          providerId: `bench-${index}`,
          incarnation: "1",
        };
        client.Register(request, (error) => (error ? reject(error) : resolve()));
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    client.close();
  }
  return null;
}

function contractOf(index: number, tools: number) {
  return {
    name: toolsetName(index),
    version: "1.0.0",
    title: `Growth ${index}`,
    description: `Toolset ${index} of many, about ${pick(NOUNS, index)}s.`,
    tags: ["growth", `group-${index % 50}`],
    tools: Array.from({ length: tools }, (_, tool) => {
      const { verb, noun } = wordsOf(index, tool);
      return {
        name: toolName(index, tool),
        description: `${verb} one ${noun} of system ${index}, by its number.`,
        payloadSchemaJson: Buffer.from(
          JSON.stringify({
            type: "object",
            properties: { [`${noun}_${index}_${tool}`]: { type: "integer", minimum: 0 }, note: { type: "string" } },
          }),
        ),
      };
    }),
  };
}

export const toolsetName = (index: number): string => `growth-${index}`;

/** The name of a tool, of a toolset of this number. */
export function toolName(index: number, tool: number): string {
  const { verb, noun } = wordsOf(index, tool);
  return `${verb}_${noun}_${tool}`;
}

function wordsOf(index: number, tool: number): { readonly verb: string; readonly noun: string } {
  return { verb: pick(VERBS, tool), noun: pick(NOUNS, Math.floor(tool / VERBS.length) + index) };
}

function pick(words: readonly string[], index: number): string {
  return words[index % words.length] ?? "";
}
