import { status } from "@grpc/grpc-js";
import { DESCRIBED_FILES } from "../../protocol/generated/descriptors.js";
import type { ServerReflectionHandlers } from "../../protocol/generated/grpc/reflection/v1/ServerReflection.js";
import type { ServerReflectionRequest__Output } from "../../protocol/generated/grpc/reflection/v1/ServerReflectionRequest.js";
import type { ServerReflectionResponse } from "../../protocol/generated/grpc/reflection/v1/ServerReflectionResponse.js";
import { loadNodeProtocol } from "../../protocol/load-node.js";
import { bidi, type Methods, type Service, serviceName } from "../services/methods.js";

/**
 * Server reflection (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md), v1 and v1alpha: what grpcurl and its
 * like ask for. Files are described to the byte as protoc describes them, since tools refuse what differs: the names of
 * map entries, JSON names, optional fields, the files that a file imports.
 *
 * A client that asks without reading has to wait, and the streams end when the node drains.
 *
 * @param names the services to list, besides reflection itself
 */
export function reflectionServices(names: readonly string[]): Service[] {
  const { ServerReflection } = loadNodeProtocol();
  const listed = [...names, ...ServerReflection.map(serviceName)];
  const methods: Methods<ServerReflectionHandlers> = {
    ServerReflectionInfo: bidi<ServerReflectionRequest__Output, ServerReflectionResponse>((stream) => {
      stream.onFrame((question) => {
        const { host } = question;
        if (stream.send({ validHost: host, originalRequest: question, ...answer(question, listed) })) return;
        stream.pause();
        void stream.drained().then(() => stream.resume());
      });
      const leave = () => stream.end();
      stream.draining.addEventListener("abort", leave);
      stream.onOver(() => stream.draining.removeEventListener("abort", leave));
    }),
  };
  return ServerReflection.map((definition) => ({ definition, methods }));
}

function answer(question: ServerReflectionRequest__Output, listed: readonly string[]): ServerReflectionResponse {
  switch (question.messageRequest) {
    case "listServices":
      return { listServicesResponse: { service: listed.map((name) => ({ name })) } };
    case "fileByFilename":
      return described(files().byName.get(question.fileByFilename ?? ""));
    case "fileContainingSymbol":
      return described(files().bySymbol.get(question.fileContainingSymbol ?? ""));
    case "allExtensionNumbersOfType": {
      const type = question.allExtensionNumbersOfType ?? "";
      if (!files().bySymbol.has(type)) return notFound();
      return { allExtensionNumbersResponse: { baseTypeName: type, extensionNumber: [] } };
    }
    case "fileContainingExtension":
      return notFound(); // proto3 has none, and the contract no options of its own
    case undefined:
      return refused(status.INVALID_ARGUMENT, "The request asks nothing.");
    default:
      return question.messageRequest satisfies never;
  }
}

const described = (file: IndexedFile | undefined): ServerReflectionResponse =>
  file === undefined ? notFound() : { fileDescriptorResponse: { fileDescriptorProto: [...file.withImports] } };

const notFound = (): ServerReflectionResponse => refused(status.NOT_FOUND, "This node describes nothing of that name.");

const refused = (errorCode: status, errorMessage: string): ServerReflectionResponse => ({
  errorResponse: { errorCode, errorMessage },
});

interface IndexedFile {
  /** The encoded file, then all that it imports, directly or not: a client may ask for no more. */
  readonly withImports: ReadonlySet<Buffer>;
}

interface FileIndex {
  readonly byName: ReadonlyMap<string, IndexedFile>;
  readonly bySymbol: ReadonlyMap<string, IndexedFile>;
}

let indexed: FileIndex | undefined;

/** Made at the first question: most nodes are never asked one. */
function files(): FileIndex {
  indexed ??= index();
  return indexed;
}

function index(): FileIndex {
  const byName = new Map<string, IndexedFile>();
  const bySymbol = new Map<string, IndexedFile>();
  for (const { name, imports, symbols, base64 } of DESCRIBED_FILES) {
    const withImports = new Set<Buffer>([Buffer.from(base64, "base64")]);
    // Imports stand before the files that import them.
    for (const one of imports) for (const bytes of byName.get(one)?.withImports ?? []) withImports.add(bytes);
    byName.set(name, { withImports });
    for (const symbol of symbols) bySymbol.set(symbol, { withImports });
  }
  return { byName, bySymbol };
}
