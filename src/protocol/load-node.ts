import { loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { HealthDefinition } from "./generated/grpc/health/v1/Health.js";
import type { ServerReflectionDefinition } from "./generated/grpc/reflection/v1/ServerReflection.js";
import { NODE_DEFINITIONS } from "./generated/node-definitions.js";
import { MESSAGE_FORM } from "./load.js";

/** What a node serves beside the wire contract. */
export interface NodeProtocol {
  /** `grpc.health.v1.Health`. */
  readonly Health: HealthDefinition;
  /** `grpc.reflection.v1.ServerReflection`, and its forerunner with the same messages, which older tools ask. */
  readonly ServerReflection: readonly ServerReflectionDefinition[];
}

let loaded: NodeProtocol | undefined;

/** The services of every gRPC server, made once per process, as `loadProtocol` makes the wire contract. */
export function loadNodeProtocol(): NodeProtocol {
  loaded ??= load();
  return loaded;
}

function load(): NodeProtocol {
  // The types were generated from the same files.
  const { grpc } = loadPackageDefinition(fromJSON(JSON.parse(NODE_DEFINITIONS), MESSAGE_FORM)) as unknown as {
    readonly grpc: {
      readonly health: { readonly v1: { readonly Health: Client<HealthDefinition> } };
      readonly reflection: Readonly<
        Record<"v1" | "v1alpha", { readonly ServerReflection: Client<ServerReflectionDefinition> }>
      >;
    };
  };
  const { v1, v1alpha } = grpc.reflection;
  return {
    Health: grpc.health.v1.Health.service,
    ServerReflection: [v1.ServerReflection.service, v1alpha.ServerReflection.service],
  };
}

type Client<Definition> = ServiceClientConstructor & { readonly service: Definition };
