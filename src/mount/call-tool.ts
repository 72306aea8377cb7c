import { setTimeout as delay } from "node:timers/promises";
import { type ToolContext, ToolFailure } from "../index.js";
import type { ToolCallOutcome } from "./mcp-server.js";
import { ProgressRelay } from "./progress-relay.js";
import { printable } from "./server-log.js";
import type { ServerSlot } from "./server-slot.js";

/** How often an idempotent tool is called before its server's deaths become the call's failure. */
const MAX_TRIES = 3;
/** A message of a tool error keeps 4 KiB on the wire; more is not worth joining. */
const MAX_MESSAGE_CHARACTERS = 4_096;
/** The most that is passed on as details of a failure, in bytes of JSON. */
const MAX_DETAILS_BYTES = 16 * 1024;
/** The gateway ends a call at its deadline; this is only for when it does not. */
const DEADLINE_MARGIN_MS = 1_000;

/** Reason of a call whose MCP server ended while it ran. */
export const MCP_SERVER_DIED = "MCP_SERVER_DIED";
/** Reason of a call that the MCP server answered with a JSON-RPC error; its code is in the details. */
export const MCP_ERROR = "MCP_ERROR";

/**
 * Runs one call at the MCP server. A call that finds no server waits for the next one within its deadline, since it cannot
 * have run. One whose server dies under it fails with MCP_SERVER_DIED; an idempotent one is called again at the next
 * server, at most three times in all, and its progress starts anew.
 *
 * @returns the server's answer, without `isError`
 * @throws ToolFailure TOOL_ERROR with the text of the answer when the server says `isError`
 */
export async function callMountedTool(
  slot: ServerSlot,
  tool: string,
  input: unknown,
  idempotent: boolean,
  context: ToolContext,
  now: () => number,
): Promise<unknown> {
  const relay = new ProgressRelay((progress) => context.emit(progress), now);
  try {
    for (let tries = 1; ; ) {
      const server = await slot.take(context.signal);
      const outcome = await server.callTool(tool, input, {
        signal: context.signal,
        timeoutMs: Math.max(1, context.deadline.getTime() - now()) + DEADLINE_MARGIN_MS,
        onProgress: (progress) => relay.offer(progress),
      });
      if (outcome.kind === "not_sent") {
        // The slot is emptied when the server's end has been read to its last line: a moment later.
        await delay(10, undefined, { signal: context.signal }).catch(() => {});
        continue;
      }
      if (outcome.kind === "died" && idempotent && tries < MAX_TRIES) {
        tries += 1;
        continue;
      }
      return readOutcome(outcome);
    }
  } finally {
    await relay.finish();
  }
}

function readOutcome(outcome: Exclude<ToolCallOutcome, { kind: "not_sent" }>): unknown {
  switch (outcome.kind) {
    case "answer":
      return readAnswer(outcome.answer);
    case "refused":
      throw new ToolFailure(
        MCP_ERROR,
        printable(outcome.message, MAX_MESSAGE_CHARACTERS),
        bounded({ code: outcome.code, data: outcome.data }),
      );
    case "timed_out":
      throw new ToolFailure(
        "MCP_TIMEOUT",
        "The MCP server did not answer before the call's deadline; it may still be at work.",
      );
    case "died":
      throw new ToolFailure(
        MCP_SERVER_DIED,
        "The MCP server ended while the call ran; the tool may have taken effect.",
      );
    default:
      return outcome satisfies never;
  }
}

function readAnswer(answer: { readonly [key: string]: unknown }): unknown {
  const { isError, ...rest } = answer;
  const content = Array.isArray(rest.content) ? rest.content : [];
  if (isError !== true) return { ...rest, content };
  const text = content.flatMap((part: unknown) => (isText(part) ? [part.text] : [])).join("\n");
  const message = text === "" ? "The tool reported a failure without a message." : text;
  throw new ToolFailure("TOOL_ERROR", printable(message, MAX_MESSAGE_CHARACTERS), bounded({ ...rest, content }));
}

/** Details within their limit, or none: an error is no way to carry much. */
function bounded(details: unknown): unknown {
  const json = JSON.stringify(details);
  return json !== undefined && Buffer.byteLength(json) <= MAX_DETAILS_BYTES ? details : undefined;
}

function isText(part: unknown): part is { readonly text: string } {
  return typeof part === "object" && part !== null && "text" in part && typeof part.text === "string";
}
