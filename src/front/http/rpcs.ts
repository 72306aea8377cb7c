import type { ServiceDefinition } from "@grpc/grpc-js";
import type { RuledRpc } from "../../access/rpc-rules.js";
import type { AccessHandlers } from "../../protocol/generated/toolgate/v1/Access.js";
import type { AuditHandlers } from "../../protocol/generated/toolgate/v1/Audit.js";
import type { CatalogHandlers } from "../../protocol/generated/toolgate/v1/Catalog.js";
import type { DeadCallsHandlers } from "../../protocol/generated/toolgate/v1/DeadCalls.js";
import type { DocumentsHandlers } from "../../protocol/generated/toolgate/v1/Documents.js";
import type { GatewayHandlers } from "../../protocol/generated/toolgate/v1/Gateway.js";
import type { RegistryHandlers } from "../../protocol/generated/toolgate/v1/Registry.js";
import type { AnyMethod, Methods, Service } from "../services/methods.js";

/** The methods of the wire contract's services. */
interface Handlers {
  Access: Methods<AccessHandlers>;
  Audit: Methods<AuditHandlers>;
  Catalog: Methods<CatalogHandlers>;
  DeadCalls: Methods<DeadCallsHandlers>;
  Documents: Methods<DocumentsHandlers>;
  Gateway: Methods<GatewayHandlers>;
  Registry: Methods<RegistryHandlers>;
}

/** Of the RPCs that have a rule, the names: a route for one without does not compile. */
type Ruled<Rpc> = Rpc extends `/toolgate.v1.${infer Name}` ? Name : never;

/** Their RPCs: `Gateway/Invoke`. */
export type RpcName = {
  [Service in keyof Handlers & string]: `${Service}/${keyof Handlers[Service] & string}`;
}[keyof Handlers] &
  Ruled<RuledRpc>;

type MethodOf<Name extends RpcName> = Name extends `${infer Service extends keyof Handlers}/${infer Method}`
  ? Handlers[Service][Method & keyof Handlers[Service]]
  : never;

/** What an RPC is asked, with each of its fields. */
export type RpcRequest<Name extends RpcName> =
  MethodOf<Name> extends { handler: (request: infer Request, context: never) => unknown } ? Request : never;

/** What it answers, or each message of its stream. */
export type RpcResponse<Name extends RpcName> =
  MethodOf<Name> extends { handler: (...args: never[]) => infer Answer }
    ? Answer extends Promise<infer Response>
      ? Response
      : Answer extends AsyncIterable<infer Response>
        ? Response
        : never
    : never;

/** An RPC, as it is asked without gRPC. */
export interface KnownRpc {
  /** `/toolgate.v1.Gateway/Invoke`. */
  readonly path: string;
  readonly method: AnyMethod;
  /** A request in which every field has its default. */
  readonly empty: object;
}

const PACKAGE = "toolgate.v1.";
const NO_BYTES = Buffer.alloc(0);

/** The RPCs of services, by name. */
export function knownRpcs(services: readonly Service[]): ReadonlyMap<string, KnownRpc> {
  const known = new Map<string, KnownRpc>();
  for (const { definition, methods } of services) {
    for (const [name, rpc] of Object.entries(definition as ServiceDefinition)) {
      const method = methods[name];
      const service = rpc.path.split("/")[1] ?? "";
      if (method === undefined || !service.startsWith(PACKAGE)) continue;
      const empty = rpc.requestDeserialize(NO_BYTES) as object; // a message; see MESSAGE_FORM
      known.set(`${service.slice(PACKAGE.length)}/${name}`, { path: rpc.path, method, empty });
    }
  }
  return known;
}
