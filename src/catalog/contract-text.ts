import { LRUCache } from "lru-cache";
import type { Contract, ToolContract } from "../contract/contract.js";
import { digestOf } from "../contract/seal-contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Digest, ToolName, ToolsetName } from "../identity/names.js";
import { plainName } from "../identity/toolset-name.js";

/** The most of a description that lists, hits and changes carry, in UTF-16 units. */
const MAX_SUMMARY_DESCRIPTION = 512;

/** What lists show of a contract. */
export interface ContractFacts {
  readonly title: string;
  /** At most the first 512 characters. */
  readonly description: string;
  readonly version: string;
  readonly tags: readonly string[];
  readonly toolCount: number;
}

/** A tool by what rules look at. */
export interface OutlinedTool {
  readonly name: string;
  readonly tags: readonly string[];
}

/** A contract by what rules look at. */
export interface ContractOutline {
  readonly tags: readonly string[];
  readonly tools: readonly OutlinedTool[];
}

/** An outline as it is kept: names in one text, and the tags of those tools that have any. Catalogues have many, and most are never asked for. */
interface KeptOutline {
  readonly names: string;
  readonly tags: ReadonlyMap<string, readonly string[]>;
}

/** A contract that was parsed, with its tools by name. */
export interface ParsedContract {
  readonly contract: Contract;
  readonly tools: ReadonlyMap<string, ToolContract>;
}

/** The parsed contracts that are in use, by digest; those used least lately are parsed again when they are needed. */
export type ContractCache = LRUCache<Digest, ParsedContract>;

export function createContractCache(maxContracts: number): ContractCache {
  return new LRUCache({ max: maxContracts });
}

/**
 * One contract as the node keeps it: the canonical text, whose digest was checked, parsed on first use. Catalogues are
 * large and few of their contracts are called at a time, so the text stays and what was parsed may go.
 */
export class ContractText {
  readonly digest: Digest;
  readonly #toolset: ToolsetName;
  readonly #text: string;
  readonly #cache: ContractCache;
  readonly #onUnreadable: (reason: string) => void;
  #facts: ContractFacts | undefined;
  #outline: KeptOutline | undefined;

  private constructor(
    toolset: ToolsetName,
    digest: Digest,
    text: string,
    cache: ContractCache,
    onUnreadable: (reason: string) => void,
  ) {
    this.#toolset = toolset;
    this.digest = digest;
    this.#text = text;
    this.#cache = cache;
    this.#onUnreadable = onUnreadable;
  }

  /**
   * Takes a text from Redis, if it is the one that the digest names.
   *
   * @param onUnreadable called when the text turns out, on first use, not to hold this toolset's contract.
   */
  static check(
    toolset: ToolsetName,
    digest: Digest,
    text: string,
    cache: ContractCache,
    onUnreadable: (reason: string) => void,
  ): ContractText | undefined {
    return digestOf(text) === digest ? new ContractText(toolset, digest, text, cache, onUnreadable) : undefined;
  }

  /** @throws ToolgateError INTERNAL when the text holds no contract; its epoch is then taken out of the catalogue. */
  contract(): Contract {
    return this.#parsed().contract;
  }

  /** @throws as `contract`. */
  tool(name: ToolName | string): ToolContract | undefined {
    return this.#parsed().tools.get(name);
  }

  /** @throws as `contract`. */
  facts(): ContractFacts {
    this.#facts ??= factsOf(this.#cache.get(this.digest)?.contract ?? this.parseApart());
    return this.#facts;
  }

  /** What rules look at, without the contract being kept. Made anew each time. @throws as `contract`. */
  outline(): ContractOutline {
    this.#outline ??= keptOutline(this.#cache.get(this.digest)?.contract ?? this.parseApart());
    const { names, tags } = this.#outline;
    const tools = names === "" ? [] : names.split(" ").map((name) => ({ name, tags: tags.get(name) ?? NO_TAGS }));
    return { tags: this.facts().tags, tools };
  }

  /**
   * Parses without keeping the result: for work that passes over all contracts once.
   *
   * @throws as `contract`.
   */
  parseApart(): Contract {
    const parsed = parseContractText(this.#toolset, this.#text);
    if (parsed.kind === "readable") {
      this.#facts ??= factsOf(parsed.contract);
      this.#outline ??= keptOutline(parsed.contract);
      return parsed.contract;
    }
    this.#onUnreadable(parsed.reason);
    throw new ToolgateError("INTERNAL", `the stored contract of "${this.#toolset}" cannot be read: ${parsed.reason}`);
  }

  #parsed(): ParsedContract {
    const cached = this.#cache.get(this.digest);
    if (cached !== undefined) return cached;
    const contract = this.parseApart();
    const parsed = { contract, tools: new Map<string, ToolContract>(contract.tools.map((tool) => [tool.name, tool])) };
    this.#cache.set(this.digest, parsed);
    return parsed;
  }
}

type Parsed =
  | { readonly kind: "readable"; readonly contract: Contract }
  | { readonly kind: "unreadable"; readonly reason: string };

/** The digest vouches that the text is what was sealed; what is checked here is that a contract was sealed. */
function parseContractText(toolset: ToolsetName, text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "unreadable", reason: "the contract is not JSON" };
  }
  if (!isContractOf(toolset, value))
    return { kind: "unreadable", reason: "the JSON is not a contract of this toolset" };
  return { kind: "readable", contract: value };
}

function isContractOf(toolset: ToolsetName, value: unknown): value is Contract {
  return (
    isObject(value) &&
    value.name === plainName(toolset) &&
    typeof value.version === "string" &&
    isOptionalText(value.title) &&
    typeof value.description === "string" &&
    isTexts(value.tags) &&
    (value.assertFormats === undefined || value.assertFormats === true) &&
    Array.isArray(value.tools) &&
    value.tools.every(isTool)
  );
}

function isTool(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.name === "string" &&
    isOptionalText(value.title) &&
    typeof value.description === "string" &&
    isTexts(value.tags) &&
    (value.delivery === "once" || value.delivery === "idempotent") &&
    value.payload !== undefined
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isOptionalText(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function factsOf(contract: Contract): ContractFacts {
  return {
    title: contract.title ?? "",
    description: cutDescription(contract.description),
    version: contract.version,
    tags: contract.tags,
    toolCount: contract.tools.length,
  };
}

const NO_TAGS: readonly string[] = [];
const NO_TAGGED: KeptOutline["tags"] = new Map();

/** Names of tools have no spaces. */
function keptOutline({ tools }: Contract): KeptOutline {
  const tagged = tools.filter(({ tags }) => tags.length > 0);
  return {
    names: tools.map(({ name }) => name).join(" "),
    tags: tagged.length === 0 ? NO_TAGGED : new Map(tagged.map(({ name, tags }) => [name, tags])),
  };
}

/** The first 512 characters of a description; a character of two units is never cut in half. */
export function cutDescription(text: string): string {
  if (text.length <= MAX_SUMMARY_DESCRIPTION) return text;
  const last = text.charCodeAt(MAX_SUMMARY_DESCRIPTION - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  const cut = text.slice(0, isHalf ? MAX_SUMMARY_DESCRIPTION - 1 : MAX_SUMMARY_DESCRIPTION);
  // A slice keeps the whole text alive behind it; a copy does not.
  return Buffer.from(cut, "utf8").toString("utf8");
}
