import { LRUCache } from "lru-cache";
import type { TimeSlice } from "../async/time-slice.js";
import type { Contract, ToolContract } from "../contract/contract.js";
import { contractHeadToWire, toolToWire } from "../contract/contract-to-wire.js";
import type { Digest } from "../identity/names.js";
import type { Contract as WireContract } from "../protocol/generated/toolgate/v1/Contract.js";
import type { Tool as WireTool } from "../protocol/generated/toolgate/v1/Tool.js";

/** About how many bytes of contracts are kept. */
const MAX_BYTES = 16_777_216;
/** About what a tool takes besides its schemas, in bytes. */
const TOOL_BYTES = 256;

/** A contract in the form of the wire; not to be changed, for many answers have it. */
interface CachedContract {
  readonly head: WireContract;
  /** By name, in order. */
  readonly tools: ReadonlyMap<string, WireTool>;
  readonly bytes: number;
}

/** Contracts as they go over the wire, encoded once each: a large one's schemas take tens of milliseconds to be written as JSON. */
export class WireContractCache {
  readonly #slice: TimeSlice;
  readonly #cached = new LRUCache<Digest, CachedContract>({
    maxSize: MAX_BYTES,
    sizeCalculation: ({ bytes }) => bytes,
  });
  readonly #encoding = new Map<Digest, Promise<CachedContract>>();

  /** @param slice shares the thread with other work. */
  constructor(slice: TimeSlice) {
    this.#slice = slice;
  }

  /**
   * A contract with those of its tools.
   *
   * @param digest the contract's.
   * @param tools all of the contract's, or some.
   * @returns the contract, not to be changed, and about how many bytes it takes.
   */
  async get(
    digest: Digest,
    contract: Contract,
    tools: readonly ToolContract[],
  ): Promise<{ readonly contract: WireContract; readonly bytes: number }> {
    const { head, tools: all, bytes } = await this.#encoded(digest, contract);
    const chosen = tools.length === all.size ? [...all.values()] : tools.flatMap(({ name }) => all.get(name) ?? []);
    return { contract: { ...head, tools: chosen }, bytes };
  }

  #encoded(digest: Digest, contract: Contract): CachedContract | Promise<CachedContract> {
    const cached = this.#cached.get(digest);
    if (cached !== undefined) return cached;
    let encoding = this.#encoding.get(digest);
    if (encoding === undefined) {
      encoding = this.#encode(digest, contract).finally(() => this.#encoding.delete(digest));
      this.#encoding.set(digest, encoding);
    }
    return encoding;
  }

  async #encode(digest: Digest, contract: Contract): Promise<CachedContract> {
    const tools = new Map<string, WireTool>();
    let bytes = TOOL_BYTES + contract.description.length;
    for (const tool of contract.tools) {
      if (this.#slice.over()) await this.#slice.next();
      const wire = toolToWire(tool);
      tools.set(tool.name, wire);
      bytes += TOOL_BYTES + bytesOf(wire);
    }
    const encoded = { head: contractHeadToWire(contract), tools, bytes };
    this.#cached.set(digest, encoded);
    return encoded;
  }
}

function bytesOf({ description, payloadSchemaJson, resultSchemaJson, metaJson }: WireTool): number {
  const parts = [description, payloadSchemaJson, resultSchemaJson, metaJson];
  return parts.reduce<number>((sum, part) => sum + (part?.length ?? 0), 0);
}
