import type { AuditRecord } from "../../../src/store/audit/audit-record.js";

/** A refused call of acme's agent. */
export function recordOf(more: Partial<AuditRecord>): AuditRecord {
  return {
    event: "refusal",
    tenant: "acme",
    principal: { tenant: "acme", id: "agent" },
    kind: "key",
    credential: "key/k1",
    verb: "call",
    toolset: "files",
    tool: "read_file",
    callId: "",
    argumentsDigest: "",
    contractDigest: "",
    policyRevision: 3,
    rule: "",
    outcome: "refused",
    reason: "FORBIDDEN",
    executed: "no",
    tookMs: 0,
    nodeId: "node-a",
    omitted: 0,
    ...more,
  };
}
