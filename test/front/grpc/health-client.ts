import { credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoFolder } from "../../support/proto-folder.js";
import { ask } from "./ask.js";

const definition = loadSync("grpc/health/v1/health.proto", {
  longs: String,
  enums: String,
  defaults: true,
  includeDirs: [protoFolder],
});
// The path of the service within its own package.
const { grpc } = loadPackageDefinition(definition) as unknown as {
  grpc: { health: { v1: { Health: ServiceClientConstructor } } };
};

/** A client of `grpc.health.v1`, as a load balancer has it. */
export function healthClient(address: string) {
  const client = new grpc.health.v1.Health(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
  });
  return {
    check: (service: string) =>
      ask<{ status: string }>((cb) => client.check?.({ service }, cb)).then(
        ({ status }) => status,
        (error) => error.status,
      ),
    list: () => ask<{ statuses: object }>((cb) => client.list?.({}, cb)),
    watch: (service: string) => client.watch?.({ service }),
    [Symbol.dispose]: () => client.close(),
  };
}
