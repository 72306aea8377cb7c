import type { PackageDefinition } from "@grpc/proto-loader";
import { type FieldDescriptor, PackageDescriptors } from "./package-descriptors.js";
import { WireWriter } from "./wire-writer.js";

type Message = Readonly<Record<string, unknown>>;
type Write = (value: unknown) => void;

/** How values begin on the wire. */
const VARINT = 0;
const FIXED64 = 1;
const WITH_LENGTH = 2;

/**
 * Encodes the messages of one package, to the same bytes as proto-loader's own serialisers, in a fifth of their time: these
 * write into a buffer at once, rather than into a list of what is to be written, and take objects as they are. With sessions
 * that was a tenth of what a node does for a call.
 *
 * What is absent, null or undefined is not written; what is there is, its default too. Enums are names or numbers, bytes may
 * be base64, integers of 64 bits may be bigints.
 */
export class Encoders {
  readonly #descriptors: PackageDescriptors;
  readonly #writer = new WireWriter();
  readonly #writes = new Map<string, Write>();

  constructor(definition: PackageDefinition, packageName: string) {
    this.#descriptors = new PackageDescriptors(definition, packageName);
  }

  /** Encodes messages of that type. */
  of(type: string): (message: object) => Buffer {
    const writer = this.#writer;
    const write = this.#message(type);
    return (message) => {
      writer.begin();
      write(message);
      return writer.finish();
    };
  }

  #message(type: string): Write {
    const known = this.#writes.get(type);
    if (known !== undefined) return known;
    const fields: { readonly name: string; readonly write: Write }[] = [];
    const write: Write = (value) => {
      const message = value as Message; // as the generated types say
      for (const field of fields) {
        const held = message[field.name];
        if (held !== undefined && held !== null) field.write(held);
      }
    };
    this.#writes.set(type, write); // before its fields: a message may hold its own kind
    for (const one of [...this.#descriptors.fieldsOf(type)].sort((a, b) => a.number - b.number)) {
      fields.push({ name: one.name, write: this.#field(one) });
    }
    return write;
  }

  #field(field: FieldDescriptor): Write {
    if (field.label === "LABEL_REPEATED" && field.type === "TYPE_ENUM") return this.#packedEnums(field);
    const write = this.#single(field);
    if (field.label !== "LABEL_REPEATED") return write;
    return (values) => {
      for (const value of values as readonly unknown[]) write(value);
    };
  }

  /** Numbers in a list stand together behind one tag (https://protobuf.dev/programming-guides/encoding/#packed). */
  #packedEnums({ number, typeName }: FieldDescriptor): Write {
    const writer = this.#writer;
    const numbers = this.#descriptors.numbersOf(typeName);
    const writeAll: Write = (values) => {
      for (const value of values as readonly unknown[]) {
        // As proto-loader has it: a name that is unknown is 0.
        writer.varint32(typeof value === "number" ? value : (numbers.get(value as string) ?? 0));
      }
    };
    return (values) => {
      if ((values as readonly unknown[]).length === 0) return;
      writer.varint32((number << 3) | WITH_LENGTH);
      writer.nested(values, writeAll);
    };
  }

  /** The casts are what the generated types say of such fields. */
  #single({ type, number, typeName }: FieldDescriptor): Write {
    const writer = this.#writer;
    const tag = (wireType: number): number => (number << 3) | wireType;
    switch (type) {
      case "TYPE_STRING":
        return (value) => {
          writer.varint32(tag(WITH_LENGTH));
          writer.text(value as string);
        };
      case "TYPE_BYTES":
        return (value) => {
          writer.varint32(tag(WITH_LENGTH));
          writer.bytes(typeof value === "string" ? Buffer.from(value, "base64") : (value as Uint8Array));
        };
      case "TYPE_MESSAGE": {
        const write = this.#message(typeName);
        return (value) => {
          writer.varint32(tag(WITH_LENGTH));
          writer.nested(value, write);
        };
      }
      case "TYPE_BOOL":
        return (value) => {
          writer.varint32(tag(VARINT));
          writer.varint32(value === true ? 1 : 0);
        };
      case "TYPE_UINT32":
        return (value) => {
          writer.varint32(tag(VARINT));
          writer.varint32((value as number) >>> 0);
        };
      case "TYPE_UINT64":
      case "TYPE_INT64":
        return (value) => {
          writer.varint32(tag(VARINT));
          writer.varint64(value as number | bigint);
        };
      case "TYPE_DOUBLE":
        return (value) => {
          writer.varint32(tag(FIXED64));
          writer.double(value as number);
        };
      case "TYPE_ENUM": {
        const numbers = this.#descriptors.numbersOf(typeName);
        return (value) => {
          const number = typeof value === "number" ? value : numbers.get(value as string);
          if (number === undefined) return;
          writer.varint32(tag(VARINT));
          writer.varint32(number);
        };
      }
      default:
        throw new TypeError(`${type} is not encoded here yet`);
    }
  }
}
