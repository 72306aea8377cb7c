/** A proto file, as server reflection describes it. */
export interface DescribedFile {
  /** As other files import it: `toolgate/v1/gateway.proto`. */
  readonly name: string;
  /** The files that it imports. */
  readonly imports: readonly string[];
  /** The full names of all that it declares: messages, fields, enums, their values, services, methods. */
  readonly symbols: readonly string[];
  /** The encoded google.protobuf.FileDescriptorProto. */
  readonly base64: string;
}
