import { ToolgateError } from "../errors/toolgate-error.js";
import type { Verb } from "./verbs.js";

/** What a verb is asked of. */
export type RuledResource = "toolset" | "tool" | "call" | "tenant";

/**
 * What becomes of an RPC that is open when its caller's rights change. All but the first of these end with UNAUTHENTICATED when the
 * credential does not hold any more.
 *
 *   none       it ends by itself, and soon: it may be what has changed them, and its answer is a new key
 *   identity   nothing else: what it answers was decided when it began, or is decided anew for each of its parts
 *   view       a stream ends with ACCESS_CHANGED when its caller may see other tools than before
 *   handler    the handler decides, by `recheckBy` of its context
 */
export type Recheck = "none" | "identity" | "view" | "handler";

/** What an RPC needs of its caller. */
export type RpcRule =
  /** Nothing: anybody may ask. */
  | { readonly needs: "nothing" }
  /** That it has proved who it is. */
  | { readonly needs: "credential"; readonly recheck: Recheck }
  /** And may do this; its handler decides, by `require.ts` or by what it shows, as soon as it knows what is asked for. */
  | { readonly needs: Verb; readonly on: RuledResource; readonly recheck: Recheck };

const NOTHING = { needs: "nothing" } as const;
const CREDENTIAL = { needs: "credential", recheck: "identity" } as const;
/** On a tenant's keys and documents. */
const ADMINISTER = { needs: "administer", on: "tenant", recheck: "none" } as const;

function verb(needs: Verb, on: RuledResource, recheck: Recheck = "identity"): RpcRule {
  return { needs, on, recheck };
}

const RULES = {
  "/toolgate.v1.Registry/Register": verb("register", "toolset"),
  "/toolgate.v1.Registry/Attach": verb("register", "toolset", "handler"),
  "/toolgate.v1.Registry/Pong": verb("register", "toolset"),
  "/toolgate.v1.Registry/Renew": verb("register", "toolset"),
  "/toolgate.v1.Registry/Drain": verb("register", "toolset"),
  "/toolgate.v1.Registry/Release": verb("register", "toolset"),
  "/toolgate.v1.Registry/Unregister": verb("operate", "toolset"),
  "/toolgate.v1.Registry/Promote": verb("operate", "toolset"),

  "/toolgate.v1.Catalog/ListToolsets": verb("discover", "toolset"),
  "/toolgate.v1.Catalog/GetToolset": verb("discover", "toolset"),
  "/toolgate.v1.Catalog/Search": verb("discover", "toolset"),
  "/toolgate.v1.Catalog/Watch": verb("discover", "toolset", "view"),
  "/toolgate.v1.Catalog/GetRegistry": CREDENTIAL,

  "/toolgate.v1.Gateway/CallTool": verb("call", "tool"),
  "/toolgate.v1.Gateway/Invoke": verb("call", "tool", "handler"), // a repeat may have come to another principal's call
  "/toolgate.v1.Gateway/FollowCall": verb("follow", "call", "handler"),
  "/toolgate.v1.Gateway/GetCall": verb("follow", "call"),
  "/toolgate.v1.Gateway/CancelCall": verb("cancel", "call"),
  "/toolgate.v1.Gateway/ListCalls": verb("follow", "call"),
  "/toolgate.v1.Gateway/Session": verb("call", "tool", "handler"), // each call of it by what holds when it comes; repeats as Invoke's

  "/toolgate.v1.DeadCalls/ListDeadCalls": verb("operate", "toolset"),
  "/toolgate.v1.DeadCalls/GetDeadCall": verb("operate", "toolset"),
  "/toolgate.v1.DeadCalls/RedriveDeadCall": verb("operate", "toolset"),
  "/toolgate.v1.DeadCalls/PurgeDeadCalls": verb("operate", "toolset"),

  "/toolgate.v1.Access/WhoAmI": CREDENTIAL,
  "/toolgate.v1.Access/Login": NOTHING, // but the password
  "/toolgate.v1.Access/Logout": { needs: "credential", recheck: "none" },
  "/toolgate.v1.Access/CreateKey": ADMINISTER,
  "/toolgate.v1.Access/RotateKey": ADMINISTER,
  "/toolgate.v1.Access/RevokeKey": ADMINISTER,
  "/toolgate.v1.Access/ListKeys": ADMINISTER,
  "/toolgate.v1.Access/SetPassword": ADMINISTER,
  "/toolgate.v1.Access/Explain": CREDENTIAL, // of others, it needs to administer

  "/toolgate.v1.Documents/ListDocuments": ADMINISTER,
  "/toolgate.v1.Documents/GetDocument": ADMINISTER,
  "/toolgate.v1.Documents/ListRevisions": ADMINISTER,
  "/toolgate.v1.Documents/ApplyDocuments": ADMINISTER,

  "/toolgate.v1.Audit/QueryAudit": verb("audit", "tenant"),
  "/toolgate.v1.Audit/TailAudit": verb("audit", "tenant", "handler"),
  "/toolgate.v1.Audit/VerifyAudit": verb("audit", "tenant"),

  // Load balancers have no credentials, and learn no more than whether a service serves.
  "/grpc.health.v1.Health/Check": NOTHING,
  "/grpc.health.v1.Health/List": NOTHING,
  "/grpc.health.v1.Health/Watch": NOTHING,

  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": CREDENTIAL,
  "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": CREDENTIAL,
} as const satisfies Readonly<Record<string, RpcRule>>;

/** Every RPC that has a rule: `/toolgate.v1.Gateway/Invoke`. */
export type RuledRpc = keyof typeof RULES;

/** Every RPC that a node serves, and what it needs: the one table. A server does not start with an RPC that is not in it. */
export const RPC_RULES: Readonly<Record<string, RpcRule>> = RULES;

/** The most of a message that anybody may send, in bytes: a name and a password, in escapes. */
const MOST_OF_ANYBODY = 8_192;

/** How large a request by a rule may be, in bytes; infinite where other bounds hold alone. Who proves nothing sends little. */
export function mostBytesOf(rule: RpcRule): number {
  return rule.needs === "nothing" ? MOST_OF_ANYBODY : Number.POSITIVE_INFINITY;
}

/**
 * The rules of the RPCs that a server serves.
 *
 * @param paths each as `/toolgate.v1.Gateway/Invoke`
 * @param whole whether the server has all services; one of a test may have some of them, each whole
 * @throws ToolgateError INTERNAL where an RPC has no rule, or a rule no RPC
 */
export function rulesOf(paths: readonly string[], whole = false): ReadonlyMap<string, RpcRule> {
  const served = new Map<string, RpcRule>();
  for (const path of paths) {
    const rule = Object.hasOwn(RPC_RULES, path) ? RPC_RULES[path] : undefined;
    if (rule === undefined) throw new ToolgateError("INTERNAL", `${path} has no rule of who may ask it`);
    served.set(path, rule);
  }
  const services = new Set(paths.map(serviceOf));
  for (const path of Object.keys(RPC_RULES)) {
    if ((whole || services.has(serviceOf(path))) && !served.has(path))
      throw new ToolgateError("INTERNAL", `${path} has a rule, and is not served`);
  }
  return served;
}

const serviceOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
