/**
 * Schemas of other makers, by the interface that they share: Standard JSON Schema (https://standardschema.dev/json-schema) tells
 * the JSON Schema, Standard Schema (https://standardschema.dev) checks a value and makes of it what the code works with. zod 4.2,
 * arktype 2.1.28 and valibot (by `toStandardJsonSchema` of @valibot/to-json-schema) have both.
 *
 * The interfaces are declared here and not taken from `@standard-schema/spec`, which holds nothing else: they are frozen at
 * version 1, and so the package's types need no package more.
 */

/** A schema that can tell its JSON Schema, and mostly can check values too. */
export interface StandardJsonSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardProperties<Input, Output>;
}

/** What such a schema has. */
export interface StandardProperties<Input = unknown, Output = Input> {
  /** Of the interface. */
  readonly version: 1;
  /** The library that it is of. */
  readonly vendor: string;
  /** For the compiler only. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  /** The JSON Schema of what goes in, and of what comes out; both throw where there is none. */
  readonly jsonSchema: {
    readonly input: (options: { readonly target: string }) => Record<string, unknown>;
    readonly output: (options: { readonly target: string }) => Record<string, unknown>;
  };
  /** Checks a value, and makes the output of it: defaults, transforms, refinements. */
  readonly validate?: (value: unknown) => StandardResult | Promise<StandardResult>;
}

/** What became of a value: the output, or what is wrong with it. */
export type StandardResult =
  | { readonly value: unknown; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One fault of a value. */
export interface StandardIssue {
  readonly message: string;
  /** The way to the place, as keys or as objects with a key. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The vendor of a schema that says which one it is of, by either of the interfaces. */
export function vendorOf(schema: unknown): string | undefined {
  const canHave = (typeof schema === "object" && schema !== null) || typeof schema === "function";
  if (!canHave || !("~standard" in schema)) return undefined;
  const standard = schema["~standard"];
  if (typeof standard !== "object" || standard === null) return undefined;
  return "vendor" in standard && typeof standard.vendor === "string" ? standard.vendor : "unknown";
}

/** Whether a schema can tell its JSON Schema. */
export function isStandardJsonSchema(schema: unknown): schema is StandardJsonSchema {
  if (vendorOf(schema) === undefined) return false;
  const { jsonSchema } = (schema as StandardJsonSchema)["~standard"] as { jsonSchema?: unknown }; // it is an object, as vendorOf saw
  if (typeof jsonSchema !== "object" || jsonSchema === null) return false;
  return "input" in jsonSchema && typeof jsonSchema.input === "function" && "output" in jsonSchema;
}
