import type { Redis } from "ioredis";
import { CatalogCopy, type CatalogCopyOptions, type CatalogEvent } from "../../src/catalog/catalog-copy.js";
import type { EpochState } from "../../src/catalog/toolset-view.js";
import type { Contract, ToolContract } from "../../src/contract/contract.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import { type PlainToolsetName, parseRegistryName, parseToolName, parseToolsetName } from "../../src/identity/names.js";
import type { LogFields } from "../../src/observe/logger.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections } from "../../src/redis/connections.js";
import { createKeyspace, type Keyspace } from "../../src/redis/keys.js";
import type { ChangeKind } from "../../src/store/registry/change-feed.js";
import type { TestRedis } from "../support/redis.js";
import { storedHealth, storedToolset } from "../support/stored-values.js";

export const monotonicMs = () => performance.now();

export const name = (text: string): PlainToolsetName => parseToolsetName(text, "name");

/** A tool without a payload to speak of. */
export function tool(toolName: string, facts: Partial<ToolContract> = {}): ToolContract {
  return {
    name: parseToolName(toolName, "tool"),
    description: "",
    tags: [],
    payload: { type: "object" },
    delivery: "once",
    ...facts,
  };
}

/** A contract; its tools are sorted, as the parser does. */
export function contract(toolset: string, facts: Partial<Omit<Contract, "name">> = {}): Contract {
  const tools = [...(facts.tools ?? [tool("run")])].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { version: "1.0.0", description: "", tags: [], ...facts, name: name(toolset), tools };
}

export interface WrittenEpoch {
  readonly epoch: number;
  readonly contract: Contract;
  readonly state?: EpochState;
  /** "lastPongMs liveUntilMs room"; never ponged unless said. */
  readonly health?: string;
  readonly registeredAtMs?: number;
}

/** Writes the catalogue's records as the registry's scripts do, but without deciding anything. */
export class HandWrittenCatalog {
  readonly redis: Redis;
  readonly keyspace: Keyspace;

  constructor(redis: Redis, shards = 1) {
    this.redis = redis;
    this.keyspace = createKeyspace(parseRegistryName("default", "registry"), shards);
  }

  /** The record, contracts and healths of a toolset; nothing is announced. */
  async write(toolset: string, epochs: readonly WrittenEpoch[], owner = "somebody"): Promise<void> {
    const keys = this.keyspace.forToolset(name(toolset));
    const healths: Record<string, string> = {};
    for (const { epoch, state = "active", health = "0 0 0" } of epochs)
      healths[`${toolset}@${epoch}`] = await this.#health(state, health);
    const transaction = this.redis.multi();
    const written = epochs.map(({ epoch, contract, state = "active", registeredAtMs = 1_000 }) => {
      const { digest } = sealContract(contract);
      return { epoch, digest, version: contract.version, state, registeredAtMs };
    });
    transaction.hset(keys.toolsets, toolset, storedToolset(toolset, written, { owner }));
    for (const { epoch, contract } of epochs)
      transaction.hset(keys.toolsets, `${toolset}@${epoch}`, sealContract(contract).canonicalJson);
    if (epochs.length > 0) transaction.hset(keys.health, healths);
    await transaction.exec();
  }

  /** One toolset with one active epoch. */
  async writeActive(contract: Contract, epoch = 1, health = "0 0 0"): Promise<void> {
    await this.write(contract.name, [{ epoch, contract, health }]);
  }

  /** Removes everything of a toolset. */
  async erase(toolset: string, ...epochs: number[]): Promise<void> {
    const keys = this.keyspace.forToolset(name(toolset));
    const fields = epochs.map((epoch) => `${toolset}@${epoch}`);
    await this.redis.hdel(keys.toolsets, toolset, ...fields);
    if (fields.length > 0) await this.redis.hdel(keys.health, ...fields);
  }

  async setHealth(toolset: string, epoch: number, state: EpochState, health: string): Promise<void> {
    const keys = this.keyspace.forToolset(name(toolset));
    await this.redis.hset(keys.health, `${toolset}@${epoch}`, await this.#health(state, health));
  }

  async #health(state: EpochState, health: string): Promise<string> {
    const [pong = 0, live = 0, room = 0] = health.split(" ").map(Number);
    return await storedHealth(this.redis, { state, pong, live, room, announced: "0" });
  }

  /** Appends to the stream; returns the id. */
  async append(kind: ChangeKind, toolset: string, epoch = 1, id = "*"): Promise<string> {
    const keys = this.keyspace.forToolset(name(toolset));
    const added = await this.redis.xadd(keys.changes, id, "kind", kind, "toolset", toolset, "epoch", String(epoch));
    if (added === null) throw new Error("XADD answered no id");
    return added;
  }

  /** Appends, and notifies the shard's channel. */
  async announce(kind: ChangeKind, toolset: string, epoch = 1): Promise<string> {
    const id = await this.append(kind, toolset, epoch);
    await this.redis.spublish(this.keyspace.forToolset(name(toolset)).changed, id);
    return id;
  }
}

export interface OpenCopy {
  readonly copy: CatalogCopy;
  readonly redis: Redis;
  readonly log: LogFields[];
  readonly events: CatalogEvent[];
  stop(): Promise<void>;
}

export interface CopySettings
  extends Partial<Pick<CatalogCopyOptions, "pingIntervalMs" | "sweepMs" | "maxCachedContracts">> {
  readonly shards?: number;
}

/** A copy with connections of its own, as a node has them. */
export async function openCopy(redis: TestRedis, settings: CopySettings = {}): Promise<OpenCopy> {
  const { shards = 1, ...options } = settings;
  const keyspace = createKeyspace(parseRegistryName("default", "registry"), shards);
  const connections = createConnections({
    redisUrl: redis.url,
    lockTtlMs: 5_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  await connections.start();
  const log: LogFields[] = [];
  const note = (fields: LogFields) => void log.push(fields);
  const copy = new CatalogCopy({
    redis: connections.command.client,
    subscriber: connections.subscriber,
    shards: keyspace.shards,
    shardOf: (toolset) => keyspace.forToolset(toolset).shard,
    log: { info: note, warn: note, error: note },
    monotonicMs,
    pingIntervalMs: 10_000,
    maxCachedContracts: 100,
    ...options,
  });
  const events: CatalogEvent[] = [];
  const stop = async () => {
    await copy.stop();
    await connections.stop();
  };
  try {
    await copy.start();
    copy.onChange((event) => events.push(event));
  } catch (error) {
    await stop();
    throw error;
  }
  return { copy, redis: connections.command.masterOf(""), log, events, stop };
}

export const namesOf = (toolsets: Iterable<{ readonly name: string }>): string[] =>
  [...toolsets].map(({ name }) => name);
