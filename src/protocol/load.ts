import { loadPackageDefinition } from "@grpc/grpc-js";
import {
  type AnyDefinition,
  fromJSON,
  type MessageTypeDefinition,
  type MethodDefinition,
  type Options,
  type PackageDefinition,
  type ServiceDefinition,
} from "@grpc/proto-loader";
import { EncodedMessage } from "./encoded-message.js";
import { Encoders } from "./encoders.js";
import type { ProtoGrpcType as AccessPackage } from "./generated/access.js";
import type { ProtoGrpcType as AuditPackage } from "./generated/audit.js";
import type { ProtoGrpcType as CatalogPackage } from "./generated/catalog.js";
import { CONTRACT_DEFINITIONS } from "./generated/contract-definitions.js";
import type { ProtoGrpcType as DeadCallsPackage } from "./generated/dead_calls.js";
import type { ProtoGrpcType as DocumentsPackage } from "./generated/documents.js";
import type { ProtoGrpcType as GatewayPackage } from "./generated/gateway.js";
import type { BadRequest, BadRequest__Output } from "./generated/google/rpc/BadRequest.js";
import type { ErrorInfo, ErrorInfo__Output } from "./generated/google/rpc/ErrorInfo.js";
import type { PreconditionFailure, PreconditionFailure__Output } from "./generated/google/rpc/PreconditionFailure.js";
import type { RetryInfo, RetryInfo__Output } from "./generated/google/rpc/RetryInfo.js";
import type { Status, Status__Output } from "./generated/google/rpc/Status.js";
import type { ProtoGrpcType as RegistryPackage } from "./generated/registry.js";
import { UnknownEnums } from "./unknown-enums.js";
import { WideIntegers } from "./wide-integers.js";

const PACKAGE = "toolgate.v1";

/**
 * How messages look in the code: field names are camelCase, 64-bit integers are numbers (all of ours stay below 2^53; those of a
 * request that do not are bigints, see `WideIntegers`), enums are their names (a number that has none stays a number), `bytes` are Buffers, and absent fields have their defaults.
 */
export const MESSAGE_FORM: Options = { longs: Number, enums: String, defaults: true, oneofs: true };

/** The wire contract, as both sides of a connection use it. */
export interface Protocol {
  /** Client of the providers' side; `Registry.service` is the definition for servers. */
  readonly Registry: RegistryPackage["toolgate"]["v1"]["Registry"];
  /** Client of discovery; `Catalog.service` is the definition for servers. */
  readonly Catalog: CatalogPackage["toolgate"]["v1"]["Catalog"];
  /** Client of the agents' side; `Gateway.service` is the definition for servers. */
  readonly Gateway: GatewayPackage["toolgate"]["v1"]["Gateway"];
  /** Client of the operators' side of dead calls; `DeadCalls.service` is the definition for servers. */
  readonly DeadCalls: DeadCallsPackage["toolgate"]["v1"]["DeadCalls"];
  /** Client of keys, logins and decisions; `Access.service` is the definition for servers. */
  readonly Access: AccessPackage["toolgate"]["v1"]["Access"];
  /** Client of what administrators configure; `Documents.service` is the definition for servers. */
  readonly Documents: DocumentsPackage["toolgate"]["v1"]["Documents"];
  /** Client of the record of decisions; `Audit.service` is the definition for servers. */
  readonly Audit: AuditPackage["toolgate"]["v1"]["Audit"];
  /** The messages that carry an error's details (`google.rpc`), with `serialize` and `deserialize`. */
  readonly rpc: DetailMessages;
  /** Finds what of a request this node cannot understand. */
  readonly unknownEnums: UnknownEnums;
}

/** What an error's details consist of; see https://github.com/googleapis/googleapis/tree/master/google/rpc. */
export interface DetailMessages {
  readonly Status: MessageTypeDefinition<Status, Status__Output>;
  readonly ErrorInfo: MessageTypeDefinition<ErrorInfo, ErrorInfo__Output>;
  readonly RetryInfo: MessageTypeDefinition<RetryInfo, RetryInfo__Output>;
  readonly BadRequest: MessageTypeDefinition<BadRequest, BadRequest__Output>;
  readonly PreconditionFailure: MessageTypeDefinition<PreconditionFailure, PreconditionFailure__Output>;
}

let loaded: Protocol | undefined;

/**
 * The wire contract, made once per process from what `npm run generate` made of the files in `proto`; none is read at run
 * time. Nothing from outside is ever loaded: a descriptor becomes code.
 */
export function loadProtocol(): Protocol {
  loaded ??= load();
  return loaded;
}

function load(): Protocol {
  const packageDefinition = fromJSON(JSON.parse(CONTRACT_DEFINITIONS), MESSAGE_FORM);
  const encoders = new Encoders(packageDefinition, PACKAGE);
  const wideIntegers = new WideIntegers(packageDefinition, PACKAGE);
  // Made when a request first has a number that needs it: hardly any has, and it takes as long as all else here.
  let inTexts: PackageDefinition | undefined;
  const decodeInTexts =
    (service: string, method: string) =>
    (bytes: Buffer): object => {
      inTexts ??= fromJSON(JSON.parse(CONTRACT_DEFINITIONS), { ...MESSAGE_FORM, longs: String });
      const { [method]: definition } = inTexts[service] as ServiceDefinition; // of the same files
      return (definition as MethodDefinition<object, object>).requestDeserialize(bytes);
    };
  for (const [name, definition] of Object.entries(packageDefinition)) {
    if (!isService(name, definition)) continue;
    for (const [methodName, method] of Object.entries(definition)) {
      encodeBy(encoders, method);
      const type = typeOf(method.requestType);
      method.requestDeserialize = wideIntegers.exactly(
        type,
        method.requestDeserialize,
        decodeInTexts(name, methodName),
      );
    }
  }
  // The types and the definitions were generated from the same files; a check in CI keeps all in step.
  const grpcObject = loadPackageDefinition(packageDefinition) as unknown as RegistryPackage &
    CatalogPackage &
    GatewayPackage &
    DeadCallsPackage &
    AccessPackage &
    DocumentsPackage &
    AuditPackage & { google: { rpc: DetailMessages } };
  const { Registry, Catalog, Gateway, DeadCalls, Access, Documents, Audit } = grpcObject.toolgate.v1;
  const unknownEnums = new UnknownEnums(packageDefinition, PACKAGE);
  return { Registry, Catalog, Gateway, DeadCalls, Access, Documents, Audit, rpc: grpcObject.google.rpc, unknownEnums };
}

function isService(name: string, definition: AnyDefinition): definition is ServiceDefinition {
  return name.startsWith(`${PACKAGE}.`) && !("format" in definition);
}

/** Lets a method's messages be encoded by ours. */
function encodeBy(encoders: Encoders, method: MethodDefinition<object, object>): void {
  method.requestSerialize = encoders.of(typeOf(method.requestType));
  const encode = encoders.of(typeOf(method.responseType));
  method.responseSerialize = (message) => (message instanceof EncodedMessage ? message.bytes : encode(message));
}

const typeOf = ({ type }: MessageTypeDefinition<object, object>): string => (type as { readonly name: string }).name; // a descriptor
