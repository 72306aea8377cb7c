import type { Scope } from "../../access/scope.js";
import type { TimeSlice } from "../../async/time-slice.js";
import type { CatalogReader } from "../../catalog/catalog-copy.js";
import { openPageToken, sealPageToken } from "../../catalog/page-token.js";
import { passes, type ToolsetFilter } from "../../catalog/toolset-filter.js";
import { factsOf, type HealthAt } from "../../catalog/toolset-view.js";
import type { TenantName } from "../../identity/tenant.js";
import { isToolsetName, shownToolset } from "../../identity/toolset-name.js";
import type { QuarantinedToolset } from "../../protocol/generated/toolgate/v1/QuarantinedToolset.js";
import type { ToolsetSummary } from "../../protocol/generated/toolgate/v1/ToolsetSummary.js";
import { PAGE_BYTES, summaryBytes } from "./page-bytes.js";
import { writeSummary } from "./write-summary.js";

/** One page of toolsets. */
export interface ToolsetPage {
  readonly toolsets: ToolsetSummary[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** The reader of a list. */
export interface ListReader {
  readonly tenant: TenantName;
  /** What its page tokens are bound to. */
  readonly scope: Scope;
}

/**
 * Lists toolsets in order of their identities: those of each tenant together. A page ends early where it becomes too large for one message.
 *
 * @param catalog as the reader sees it.
 * @param pageToken empty for the first page.
 * @throws ToolgateError INVALID_REQUEST for a token of another list.
 */
export async function listToolsets(
  catalog: Pick<CatalogReader, "after">,
  filter: ToolsetFilter,
  pageSize: number,
  pageToken: string,
  at: HealthAt,
  slice: TimeSlice,
  { tenant, scope }: ListReader,
): Promise<ToolsetPage> {
  const question = ["list", filter, ...scope];
  const [from] = pageToken === "" ? [""] : openPageToken(pageToken, question, ["string"]);
  const toolsets: ToolsetSummary[] = [];
  let bytes = 0;
  let last = from;
  for (const view of catalog.after(from)) {
    if (slice.over()) await slice.next();
    const facts = factsOf(view);
    if (facts === undefined || !passes(view, facts, filter, at)) continue;
    // One more than the page is looked for, so that the last page says that it is the last.
    if (toolsets.length === pageSize || bytes >= PAGE_BYTES)
      return { toolsets, nextPageToken: sealPageToken(question, [last]) };
    const summary = writeSummary(view, facts, at, tenant);
    toolsets.push(summary);
    bytes += summaryBytes(summary);
    last = view.name;
  }
  return { toolsets, nextPageToken: "" };
}

/** The most damaged toolsets that one answer names, and the most characters of a name: what is damaged may be named anything. */
const MOST_DAMAGED = 100;
const MAX_NAME_CHARACTERS = 128;

/** Toolsets whose record in Redis cannot be read, by name. */
export function writeDamaged(
  catalog: Pick<CatalogReader, "damaged" | "damageOf">,
  tenant: TenantName,
): QuarantinedToolset[] {
  return catalog
    .damaged()
    .slice(0, MOST_DAMAGED)
    .map((name) => ({
      name: isToolsetName(name) ? shownToolset(tenant, name) : name.slice(0, MAX_NAME_CHARACTERS),
      reason: catalog.damageOf(name)?.reason ?? "",
    }));
}
