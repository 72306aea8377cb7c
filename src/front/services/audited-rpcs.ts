import type { AuditedAct, AuditedCaller, AuditLog } from "../../access/audit/audit-log.js";
import { RPC_RULES } from "../../access/rpc-rules.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { DEFAULT_TENANT, isTenantName, type TenantName } from "../../identity/tenant.js";
import { resolveToolset } from "../../identity/toolset-name.js";
import type { LoginRequest__Output } from "../../protocol/generated/toolgate/v1/LoginRequest.js";
import type { RegisterRequest__Output } from "../../protocol/generated/toolgate/v1/RegisterRequest.js";
import type { CallContext, FailedCall } from "./call-context.js";
import type { AnyMethod, Service } from "./methods.js";

/** What an RPC does, in words of the audit. */
type ActOf = (request: never, tenant: TenantName) => AuditedAct;

const operation =
  (tool?: (request: never) => string): ActOf =>
  (request: { readonly toolset?: string; readonly name?: string }, tenant) => ({
    event: "change",
    verb: "operate",
    toolset: kept(tenant, request.toolset ?? request.name ?? ""),
    ...(tool === undefined ? {} : { callId: tool(request as never) }), // the request that it was given
  });

/**
 * The RPCs that change something and are recorded here, when they are answered. Calls are recorded where they are placed, and documents with
 * all that is made of them by the script that changes them.
 */
const RECORDED: Readonly<Record<string, ActOf>> = {
  "/toolgate.v1.Registry/Register": ({ contract }: RegisterRequest__Output, tenant) => ({
    event: "change",
    verb: "register",
    toolset: kept(tenant, contract?.name ?? ""),
  }),
  "/toolgate.v1.Registry/Unregister": operation(),
  "/toolgate.v1.Registry/Promote": operation(),
  "/toolgate.v1.DeadCalls/RedriveDeadCall": operation(({ id }: { readonly id: string }) => id),
  "/toolgate.v1.DeadCalls/PurgeDeadCalls": operation(),
};

const LOGIN = "/toolgate.v1.Access/Login";

/** Refusals that say of an RPC that its caller was not let in, or may not have what it asks for. */
const DENIALS: ReadonlySet<string> = new Set([
  ...["UNAUTHENTICATED", "FORBIDDEN", "NOT_OWNER", "TOO_MANY_ATTEMPTS", "UNKNOWN_CALL"],
]);

/** The service, with those of its RPCs recorded that change something. */
export function audited(service: Service, audit: AuditLog): Service {
  const methods = Object.entries(service.methods).map(([name, method]) => {
    const path = service.definition[name]?.path ?? "";
    const act = Object.hasOwn(RECORDED, path) ? RECORDED[path] : undefined;
    if (path === LOGIN) return [name, recordFailedLogins(method, audit)];
    return [name, act === undefined ? method : record(method, act, audit)];
  });
  return { ...service, methods: Object.fromEntries(methods) as Service["methods"] }; // the same names, each with a method of its kind
}

function record(method: AnyMethod, actOf: ActOf, audit: AuditLog): AnyMethod {
  if (method.kind !== "unary") return method;
  const { handler } = method;
  return {
    ...method,
    async handler(request: never, context: CallContext) {
      if (!audit.listens) return handler(request, context);
      const act = actOf(request, context.principal.tenant);
      const caller = callerOf(context);
      try {
        const answer = await handler(request, context);
        audit.allowed(caller, act);
        return answer;
      } catch (error) {
        audit.refused(caller, { ...act, event: "refusal" }, error);
        throw error;
      }
    },
  };
}

/** Who wanted to log in has not proved it: the name stands for what was tried. */
function recordFailedLogins(method: AnyMethod, audit: AuditLog): AnyMethod {
  if (method.kind !== "unary") return method;
  const { handler } = method;
  return {
    ...method,
    async handler(request: never, context: CallContext) {
      try {
        return await handler(request, context);
      } catch (error) {
        const { tenant, user } = request as LoginRequest__Output; // as the path says
        const of = isTenantName(tenant) ? tenant : DEFAULT_TENANT;
        audit.refused(undefined, { event: "login", verb: "", tenant: of, toolset: "user", tool: user }, error);
        throw error;
      }
    },
  };
}

/**
 * Records that an RPC was denied, where nothing else has: so no route is without it. A call that its caller may not have is recorded
 * exactly as one that never was: an auditor of the caller's tenant learns no more of other tenants than the caller does.
 */
export function recordDenial(audit: AuditLog, { path, identity }: FailedCall, error: unknown): void {
  if (!(error instanceof ToolgateError) || !DENIALS.has(error.reason)) return;
  const rule = Object.hasOwn(RPC_RULES, path) ? RPC_RULES[path] : undefined;
  const verb = rule === undefined || rule.needs === "nothing" || rule.needs === "credential" ? "" : rule.needs;
  const callId = error.reason === "UNKNOWN_CALL" ? (error.metadata.call_id ?? "") : "";
  audit.refused(identity, { event: "refusal", verb, callId }, error);
}

const callerOf = ({ identity }: CallContext): AuditedCaller => identity;

/** A toolset's name as it is kept. What is none is kept as it came. */
function kept(tenant: TenantName, text: string): string {
  try {
    return resolveToolset(tenant, text, "name");
  } catch {
    return text;
  }
}
