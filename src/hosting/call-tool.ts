import { setTimeout as delay } from "node:timers/promises";
import { type ToolContext, ToolFailure } from "../index.js";
import { type JsonPart, joinObject } from "../json/json-slices.js";
import { RawJson } from "../json/raw-json.js";
import { tracing } from "../sdk/tracing.js";
import type { ToolCallOutcome } from "./mcp-server.js";
import { ProgressRelay } from "./progress-relay.js";
import { printable } from "./server-log.js";
import type { ServerSlot } from "./server-slot.js";
import { readToolAnswer } from "./tool-answer.js";

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
/** Reason of a call whose answer by the MCP server cannot be used. */
export const MCP_INVALID_ANSWER = "MCP_INVALID_ANSWER";

/**
 * Runs one call at the MCP server. A call that finds no server waits for the next one within its deadline, since it cannot
 * have run. One whose server dies under it fails with MCP_SERVER_DIED; an idempotent one is called again at the next
 * server, at most three times in all, and its progress starts anew. An answer that is none ends the call at once, with
 * MCP_INVALID_ANSWER.
 *
 * The arguments reach the server as the bytes that the agent sent, and its answer comes back as the bytes that it wrote.
 *
 * @returns the server's answer, in its own bytes
 * @throws ToolFailure TOOL_ERROR with the text of the answer when the server says `isError`
 */
export async function callMountedTool(
  slot: ServerSlot,
  tool: string,
  idempotent: boolean,
  context: ToolContext,
  now: () => number,
): Promise<RawJson> {
  const relay = new ProgressRelay((progress) => context.emit(progress), now);
  tracing()?.noteMcp();
  try {
    for (let tries = 1; ; ) {
      const server = await slot.take(context.signal);
      const outcome = await server.callTool(tool, context.payloadJson, {
        signal: context.signal,
        timeoutMs: Math.max(1, context.deadline.getTime() - now()) + DEADLINE_MARGIN_MS,
        onProgress: (progress) => relay.offer(progress),
        trace: context,
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

function readOutcome(outcome: Exclude<ToolCallOutcome, { kind: "not_sent" }>): RawJson {
  switch (outcome.kind) {
    case "result":
      return readResult(outcome.value, outcome.json);
    case "error":
      throw new ToolFailure(MCP_ERROR, printable(outcome.message, MAX_MESSAGE_CHARACTERS), errorDetails(outcome));
    case "unusable":
      throw unusable(outcome.why);
    case "timed_out":
      throw new ToolFailure(
        "MCP_TIMEOUT",
        "The MCP server did not answer before the call's deadline; it may still be at work.",
      );
    case "died": {
      const why = outcome.why ?? "The MCP server ended while the call ran";
      throw new ToolFailure(MCP_SERVER_DIED, `${why}; the tool may have taken effect.`);
    }
    default:
      return outcome satisfies never;
  }
}

function readResult(value: unknown, json: Buffer): RawJson {
  const answer = readToolAnswer(value, json);
  switch (answer.kind) {
    case "result":
      return new RawJson(answer.json);
    case "failed": {
      const message = answer.text.trim() === "" ? "The tool reported a failure without a message." : answer.text;
      throw new ToolFailure("TOOL_ERROR", printable(message, MAX_MESSAGE_CHARACTERS), bounded(answer.json));
    }
    case "unusable":
      throw unusable(answer.why);
    default:
      return answer satisfies never;
  }
}

function unusable(why: string): ToolFailure {
  return new ToolFailure(
    MCP_INVALID_ANSWER,
    `The MCP server's answer cannot be used: ${why}. The tool may have taken effect.`,
  );
}

function errorDetails({ code, data }: Extract<ToolCallOutcome, { kind: "error" }>): RawJson | undefined {
  const members: [string, JsonPart][] = [];
  if (code !== undefined) members.push(["code", code]);
  if (data !== undefined) members.push(["data", data]);
  return members.length === 0 ? undefined : bounded(joinObject(members));
}

/** Details within their limit, or none: an error is no way to carry much. */
function bounded(json: Buffer): RawJson | undefined {
  return json.length <= MAX_DETAILS_BYTES ? new RawJson(json) : undefined;
}
