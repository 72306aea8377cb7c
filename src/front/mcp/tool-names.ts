import { createHash } from "node:crypto";
import { runInSlices, type Steps } from "../../async/steps.js";
import type { CatalogReader } from "../../catalog/catalog-copy.js";
import type { ContractText } from "../../catalog/contract-text.js";
import type { EpochView, ToolsetView } from "../../catalog/toolset-view.js";
import type { ToolContract } from "../../contract/contract.js";
import { isPlainToolsetName, isToolName, type ToolsetName } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import { shownToolset, toolsetOf } from "../../identity/toolset-name.js";

/*
 * What tools are called towards MCP's clients. Many take only names of at most 64 characters out of [A-Za-z0-9_-]
 * (https://modelcontextprotocol.io/specification/2026-07-28/server/tools has a wider set, and advises against what clients refuse).
 *
 *   toolset__tool                where that is such a name, and reads back: no `__` in the toolset, no `_` at its end
 *   toolset__tool-abcdefghijkl   where it is not: as much of both as fits, and 60 bits of the SHA-256 of the tool's identity
 *
 * A name depends on nothing but the tool's own identity: it is the same on each node, after each start, whatever else is registered. Two
 * tools never have the same one: plain names read back, and a plain name that looks as if it ended with a digest gets one.
 */

/** The most characters of a name. */
const MAX_NAME = 64;
const SEPARATOR = "__";
const DIGEST_CHARACTERS = 12;
/** The most characters of a toolset's name that a shortened name spends, if the tool's needs the rest. */
const LEAST_OF_TOOLSET = 16;

const ENDS_WITH_DIGEST = /-[a-z2-7]{12}$/;
const READS_BACK = /^[a-z0-9-]+(?:_[a-z0-9-]+)*$/;
const PLAIN_TOOL = /^[A-Za-z0-9_-]+$/;

/** A tool that a name stands for. */
export interface NamedTool {
  readonly toolset: ToolsetName;
  /** The epoch by which discovery describes it. */
  readonly epoch: EpochView;
  readonly tool: ToolContract;
}

/**
 * A tool's name where those of all toolsets stand beside each other.
 *
 * @param shown the toolset as its reader sees it: names differ by its own tenant, not between readers of one tenant
 */
export function fullName(shown: string, toolset: ToolsetName, tool: string): string {
  const name = `${shown}${SEPARATOR}${tool}`;
  if (READS_BACK.test(shown) && isPlain(tool, name)) return name;
  const [ofToolset, ofTool] = [cleaned(shown), cleaned(tool)];
  const room = MAX_NAME - DIGEST_CHARACTERS - 1 - SEPARATOR.length;
  const cut = ofToolset.slice(0, Math.max(LEAST_OF_TOOLSET, room - ofTool.length));
  return `${cut}${SEPARATOR}${ofTool.slice(0, room - cut.length)}-${digestOf(toolset, tool)}`;
}

/** A tool's name where only those of its own toolset are. */
export function bareName(toolset: ToolsetName, tool: string): string {
  if (isPlain(tool, tool)) return tool;
  return `${cleaned(tool).slice(0, MAX_NAME - DIGEST_CHARACTERS - 1)}-${digestOf(toolset, tool)}`;
}

/**
 * The tool that a full name stands for.
 *
 * @param visible the catalogue as the caller sees it
 * @param tenant the caller's
 * @returns nothing where the caller sees no such tool
 */
export async function findByFullName(
  visible: CatalogReader,
  tenant: TenantName,
  name: string,
): Promise<NamedTool | undefined> {
  if (ENDS_WITH_DIGEST.test(name)) {
    const found = await runInSlices(findByDigest(visible, name.slice(-DIGEST_CHARACTERS)), tenant);
    // All of a name counts, not only its digest.
    return found !== undefined && fullName(shownToolset(tenant, found.toolset), found.toolset, found.tool.name) === name
      ? found
      : undefined;
  }
  const at = name.indexOf(SEPARATOR);
  const plain = name.slice(0, Math.max(0, at));
  if (!isPlainToolsetName(plain)) return undefined;
  const view = visible.get(toolsetOf(tenant, plain));
  return view && findIn(view, name.slice(at + SEPARATOR.length));
}

/** The tool of a toolset that a bare name stands for. */
export function findByBareName(view: ToolsetView, name: string): NamedTool | undefined {
  if (!ENDS_WITH_DIGEST.test(name)) return findIn(view, name);
  const tool = digestsOf(view).get(name.slice(-DIGEST_CHARACTERS));
  const found = tool === undefined ? undefined : findIn(view, tool);
  return found !== undefined && bareName(view.name, found.tool.name) === name ? found : undefined;
}

function findIn(view: ToolsetView, name: string): NamedTool | undefined {
  const tool = isToolName(name) ? view.shown.tool(name) : undefined;
  return tool && { toolset: view.name, epoch: view.shown, tool };
}

function* findByDigest(visible: CatalogReader, digest: string): Steps<NamedTool | undefined> {
  for (const view of visible.all()) {
    yield;
    const tool = digestsOf(view).get(digest);
    const found = tool === undefined ? undefined : findIn(view, tool);
    if (found !== undefined) return found;
  }
  return undefined;
}

const NONE: ReadonlyMap<string, string> = new Map();
/** By contract and toolset: the same contract may be registered in several tenants, and one text serves all views of an epoch. */
const knownDigests = new WeakMap<ContractText, ReadonlyMap<string, string>>();

/** The tools of a toolset whose names, of either kind, end with a digest: by it. Whether a caller sees them is looked at afterwards. */
function digestsOf({ name: toolset, shown: { text } }: ToolsetView): ReadonlyMap<string, string> {
  const known = knownDigests.get(text);
  if (known !== undefined) return known;
  // Seen from another tenant, each name has one.
  const digests = new Map(text.outline().tools.map(({ name }) => [digestOf(toolset, name), name]));
  const kept = digests.size === 0 ? NONE : digests;
  knownDigests.set(text, kept);
  return kept;
}

function isPlain(tool: string, name: string): boolean {
  return name.length <= MAX_NAME && PLAIN_TOOL.test(tool) && !ENDS_WITH_DIGEST.test(name);
}

function cleaned(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, "_");
}

/** Identities of toolsets and names of tools have no spaces, so that no two pairs make the same text. */
function digestOf(toolset: ToolsetName, tool: string): string {
  return base32(createHash("sha256").update(`${toolset} ${tool}`).digest());
}

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

function base32(bytes: Buffer): string {
  let text = "";
  let bits = 0n;
  for (const byte of bytes.subarray(0, 8)) bits = (bits << 8n) | BigInt(byte);
  for (let index = 0; index < DIGEST_CHARACTERS; index++) {
    text += BASE32[Number((bits >> BigInt(59 - 5 * index)) & 31n)];
  }
  return text;
}
