import { every, type Repeating } from "../../async/every.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { NodeId } from "../../identity/names.js";
import type { FaultLog } from "../../observe/recurring-faults.js";
import type { Keyspace } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asArray, asText, defineScript, evenWhenFull, runScript } from "../../redis/script.js";

/** The number of the latest formats that this version knows; see docs/redis-format.md. */
export const STORE_FORMAT = 2;
/** The number of those in which a registry begins. It gets a later one when what needs that is written first: see raise-format.ts. */
const FIRST_FORMAT = 1;
/** How often a node says that it lives, and for how long that holds, in milliseconds. */
const INTERVAL_MS = 10_000;
const TTL_MS = 30_000;
/** A number of a format as `LIST_NODE` reads it. */
const FORMAT = /^[1-9]\d*$/;

/** A node that lives. */
export interface ListedNode {
  readonly id: string;
  /** Its version of Toolgate. */
  readonly version: string;
}

// A node's entry is "1 <listed until> <format> <version>"; what a later version appends is not touched.
const LIST_NODE = evenWhenFull(
  defineScript(
    "LIST_NODE",
    `
-- KEYS    [1] nodes, [2] format
-- ARGV    [1] node, [2] its version, [3] the number of the latest formats that it knows, [4] for how long it is
--         listed, [5] the number of those in which a registry begins
-- Returns { 'listed', nodes, each with its version behind it }
--         { 'newer', format }: the registry is kept in a later format
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[2], ARGV[5], 'NX')
local format = redis.call('GET', KEYS[2])
if not string.find(format, '^[1-9]%d*$') or tonumber(format) > tonumber(ARGV[3]) then return { 'newer', format } end
redis.call('HSET', KEYS[1], ARGV[1], string.format('1 %.0f %s %s', now + tonumber(ARGV[4]), ARGV[3], ARGV[2]))
local listed, cursor = {}, '0'
repeat
  local page = redis.call('HSCAN', KEYS[1], cursor, 'COUNT', 1000)
  cursor = page[1]
  for i = 1, #page[2], 2 do
    local ends, version = string.match(page[2][i + 1], '^%d+ (%d+) %d+ (%S+)')
    if not ends or tonumber(ends) <= now then
      redis.call('HDEL', KEYS[1], page[2][i])
    else
      listed[#listed + 1] = page[2][i]
      listed[#listed + 1] = version
    end
  end
until cursor == '0'
return { 'listed', listed }
`,
  ),
);

const UNLIST_NODE = evenWhenFull(
  defineScript(
    "UNLIST_NODE",
    `
-- KEYS    [1] nodes
-- ARGV    [1] node
-- Returns 0
if redis.call('TYPE', KEYS[1]).ok == 'hash' then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 0
`,
  ),
);

export interface NodeListSettings {
  readonly redis: RedisClient;
  readonly keyspace: Keyspace;
  readonly node: NodeId;
  readonly version: string;
  readonly faults: FaultLog;
  /** The registry has come to be kept in a later format than this version knows: the node can only end. Called once. */
  readonly onOutdated: (error: ToolgateError) => void;
}

/**
 * The nodes of a registry that live, and their versions, as they stand in Redis: so a cluster of two versions can be recognised, and what
 * older nodes do not know is used only when all nodes know it.
 */
export class NodeList {
  readonly #settings: NodeListSettings;
  readonly #saying: Repeating;
  #nodes: readonly ListedNode[] = [];
  #outdated = false;

  constructor(settings: NodeListSettings) {
    this.#settings = settings;
    this.#saying = every(
      () => INTERVAL_MS,
      () => this.#sayAgain(),
      (error) => settings.faults.warn({ event: "node_list_failed", error }, INTERVAL_MS),
    );
  }

  /** The nodes as of a few seconds ago, in the order of their ids; this one is among them. */
  get nodes(): readonly ListedNode[] {
    return this.#nodes;
  }

  /**
   * Lists this node.
   *
   * @throws ToolgateError INVALID_CONFIG where what is in Redis was written in a later format; STORE_UNAVAILABLE
   */
  async start(): Promise<void> {
    const format = await this.#say();
    if (format !== undefined) throw this.#refusal(format);
    this.#saying.start();
  }

  /** Takes this node off the list; if Redis is away, its entry ends by itself. */
  async stop(): Promise<void> {
    const { redis, keyspace, node } = this.#settings;
    await this.#saying.stop();
    await runScript(redis, UNLIST_NODE, [keyspace.nodesKey], [node]).catch(() => {}); // it ends by itself
  }

  /**
   * A format is raised when all nodes that are listed know it. So a node that meets a raised one was off the list meanwhile, frozen or
   * without Redis. What is no number of a format was not written by a node, and is no reason to end all of them.
   */
  async #sayAgain(): Promise<void> {
    const format = await this.#say();
    if (format === undefined || this.#outdated) return;
    if (!FORMAT.test(format)) throw this.#refusal(format);
    this.#outdated = true;
    this.#settings.onOutdated(this.#refusal(format));
  }

  /** Lists this node; where the registry is not kept in a format that it knows, answers with that one and does not. */
  async #say(): Promise<string | undefined> {
    const { redis, keyspace, node, version } = this.#settings;
    const keys = [keyspace.nodesKey, keyspace.formatKey];
    const args = [node, version, STORE_FORMAT, TTL_MS, FIRST_FORMAT];
    const [kind, said] = asArray(await runScript(redis, LIST_NODE, keys, args));
    if (kind === undefined || said === undefined) throw new TypeError("LIST_NODE answered nothing");
    if (asText(kind) === "newer") return asText(said);
    this.#nodes = readNodes(asArray(said).map(asText));
    return undefined;
  }

  #refusal(format: string): ToolgateError {
    const { keyspace, version } = this.#settings;
    return new ToolgateError(
      "INVALID_CONFIG",
      `the registry "${keyspace.registry}" is kept in format ${format}, and Toolgate ${version} knows formats up to ${STORE_FORMAT}; start a later version`,
    );
  }
}

function readNodes(reply: readonly string[]): readonly ListedNode[] {
  const nodes: ListedNode[] = [];
  for (let at = 0; at + 1 < reply.length; at += 2) nodes.push({ id: reply[at] ?? "", version: reply[at + 1] ?? "" });
  return nodes.sort((a, b) => (a.id < b.id ? -1 : 1));
}
