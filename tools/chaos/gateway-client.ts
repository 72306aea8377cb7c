import {
  type ChannelOptions,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadProtocol } from "../../src/protocol/load.js";

/** The services of one gateway without any cleverness between: one connection, no repeats, answers as they came. */
export class GatewayClient {
  readonly name: string;
  readonly gateway: InstanceType<ReturnType<typeof loadProtocol>["Gateway"]>;
  readonly catalog: InstanceType<ReturnType<typeof loadProtocol>["Catalog"]>;
  readonly registry: InstanceType<ReturnType<typeof loadProtocol>["Registry"]>;
  readonly documents: InstanceType<ReturnType<typeof loadProtocol>["Documents"]>;

  /** @param key what all calls are made with that bring no metadata of `callerMetadata`; none where the node asks for none */
  constructor(name: string, address: string, key?: string) {
    const { Gateway, Catalog, Registry, Documents } = loadProtocol();
    const options: ChannelOptions = {
      "grpc.enable_retries": 0,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.min_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 300,
      "grpc.service_config_disable_resolution": 1,
      ...(key === undefined ? {} : { interceptors: [withKey(key)] }),
    };
    this.name = name;
    this.gateway = new Gateway(address, credentials.createInsecure(), options);
    this.catalog = new Catalog(address, credentials.createInsecure(), options);
    this.registry = new Registry(address, credentials.createInsecure(), options);
    this.documents = new Documents(address, credentials.createInsecure(), options);
  }

  close(): void {
    this.gateway.close();
    this.catalog.close();
    this.registry.close();
    this.documents.close();
  }
}

const HEADER = "authorization";

/** What a call is made with for another caller than the client's own. */
export function callerMetadata(key: string | undefined): Metadata {
  const metadata = new Metadata();
  if (key !== undefined) metadata.set(HEADER, `Bearer ${key}`);
  return metadata;
}

function withKey(key: string): Interceptor {
  return (options, next) =>
    new InterceptingCall(next(options), {
      start(metadata, listener, start) {
        if (metadata.get(HEADER).length === 0) metadata.merge(callerMetadata(key));
        start(metadata, listener);
      },
    });
}

/** A unary answer as a promise; rejects with the service's error. */
export function answerOf<Answer>(
  send: (callback: (error: ServiceError | null, answer?: Answer) => void) => void,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    send((error, answer) => {
      if (error !== null) reject(error);
      else if (answer === undefined) reject(new Error("the node answered nothing"));
      else resolve(answer);
    });
  });
}
