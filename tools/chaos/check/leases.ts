import type { Evidence, Violation } from "./evidence.js";

/**
 * A provider's lease is its incarnation's alone: what a former one gives back is not the next one's. And an epoch that is gone
 * stays gone: no change of it is announced any more, whatever its providers say.
 */
export function checkLeases({ leaseProbe }: Evidence): Violation[] {
  if (leaseProbe === undefined) return [];
  if (leaseProbe.kind === "failed") {
    const { why } = leaseProbe;
    return [{ rule: "a healthy cluster takes and serves a new toolset", sort: "stuck", message: why, evidence: [] }];
  }
  const { holderLost, changes } = leaseProbe;
  const violations: Violation[] = [];
  if (holderLost !== "") {
    violations.push({
      rule: "a lease is given back by its own incarnation only",
      sort: "lost",
      message: `a former incarnation gave its lease back, and the next one was refused with ${holderLost}`,
      evidence: [],
    });
  }
  const over = new Set<number>();
  for (const { kind, epoch } of changes) {
    if (over.has(epoch)) {
      violations.push({
        rule: "nothing is told of an epoch that is gone",
        sort: "other",
        message: `epoch ${epoch} was unregistered, and then told to be ${kind}`,
        evidence: changes.map((change) => `change ${JSON.stringify(change)}`),
      });
    }
    if (kind === "unregistered") over.add(epoch);
  }
  return violations;
}
