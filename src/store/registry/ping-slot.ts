import type { Epoch, ToolsetName } from "../../identity/names.js";
import type { ShardKeys } from "../../redis/keys.js";
import { ANSWER_LUA, NOTIFY_LUA } from "../../redis/notify.js";
import { asNumber, defineScript, evenWhenFull, runScript } from "../../redis/script.js";
import type { RegistryStore } from "./registry-store.js";

/** An epoch to ping. */
export interface PingTarget {
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
}

/**
 * How long a slot stays taken beyond its end, in milliseconds: longer than a command can be under way, so that one that a
 * stalled connection held back does not ping a slot of long ago again.
 */
const SLOT_KEPT_MS = 60_000;

/** The most epochs that one message to all nodes holds. */
const TARGETS_PER_MESSAGE = 500;

const PING_SLOT = evenWhenFull(
  defineScript(
    "PING_SLOT",
    NOTIFY_LUA,
    `
-- KEYS    [1] the slot, [2] the channel of pings
-- ARGV    [1] the node that takes the slot, [2] for how long; then messages
-- Returns 1 when the slot was taken and all were published, else 0
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
for i = 3, #ARGV do publish(KEYS[2], ARGV[i]) end
-- Another node's user may be allowed to.
if unpublished then redis.call('DEL', KEYS[1]) end
local answer = unpublished and 0 or 1
${ANSWER_LUA}
`,
  ),
);

/**
 * Emits one slot's pings of a shard to all nodes, unless another pinger has done so: two pingers at once cost nothing.
 *
 * @returns whether this node emitted them.
 */
export async function emitPings(
  store: RegistryStore,
  keys: ShardKeys,
  slot: number,
  node: string,
  intervalMs: number,
  targets: readonly PingTarget[],
): Promise<boolean> {
  const messages: string[] = [];
  for (let start = 0; start < targets.length; start += TARGETS_PER_MESSAGE) {
    messages.push(encodePings(slot, targets.slice(start, start + TARGETS_PER_MESSAGE)));
  }
  const args = [node, intervalMs * 2 + SLOT_KEPT_MS, ...messages];
  return asNumber(await runScript(store.redis, PING_SLOT, [keys.slot(slot), keys.pings], args)) === 1;
}

/** `<slot>` and then a line `<toolset> <epoch>` each. */
export function encodePings(slot: number, targets: readonly PingTarget[]): string {
  return [String(slot), ...targets.map(({ toolset, epoch }) => `${toolset} ${epoch}`)].join("\n");
}

/** Reads what `encodePings` wrote. */
export function decodePings(message: Buffer): { readonly slot: string; readonly targets: readonly PingTarget[] } {
  const [slot = "", ...lines] = message.toString().split("\n");
  const targets = lines.map((line) => {
    const space = line.indexOf(" ");
    return { toolset: line.slice(0, space) as ToolsetName, epoch: Number(line.slice(space + 1)) as Epoch }; // from encodePings
  });
  return { slot, targets };
}
