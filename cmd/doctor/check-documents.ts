import type { ConfiguredDocument, ConnectOptions } from "../../src/index.js";
import { oneLine } from "../output/text-width.js";
import { type Check, ok, warn } from "./check.js";
import { listDocuments } from "./list-documents.js";

/** How many documents are named; the others are counted. */
const MOST_NAMED = 10;

/** Looks for documents of the caller's tenant that a node cannot read; for nothing where the caller may not list them. */
export async function checkDocuments(nodes: readonly string[], options: ConnectOptions): Promise<Check[]> {
  const documents = await listDocuments(nodes, options);
  return evaluateDocuments(
    documents.length,
    documents.filter(({ unreadable }) => unreadable !== undefined),
  );
}

/** Says which documents are not gone by. @param documents how many there are */
export function evaluateDocuments(
  documents: number,
  unreadable: readonly Pick<ConfiguredDocument, "kind" | "name" | "unreadable">[],
): Check[] {
  if (documents === 0) return [];
  if (unreadable.length === 0) return [ok("documents", `the node can read all ${documents}`)];
  const checks = unreadable
    .slice(0, MOST_NAMED)
    .map(({ kind, name, unreadable: reason = "" }) =>
      warn(
        `document ${kind}/${name}`,
        `the node goes by none of it: ${oneLine(reason)}`,
        "Upgrade the nodes to the version that wrote it, or apply it again as they know it.",
      ),
    );
  const more = unreadable.length - MOST_NAMED;
  return more <= 0
    ? checks
    : [...checks, warn("documents", `${more} more cannot be read`, "See `toolgate access list`.")];
}
