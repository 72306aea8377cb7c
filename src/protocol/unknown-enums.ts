import type { PackageDefinition } from "@grpc/proto-loader";
import { MAX_VIOLATIONS, ToolgateError, type Violation } from "../errors/toolgate-error.js";
import { PackageDescriptors } from "./package-descriptors.js";
import { wireName } from "./wire-name.js";

/** Throws what is wrong with a decoded request: a ToolgateError INVALID_REQUEST that names each faulty field. */
export type RequestCheck = (request: unknown) => void;

/** A field that is an enum, or a message that has such fields. */
interface EnumField {
  readonly name: string;
  readonly wireName: string;
  readonly repeated: boolean;
  /** The enum's name, or the message's fields. */
  readonly of: string | readonly EnumField[];
}

/**
 * Finds enum numbers that this node does not know, in messages of one package. A decoder must take any number; to act on one
 * would mean to read it as something that its sender did not say.
 *
 * Only fields that are enums or lead to some are looked at: of a call, two.
 */
export class UnknownEnums {
  readonly #descriptors: PackageDescriptors;
  readonly #fields = new Map<string, EnumField[]>();
  readonly #checks = new Map<string, RequestCheck | undefined>();

  constructor(definition: PackageDefinition, packageName: string) {
    this.#descriptors = new PackageDescriptors(definition, packageName);
  }

  /** A check of the requests of a method, by its path (`/toolgate.v1.Gateway/Invoke`); see `checkOf`. */
  checkOfMethod(path: string): RequestCheck | undefined {
    const type = this.#descriptors.requestTypeOf(path);
    return type === undefined ? undefined : this.checkOf(type);
  }

  /** A check of messages of that type; undefined where such a message leads to no enum. */
  checkOf(type: string): RequestCheck | undefined {
    if (!this.#checks.has(type)) this.#checks.set(type, this.#check(type));
    return this.#checks.get(type);
  }

  #check(type: string): RequestCheck | undefined {
    if (!this.#leadsToEnum(type, new Set())) return undefined;
    const fields = this.#enumFields(type);
    return (message) => {
      if (!holdsUnknown(message, fields)) return;
      const violations = [...faultsOf(message, fields, "", this.#descriptors.packageName)];
      const all = violations.map(({ field, description }) => `${field} ${description}`).join("; ");
      throw new ToolgateError("INVALID_REQUEST", all, { violations });
    };
  }

  #leadsToEnum(type: string, seen: Set<string>): boolean {
    if (seen.has(type)) return false;
    seen.add(type);
    return this.#descriptors
      .fieldsOf(type)
      .some(
        (field) =>
          field.type === "TYPE_ENUM" || (field.type === "TYPE_MESSAGE" && this.#leadsToEnum(field.typeName, seen)),
      );
  }

  #enumFields(type: string): readonly EnumField[] {
    const known = this.#fields.get(type);
    if (known !== undefined) return known;
    const fields: EnumField[] = [];
    this.#fields.set(type, fields); // before its fields: a message may hold its own kind
    for (const { name, type: kind, typeName, label } of this.#descriptors.fieldsOf(type)) {
      const isEnum = kind === "TYPE_ENUM";
      if (!isEnum && !(kind === "TYPE_MESSAGE" && this.#leadsToEnum(typeName, new Set()))) continue;
      const repeated = label === "LABEL_REPEATED";
      fields.push({ name, wireName: wireName(name), repeated, of: isEnum ? typeName : this.#enumFields(typeName) });
    }
    return fields;
  }
}

/** Whether there is any, without making anything: each request is asked. The casts are what the definitions decode to. */
function holdsUnknown(message: unknown, fields: readonly EnumField[]): boolean {
  for (const field of fields) {
    const held = (message as Readonly<Record<string, unknown>>)[field.name];
    if (held === undefined || held === null) continue;
    if (field.repeated) {
      for (const one of held as readonly unknown[]) if (isUnknown(one, field)) return true;
    } else if (isUnknown(held, field)) return true;
  }
  return false;
}

/** An enum's value that is known is its name; see MESSAGE_FORM. */
function isUnknown(value: unknown, { of }: EnumField): boolean {
  return typeof of === "string" ? typeof value === "number" : holdsUnknown(value, of);
}

/** Each field that holds one, as far as an error can name them. */
function faultsOf(message: unknown, fields: readonly EnumField[], path: string, packageName: string): Violation[] {
  const faults: Violation[] = [];
  for (const field of fields) {
    const held = (message as Readonly<Record<string, unknown>>)[field.name];
    const values = field.repeated ? (held as readonly unknown[]) : [held];
    for (const [index, value] of values.entries()) {
      if (value === undefined || value === null || !isUnknown(value, field)) continue;
      const at = `${path}${field.wireName}${field.repeated ? `[${index}]` : ""}`;
      if (typeof field.of !== "string") faults.push(...faultsOf(value, field.of, `${at}.`, packageName));
      else
        faults.push({ field: at, description: `must be a value of ${packageName}.${field.of} that this node knows` });
      if (faults.length >= MAX_VIOLATIONS) return faults.slice(0, MAX_VIOLATIONS);
    }
  }
  return faults;
}
