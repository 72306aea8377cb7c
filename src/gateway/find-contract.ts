import type { CatalogReader } from "../catalog/catalog-copy.js";
import type { EpochView, ToolsetView } from "../catalog/toolset-view.js";
import { unknownTool } from "../catalog/unknown-tool.js";
import { unknownToolset } from "../catalog/unknown-toolset.js";
import type { ToolContract } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { TenantName } from "../identity/tenant.js";
import type { CallSpec } from "./call-spec.js";

/** Where a call may go, by this node's copy of the catalogue. */
export interface Route {
  readonly toolset: ToolsetView;
  readonly epoch: EpochView;
  readonly tool: ToolContract;
  /** The agent named the contract's digest. */
  readonly pinned: boolean;
  /** The newest retiring epoch that has the tool, for a call that is not pinned. */
  readonly overflow: { readonly epoch: EpochView; readonly tool: ToolContract } | undefined;
}

/** The catalogue, and what a caller sees of it; the same where that is all. */
export interface SeenCatalog {
  readonly catalog: Pick<CatalogReader, "get">;
  readonly visible: Pick<CatalogReader, "get" | "all" | "damageOf">;
  /** The caller's. */
  readonly tenant: TenantName;
}

/**
 * Finds the contract that a call is made under: the active one, or the one that the agent expects.
 *
 * What is not visible to the caller is not there for it; what is found, is found whole, since payloads are checked by whole contracts.
 *
 * @throws ToolgateError UNKNOWN_TOOLSET, UNKNOWN_TOOL (both with near names), DIGEST_MISMATCH
 */
export function findContract({ catalog, visible, tenant }: SeenCatalog, spec: CallSpec): Route {
  const toolset = visible.get(spec.toolset);
  if (toolset === undefined) throw unknownToolset(visible, tenant, spec.toolset);
  const epoch =
    spec.expectDigest === undefined
      ? toolset.active
      : toolset.epochs.find((known) => known.digest === spec.expectDigest && isCalled(known));
  if (epoch === undefined) {
    if (spec.expectDigest === undefined) throw unknownToolset(visible, tenant, spec.toolset);
    throw new ToolgateError(
      "DIGEST_MISMATCH",
      `"${spec.shown}" has not the expected contract any more: it is at ${toolset.shown.version}, digest ${toolset.shown.digest}; get it again`,
      { metadata: { digest: toolset.shown.digest, epoch: String(toolset.shown.epoch) } },
    );
  }
  const tool = epoch.tool(spec.tool);
  if (tool === undefined) throw unknownTool(spec.shown, spec.tool, epoch.contract().tools);
  const pinned = spec.expectDigest !== undefined;
  const overflow = pinned ? undefined : overflowOf(toolset, spec);
  const whole = toolset === catalog.get(spec.toolset) ? undefined : catalog.get(spec.toolset);
  if (whole === undefined) return { toolset, epoch, tool, pinned, overflow };
  const wholeOf = (seen: EpochView): EpochView => whole.epochs.find((known) => known.epoch === seen.epoch) ?? seen;
  return {
    toolset: whole,
    epoch: wholeOf(epoch),
    tool,
    pinned,
    overflow: overflow && { ...overflow, epoch: wholeOf(overflow.epoch) },
  };
}

/** Whether `findContract` is about to say that there is no such toolset. */
export function isUnknownToolset(visible: Pick<CatalogReader, "get">, spec: CallSpec): boolean {
  const toolset = visible.get(spec.toolset);
  return toolset === undefined || (toolset.active === undefined && spec.expectDigest === undefined);
}

/** Whether calls go there that name its digest. */
function isCalled({ state }: EpochView): boolean {
  return state === "active" || state === "retiring";
}

function overflowOf(toolset: ToolsetView, spec: CallSpec): Route["overflow"] {
  const epoch = toolset.retiring[0];
  const tool = epoch?.tool(spec.tool);
  return epoch === undefined || tool === undefined ? undefined : { epoch, tool };
}
