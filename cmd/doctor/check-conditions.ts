import type { ConfiguredDocument, ConnectOptions, UnjudgedConditions } from "../../src/index.js";
import { oneLine } from "../output/text-width.js";
import { type Check, ok, warn } from "./check.js";
import { listDocuments } from "./list-documents.js";

/** How many roles are named; the others are counted. */
const MOST_NAMED = 10;
/** How many nodes are asked at once. */
const AT_ONCE = 8;

/** A role as one node has it. */
export type ListedRole = Pick<ConfiguredDocument, "tenant" | "name" | "unjudged">;

/**
 * Looks for conditions of the caller's tenant's roles that could not be judged: each node counts its own, so each is asked. Looks for nothing
 * where the caller may not list roles.
 */
export async function checkConditions(nodes: readonly string[], options: ConnectOptions): Promise<Check[]> {
  const roles: ListedRole[] = [];
  for (let from = 0; from < nodes.length; from += AT_ONCE) {
    const some = nodes.slice(from, from + AT_ONCE);
    roles.push(...(await Promise.all(some.map((node) => listDocuments(node, options, "role")))).flat());
  }
  return evaluateConditions(roles);
}

/** Says which roles have conditions that could not be judged. @param roles those of all nodes, one after the other */
export function evaluateConditions(roles: readonly ListedRole[]): Check[] {
  if (roles.length === 0) return [];
  const found = new Map<string, { readonly role: ListedRole; times: number; latest: UnjudgedConditions }>();
  for (const role of roles) {
    if (role.unjudged === undefined) continue;
    const key = `${role.tenant}/${role.name}`;
    const known = found.get(key);
    if (known === undefined) {
      found.set(key, { role, times: role.unjudged.times, latest: role.unjudged });
      continue;
    }
    known.times += role.unjudged.times;
    if (role.unjudged.at > known.latest.at) known.latest = role.unjudged;
  }
  if (found.size === 0) return [ok("conditions", "all that roles have could be judged")];
  const sorted = [...found.values()].sort((a, b) => b.times - a.times);
  const checks = sorted
    .slice(0, MOST_NAMED)
    .map(({ role: { name }, times, latest }) =>
      warn(
        `conditions of role/${name}`,
        `could not be judged ${times === 1 ? "once" : `${times} times`}, so they allowed nothing and denied; ` +
          `the latest was that of ${oneLine(latest.path)} at ${latest.at.toISOString()}, by a call's arguments: ${oneLine(latest.reason)}`,
        `Ask for what may be absent by has(args.…), and try it by \`toolgate explain call\`; see \`toolgate access role get ${name}\`.`,
      ),
    );
  const more = sorted.length - MOST_NAMED;
  return more <= 0
    ? checks
    : [
        ...checks,
        warn(
          "conditions",
          `${more} more roles have some that could not be judged`,
          "See `toolgate access list role --json`.",
        ),
      ];
}
