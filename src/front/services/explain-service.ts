import type { AccessControl } from "../../access/access-control.js";
import { knownPrincipal } from "../../access/credentials/known-principal.js";
import { requireIn } from "../../access/require.js";
import { visibleTo } from "../../access/visible-catalog.js";
import type { CatalogReader } from "../../catalog/catalog-copy.js";
import type { DocumentsReader } from "../../documents/document.js";
import { type ExplainParts, explainCall, type GateVerdict } from "../../gateway/explain.js";
import { invalidField, parseToolName } from "../../identity/names.js";
import type { Principal } from "../../identity/principal.js";
import { isTenantName, type TenantName } from "../../identity/tenant.js";
import { resolveToolset } from "../../identity/toolset-name.js";
import { shareKey } from "../../limits/share-key.js";
import type { ExplainedGate } from "../../protocol/generated/toolgate/v1/ExplainedGate.js";
import type { ExplainRequest__Output } from "../../protocol/generated/toolgate/v1/ExplainRequest.js";
import type { ExplainResponse } from "../../protocol/generated/toolgate/v1/ExplainResponse.js";
import type { CallContext } from "./call-context.js";

export interface ExplainServiceParts extends ExplainParts {
  readonly catalog: CatalogReader;
  readonly documents: DocumentsReader;
  readonly access: Pick<AccessControl, "accessOf">;
}

/** The most roles that may be asked for. */
const MAX_ROLES = 32;
/** How long the arguments' check may take where the caller set no deadline, in milliseconds. */
const ANSWER_WITHIN_MS = 10_000;

/**
 * Answers what would become of a call: of the caller itself, or of another principal for those that administer its tenant. Of a tool that
 * the asking caller does not see it hears what it hears of one that does not exist.
 */
export async function explain(
  parts: ExplainServiceParts,
  request: ExplainRequest__Output,
  context: CallContext,
): Promise<ExplainResponse> {
  const who = principalOf(parts, request, context);
  const call = {
    principal: who,
    access: parts.access.accessOf(who),
    toolset: resolveToolset(who.tenant, request.toolset, "toolset"),
    tool: parseToolName(request.tool, "tool"),
    payload: request.payloadJson.length === 0 ? undefined : request.payloadJson,
  };
  const asking = {
    share: shareKey(context.principal, context.peer),
    answerWithinMs: context.deadlineMs ?? ANSWER_WITHIN_MS,
    presence: context,
    lostNodes: 0,
    shown: request.toolset,
  };
  const { catalog } = parts;
  const seen = { catalog, visible: visibleTo(catalog, context.access), tenant: context.principal.tenant };
  const { gates, outcome } = await explainCall(parts, seen, call, asking);
  return { gates: gates.map(writeGate), outcome };
}

/** @throws ToolgateError FORBIDDEN, INVALID_REQUEST */
function principalOf(
  { documents }: ExplainServiceParts,
  { principal: text, roles }: ExplainRequest__Output,
  { principal: own, access }: CallContext,
): Principal {
  if (roles.length > MAX_ROLES) throw invalidField("roles", `must be at most ${MAX_ROLES}`);
  const named = text === "" ? { tenant: own.tenant, id: own.id } : parsePrincipal(own.tenant, text);
  const isOwn = named.tenant === own.tenant && named.id === own.id;
  if (isOwn && roles.length === 0) return own;
  requireIn(access, "administer", named.tenant);
  const known = isOwn ? own : knownPrincipal(documents, named.tenant, named.id);
  if (roles.length > 0) return { kind: "key", attributes: {}, ...known, ...named, roles };
  if (known !== undefined) return known;
  throw invalidField(
    "principal",
    `names ${named.tenant}/${named.id}, which has neither a key nor a password; name it as tenant/id, or the roles that its token or certificate gives`,
  );
}

function parsePrincipal(tenant: TenantName, text: string): { readonly tenant: TenantName; readonly id: string } {
  const at = text.indexOf("/");
  const named = text.slice(0, Math.max(0, at));
  // Ids that have a slash themselves are those of certificates and tokens; theirs is written with the tenant.
  return isTenantName(named) ? { tenant: named, id: text.slice(at + 1) } : { tenant, id: text };
}

function writeGate({ gate, verdict, detail, remedy, error }: GateVerdict): ExplainedGate {
  return { gate, verdict, detail, remedy, reason: error?.reason ?? "" };
}
