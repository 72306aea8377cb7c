import type { AnyDefinition, PackageDefinition } from "@grpc/proto-loader";

/** A field, as https://protobuf.dev/reference/other/ (descriptor.proto) describes it; what is read of it here. */
export interface FieldDescriptor {
  readonly name: string;
  readonly number: number;
  readonly type: string;
  readonly label: string;
  /** The message's or the enum's, within the package. */
  readonly typeName: string;
}

interface Descriptor {
  readonly name: string;
  readonly field?: readonly FieldDescriptor[];
  readonly value?: readonly { readonly name: string; readonly number: number }[];
}

/** Reads the descriptors of one package's types, which are named within it. A name that it does not have is a TypeError. */
export class PackageDescriptors {
  readonly packageName: string;
  readonly #definition: PackageDefinition;

  constructor(definition: PackageDefinition, packageName: string) {
    this.#definition = definition;
    this.packageName = packageName;
  }

  /** The fields of a message. */
  fieldsOf(message: string): readonly FieldDescriptor[] {
    return this.#descriptor(message).field ?? [];
  }

  /** The numbers of an enum, by name. */
  numbersOf(enumName: string): ReadonlyMap<string, number> {
    return new Map((this.#descriptor(enumName).value ?? []).map(({ name, number }) => [name, number]));
  }

  /** The request type of a method, by its path (`/toolgate.v1.Gateway/Invoke`); undefined where it is another package's. */
  requestTypeOf(path: string): string | undefined {
    const [, service = "", method = ""] = path.split("/");
    const definition: AnyDefinition | undefined = this.#definition[service];
    if (definition === undefined || "format" in definition || !service.startsWith(`${this.packageName}.`))
      return undefined;
    const type = definition[method]?.requestType.type as Descriptor | undefined; // a descriptor
    return type?.name;
  }

  #descriptor(type: string): Descriptor {
    const definition = this.#definition[`${this.packageName}.${type}`];
    if (definition === undefined || !("type" in definition)) throw new TypeError(`no type ${type}`);
    return definition.type as Descriptor; // a descriptor
  }
}
