import { type Static, Type } from "typebox";
import type { AuditFilter__Output } from "../../../protocol/generated/toolgate/v1/AuditFilter.js";
import type { AuditRecord } from "../../../protocol/generated/toolgate/v1/AuditRecord.js";
import { executedOf } from "./call-schemas.js";
import { count, TENANT } from "./query-schemas.js";

const text = (description: string) => Type.Optional(Type.String({ maxLength: 512, description }));

/** What records may be narrowed by. */
export const AUDIT_FILTER = {
  tenant: TENANT,
  principal: text("Who, as an id."),
  event: text("What happened: `call`, `end`, `refusal`, `change`, `login`."),
  toolset: text("The toolset; of a document, its kind."),
  tool: text("The tool; of a document, its name."),
  callId: text("The call."),
  outcome: text("How it was decided or ended."),
};

/** From when, and until when. */
export const AUDIT_TIMES = {
  fromMs: Type.Optional(count("From when on, in Unix milliseconds.")),
  untilMs: Type.Optional(count("Until when, in Unix milliseconds.")),
};

const FILTER = Type.Object({ ...AUDIT_FILTER, ...AUDIT_TIMES });

export function filterOf(query: Static<typeof FILTER>): AuditFilter__Output {
  const { tenant = "", fromMs = 0, untilMs = 0, principal = "", event = "", toolset = "", tool = "" } = query;
  const { callId = "", outcome = "" } = query;
  return { tenant, fromMs, untilMs, principal, event, toolset, tool, callId, outcome };
}

export const AUDIT_RECORD = Type.Object(
  {
    id: Type.String({ description: "Its place in the audit." }),
    atMs: Type.Integer({ description: "When, in Unix milliseconds." }),
    event: Type.String({ description: "`call`, `end`, `refusal`, `change` or `login`; others may be added." }),
    tenant: Type.String(),
    principal: Type.String({ description: "Who, as `tenant/id`." }),
    kind: Type.String({ description: "How it proved that." }),
    credential: Type.String({ description: "The credential's id." }),
    verb: Type.String(),
    toolset: Type.String({ description: "Of a document, its kind." }),
    tool: Type.String({ description: "Of a document, its name." }),
    callId: Type.String(),
    argumentsDigest: Type.String({ description: "Keyed: equal arguments are recognised, and none can be guessed." }),
    contractDigest: Type.String(),
    policyRevision: Type.Integer({ description: "The revision of the documents that decided." }),
    rule: Type.String({ description: "The rule that decided." }),
    outcome: Type.String({ description: "`allowed`, `refused`, or how a call ended." }),
    reason: Type.String({ description: "Of a refusal or an end, from the error table." }),
    executed: Type.Optional(Type.String({ description: "Whether the tool ran: `no`, `yes` or `unknown`." })),
    tookMs: Type.Integer({ description: "How long the call took, in milliseconds." }),
    nodeId: Type.String(),
    omitted: Type.Integer({ description: "How many refusals like this one are left out after it." }),
  },
  { $id: "AuditRecord" },
);

export function recordOf(record: AuditRecord): object {
  const { id = "", atMs = 0, event = "", tenant = "", principal = "", kind = "", credential = "", verb = "" } = record;
  const { toolset = "", tool = "", callId = "", argumentsDigest = "", contractDigest = "", rule = "" } = record;
  const { policyRevision = 0, outcome = "", reason = "", executed, tookMs = 0, nodeId = "", omitted = 0 } = record;
  return {
    ...{ id, atMs: Number(atMs), event, tenant, principal, kind, credential, verb, toolset, tool, callId },
    ...{ argumentsDigest, contractDigest, policyRevision: Number(policyRevision), rule, outcome, reason },
    ...(executed === undefined || executed === "EXECUTED_UNSPECIFIED" ? {} : { executed: executedOf(executed) }),
    ...{ tookMs: Number(tookMs), nodeId, omitted: Number(omitted) },
  };
}
