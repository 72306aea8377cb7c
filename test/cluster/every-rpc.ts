import { Writable } from "node:stream";
import { type Client, Metadata, type MethodDefinition, type ServiceDefinition, type ServiceError } from "@grpc/grpc-js";
import { loadProtocol } from "../../src/protocol/load.js";
import { loadNodeProtocol } from "../../src/protocol/load-node.js";

const { Registry, Catalog, Gateway, DeadCalls, Access, Documents, Audit } = loadProtocol();
const { Health, ServerReflection } = loadNodeProtocol();

/** Every RPC of every service that a node serves. */
export const METHODS: readonly MethodDefinition<object, object>[] = [
  ...[Registry, Catalog, Gateway, DeadCalls, Access, Documents, Audit].map(({ service }): ServiceDefinition => service),
  ...[Health, ...ServerReflection],
].flatMap((definition) => Object.values(definition));

/** @param path such as `toolgate.v1.Gateway/Invoke` */
export function methodAt(path: string): MethodDefinition<object, object> {
  const found = METHODS.find((method) => method.path === `/${path}`);
  if (found === undefined) throw new Error(`${path} is no RPC`);
  return found;
}

/** What goes with a request: a credential, where there is one. */
export function withKey(key: string | undefined): Metadata {
  const metadata = new Metadata();
  if (key !== undefined) metadata.set("authorization", `Bearer ${key}`);
  return metadata;
}

/** What became of a request. */
export interface Asked {
  readonly error?: ServiceError;
  /** What was answered, one message for each, as its bytes. */
  readonly messages: readonly Buffer[];
  /** What came besides messages: headers and trailers, as text. */
  readonly metadata: readonly string[];
}

const whole = (bytes: Buffer): Buffer => bytes;

/**
 * Asks an RPC by a bare client, and takes what is answered as it comes.
 *
 * @param isEnough whether a stream may be left with these messages; with the first one, unless said
 */
export function askAnything(
  client: Client,
  { path, requestStream, responseStream, requestSerialize }: MethodDefinition<object, object>,
  metadata: Metadata,
  request: object,
  isEnough: (messages: readonly Buffer[]) => boolean = ({ length }) => length > 0,
): Promise<Asked> {
  const options = { deadline: Date.now() + 20_000 };
  const messages: Buffer[] = [];
  const said: string[] = [];
  const note = (more: Metadata | undefined): void => {
    if (more === undefined) return;
    said.push(...Object.entries(more.getMap()).map(([name, value]) => `${name}: ${value.toString("latin1")}`));
  };
  return new Promise((resolve) => {
    const end = (error?: ServiceError): void => {
      note(error?.metadata);
      resolve({ messages, metadata: said, ...(error === undefined ? {} : { error }) });
    };
    if (!requestStream && !responseStream) {
      client
        .makeUnaryRequest(path, requestSerialize, whole, request, metadata, options, (error, answer) => {
          if (answer !== undefined) messages.push(answer);
          end(error ?? undefined);
        })
        .on("metadata", note);
      return;
    }
    const stream = requestStream
      ? client.makeBidiStreamRequest(path, requestSerialize, whole, metadata, options)
      : client.makeServerStreamRequest(path, requestSerialize, whole, request, metadata, options);
    stream.on("metadata", note);
    stream.on("error", end);
    stream.on("data", (answer: Buffer) => {
      messages.push(answer);
      if (!isEnough(messages)) return;
      end();
      stream.cancel();
    });
    stream.on("end", () => end());
    if (stream instanceof Writable) stream.write(request);
  });
}
