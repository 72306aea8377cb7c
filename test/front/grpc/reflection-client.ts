import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoFolder } from "../../support/proto-folder.js";
import { endOf } from "./stream-end.js";

/** What a server says of itself. */
export interface Answer {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] };
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] };
  readonly error_response?: { readonly error_code: number };
}

/** A client of server reflection. */
export function reflectionClient(version: "v1" | "v1alpha", address: string) {
  const file = `grpc/reflection/${version}/reflection.proto`;
  const definition = loadSync(file, { keepCase: true, includeDirs: [protoFolder], oneofs: true });
  const { grpc } = loadPackageDefinition(definition) as unknown as {
    grpc: { reflection: Record<string, { ServerReflection: ServiceClientConstructor }> };
  }; // the path of the service within its own package
  const Client = grpc.reflection[version]?.ServerReflection;
  if (Client === undefined) throw new Error(`no ${version}`);
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  return {
    open: (): ClientDuplexStream<object, Answer> => client.ServerReflectionInfo?.(),
    async ask(...questions: object[]): Promise<Answer[]> {
      const stream = client.ServerReflectionInfo?.();
      const end = endOf<Answer>(stream);
      for (const question of questions) stream.write(question);
      stream.end();
      const { messages, error } = await end;
      if (error !== undefined) throw error;
      return messages;
    },
    [Symbol.dispose]: () => client.close(),
  };
}
