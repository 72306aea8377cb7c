import {
  type ConnectOptions,
  connect,
  type DamagedToolset,
  ToolgateError,
  type ToolsetSummary,
} from "../../src/index.js";
import { oneLine } from "../output/text-width.js";
import { type Check, fail, ok, warn } from "./check.js";

/** How many toolsets are named; the others are counted. */
const MOST_NAMED = 10;

/** Looks at what the registry lists, through any node. */
export async function checkToolsets(nodes: readonly string[], options: ConnectOptions): Promise<Check[]> {
  try {
    const client = await connect(nodes, options);
    try {
      const toolsets: ToolsetSummary[] = [];
      for await (const toolset of client.list(options.signal === undefined ? {} : { signal: options.signal })) {
        toolsets.push(toolset);
      }
      const damaged = await client.damaged(options.signal === undefined ? {} : { signal: options.signal });
      return [...evaluateDamaged(damaged), ...evaluateToolsets(toolsets, Date.now(), damaged.length)];
    } finally {
      await client.close();
    }
  } catch (error) {
    options.signal?.throwIfAborted();
    const why = error instanceof ToolgateError ? error.message : String(error);
    return [fail("toolsets", `cannot be listed: ${why}`, "Look at the checks of the nodes first.")];
  }
}

/** Says which toolsets' records are damaged. */
export function evaluateDamaged(damaged: readonly DamagedToolset[]): Check[] {
  const checks = damaged
    .slice(0, MOST_NAMED)
    .map(({ name, reason }) =>
      fail(
        `toolset ${oneLine(name)}`,
        `damaged in Redis: ${oneLine(reason)}`,
        "Start one of its providers again: registering repairs it. Or remove it with toolgate unregister.",
      ),
    );
  const unnamed = damaged.length - MOST_NAMED;
  if (unnamed > 0) checks.push(fail("toolsets", `${unnamed} more are damaged`, "toolgate list names them."));
  return checks;
}

/**
 * Says which toolsets cannot be called, and why.
 *
 * @param damaged how many there are beside these.
 */
export function evaluateToolsets(toolsets: readonly ToolsetSummary[], nowMs: number, damaged = 0): Check[] {
  const name = "toolsets";
  if (toolsets.length === 0) return damaged > 0 ? [] : [ok(name, "none is registered yet")];
  const checks: Check[] = [];
  if (toolsets.some(({ stale }) => stale)) {
    checks.push(warn(name, "the node answers from memory: it cannot reach Redis", "Look at Redis."));
  }
  const unhealthy = toolsets.filter(({ healthy }) => !healthy);
  for (const toolset of unhealthy.slice(0, MOST_NAMED)) {
    checks.push(
      warn(
        `toolset ${oneLine(toolset.name)}`,
        whyUnhealthy(toolset, nowMs),
        "Look at its providers: start one, or read its log.",
      ),
    );
  }
  const unnamed = unhealthy.length - MOST_NAMED;
  if (unnamed > 0) checks.push(warn(name, `${unnamed} more are unhealthy`, "toolgate list --health unhealthy"));
  const healthy = toolsets.length - unhealthy.length;
  if (healthy > 0) checks.push(ok(name, `${healthy} of ${toolsets.length + damaged} healthy`));
  return checks;
}

function whyUnhealthy({ epochs }: ToolsetSummary, nowMs: number): string {
  const active = epochs.find(({ state }) => state === "active");
  if (active === undefined) return "unhealthy: no epoch is active";
  const { lastPong, liveUntil } = active.health;
  if (lastPong === undefined) return "unhealthy: no provider has answered a ping yet";
  const ago = Math.max(0, Math.round((nowMs - lastPong.getTime()) / 1_000));
  const provider =
    liveUntil === undefined || liveUntil.getTime() < nowMs ? "no provider is there" : "its providers do not answer";
  return `unhealthy: ${provider}; the last pong came ${ago} s ago`;
}
