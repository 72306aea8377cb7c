import type { PackageDefinition } from "@grpc/proto-loader";
import { PackageDescriptors } from "./package-descriptors.js";

/** Decodes one message from its bytes. */
export type Decode = (bytes: Buffer) => object;

/** A field of 64 bits, or a message that has such fields. */
interface WideField {
  readonly name: string;
  readonly repeated: boolean;
  /** The message's fields; undefined where the field is an integer itself. */
  readonly of: readonly WideField[] | undefined;
}

/** The cast is what definitions decode to. */
type Message = Record<string, unknown>;

const WIDE_TYPES: ReadonlySet<string> = new Set([
  "TYPE_INT64",
  "TYPE_UINT64",
  "TYPE_SINT64",
  "TYPE_FIXED64",
  "TYPE_SFIXED64",
]);

/**
 * Keeps integers of 64 bits exact in messages of one package. A decoder that makes numbers of them rounds those from 2^53 on, to
 * what their sender did not say: they are bigints here. The generated types do not say so; a handler refuses them, as
 * `parseEpoch` does, or passes them on as they are, as a session does with the references of its calls.
 */
export class WideIntegers {
  readonly #descriptors: PackageDescriptors;
  readonly #fields = new Map<string, WideField[]>();

  constructor(definition: PackageDefinition, packageName: string) {
    this.#descriptors = new PackageDescriptors(definition, packageName);
  }

  /**
   * @param type the message's.
   * @param toNumbers decodes it with numbers.
   * @param toTexts decodes it with decimal texts; called only where a number does not hold what was sent.
   */
  exactly(type: string, toNumbers: Decode, toTexts: Decode): Decode {
    if (!this.#leadsToWide(type, new Set())) return toNumbers;
    const fields = this.#wideFields(type);
    return (bytes) => {
      const message = toNumbers(bytes) as Message;
      if (anyUnsafe(message, fields)) replaceUnsafe(message, toTexts(bytes) as Message, fields);
      return message;
    };
  }

  #leadsToWide(type: string, seen: Set<string>): boolean {
    if (seen.has(type)) return false;
    seen.add(type);
    return this.#descriptors
      .fieldsOf(type)
      .some(
        ({ type: kind, typeName }) =>
          WIDE_TYPES.has(kind) || (kind === "TYPE_MESSAGE" && this.#leadsToWide(typeName, seen)),
      );
  }

  #wideFields(type: string): readonly WideField[] {
    const known = this.#fields.get(type);
    if (known !== undefined) return known;
    const fields: WideField[] = [];
    this.#fields.set(type, fields); // before its fields: a message may hold its own kind
    for (const { name, type: kind, typeName, label } of this.#descriptors.fieldsOf(type)) {
      const isWide = WIDE_TYPES.has(kind);
      if (!isWide && !(kind === "TYPE_MESSAGE" && this.#leadsToWide(typeName, new Set()))) continue;
      fields.push({
        name,
        repeated: label === "LABEL_REPEATED",
        of: isWide ? undefined : this.#wideFields(typeName),
      });
    }
    return fields;
  }
}

/** Without making anything: each message is asked. */
function anyUnsafe(message: Message, fields: readonly WideField[]): boolean {
  for (const { name, repeated, of } of fields) {
    const held = message[name];
    if (held === undefined || held === null) continue;
    if (repeated) {
      for (const one of held as readonly unknown[]) if (isUnsafe(one, of)) return true;
    } else if (isUnsafe(held, of)) return true;
  }
  return false;
}

function isUnsafe(value: unknown, of: WideField["of"]): boolean {
  return of === undefined ? !Number.isSafeInteger(value) : anyUnsafe(value as Message, of);
}

/** Both were decoded from the same bytes, so they have the same form. */
function replaceUnsafe(message: Message, texts: Message, fields: readonly WideField[]): void {
  for (const { name, repeated, of } of fields) {
    const held = message[name];
    if (held === undefined || held === null) continue;
    if (!repeated) message[name] = exact(held, texts[name], of);
    else message[name] = (held as unknown[]).map((one, index) => exact(one, (texts[name] as unknown[])[index], of));
  }
}

function exact(value: unknown, text: unknown, of: WideField["of"]): unknown {
  if (of === undefined) return Number.isSafeInteger(value) ? value : BigInt(text as string);
  replaceUnsafe(value as Message, text as Message, of);
  return value;
}
