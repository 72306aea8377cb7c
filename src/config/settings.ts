import { Ajv } from "ajv";
import type { Static, TObject, TSchema } from "typebox";
import { ToolgateError } from "../errors/toolgate-error.js";
import { nearestWord } from "../spelling/nearest-word.js";
import type { Environment } from "./environment.js";

/** What a program's flags were given as, by key (`maxPayloadBytes` for `--max-payload-bytes`). */
export type Flags = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where settings come from. A flag wins over its variable; an empty variable counts as unset. */
export interface Sources {
  readonly env: Environment;
  readonly flags?: Flags;
}

/** One setting, as people meet it. */
export interface Setting {
  /** Its key in the parsed configuration. */
  readonly key: string;
  /** Its environment variable. */
  readonly variable: string;
  /** Its flag, with the dashes. */
  readonly flag: string;
  /** What a help text calls the flag's value: `ms`, `bytes`, `host:port`. */
  readonly placeholder: string;
  readonly description: string;
  readonly default: string | number;
  /** What a value must be, in words. */
  readonly rule: string;
  /** The same in short, for a table; empty where any text will do. */
  readonly bounds: string;
  /** Its value is never shown. */
  readonly secret: boolean;
}

/** What a property's schema says beside JSON Schema's own words. */
interface SettingOptions {
  readonly description: string;
  readonly default: string | number;
  readonly placeholder: string;
  readonly variable?: string;
  readonly rule?: string;
  readonly secret?: boolean;
}

/** A rule over several settings; it is looked at when each of them is valid by itself. */
export interface CrossRule<T> {
  readonly keys: readonly (keyof T & string)[];
  readonly holds: (values: T) => boolean;
  /** The fault, given what the user calls each key. */
  readonly fault: (name: (key: keyof T & string) => string, values: T) => string;
}

/** A rule over one setting that a schema cannot say: the rule that the text breaks, or undefined. */
export type Check = (text: string) => string | undefined;

/** The settings of a schema, in its order. */
export function settingsOf(schema: TObject): readonly Setting[] {
  return Object.entries(schema.properties).map(([key, property]) => {
    const options = property as TSchema & SettingOptions; // each property of our schemas is made with these
    return {
      key,
      variable: options.variable ?? `TOOLGATE_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`,
      flag: flagOf(key),
      placeholder: options.placeholder,
      description: options.description,
      default: options.default,
      rule: options.rule ?? ruleOf(property),
      bounds: boundsOf(property),
      secret: options.secret ?? false,
    };
  });
}

function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
}

/** JSON Schema's own words that our properties use. */
interface Bounds {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
}

function ruleOf(property: TSchema): string {
  const { minimum, maximum, enum: words } = property as Bounds; // each is absent where the schema has none
  if (words !== undefined) return `must be one of ${words.join(", ")}`;
  if (minimum !== undefined) return `must be an integer from ${minimum} to ${maximum}`;
  return "must be text";
}

function boundsOf(property: TSchema): string {
  const { minimum, maximum, enum: words } = property as Bounds; // each is absent where the schema has none
  if (words !== undefined) return words.join(", ");
  return minimum === undefined ? "" : `${minimum} to ${maximum}`;
}

/**
 * Reads settings from flags and variables, by one schema. The answer is frozen.
 *
 * @param known variables of other schemas, which are not unknown although this schema lacks them
 * @throws ToolgateError INVALID_CONFIG with every fault at once: one line each, naming the flag or variable
 */
export function readSettings<T extends TObject>(
  schema: T,
  { env, flags = {} }: Sources,
  rules: {
    readonly checks?: Readonly<Record<string, Check>>;
    readonly cross?: readonly CrossRule<Static<T>>[];
    readonly known?: readonly string[];
  } = {},
): Readonly<Static<T>> {
  const settings = settingsOf(schema);
  const faults: { readonly field: string; readonly description: string }[] = [];
  const broken = new Set<string>();
  const given: Record<string, string | number | boolean> = {};
  const names = new Map<string, string>();

  for (const { key, variable, flag } of settings) {
    const value = flags[key] ?? (env[variable] === "" ? undefined : env[variable]);
    names.set(key, flags[key] === undefined ? variable : flag);
    if (value !== undefined) given[key] = typeof value === "string" ? value.trim() : value;
  }
  const name = (key: string) => names.get(key) ?? key;

  for (const field of unknownNames(settings, { env, flags }, rules.known ?? [])) faults.push(field);

  // The one place that coerces and fills in: what a shell hands over is always text.
  const ajv = new Ajv({ allErrors: true, coerceTypes: true, useDefaults: true, strict: false });
  const values: Record<string, unknown> = { ...given };
  const validate = ajv.compile(schema);
  if (!validate(values)) {
    for (const error of validate.errors ?? []) broken.add(error.instancePath.slice(1));
  }
  for (const [key, check] of Object.entries(rules.checks ?? {})) {
    const value = values[key];
    const rule = broken.has(key) || typeof value !== "string" ? undefined : check(value);
    if (rule === undefined) continue;
    broken.add(key);
    faults.push({ field: name(key), description: rule });
  }
  for (const setting of settings) {
    if (!broken.has(setting.key) || faults.some(({ field }) => field === name(setting.key))) continue;
    faults.push({ field: name(setting.key), description: describeFault(setting, given[setting.key]) });
  }
  for (const rule of rules.cross ?? []) {
    const read = values as Static<T>; // every key of the rule was found valid, and a rule looks at its own keys only
    if (rule.keys.some((key) => broken.has(key)) || rule.holds(read)) continue;
    faults.push({ field: rule.keys.map(name).join(", "), description: rule.fault(name, read) });
  }

  if (faults.length > 0) {
    const lines = faults.map(({ field, description }) => `  ${field} ${description}`);
    const head = faults.length === 1 ? "A setting is wrong" : `${faults.length} settings are wrong`;
    throw new ToolgateError("INVALID_CONFIG", `${head}:\n${lines.join("\n")}`, { violations: faults });
  }
  return Object.freeze(values) as Readonly<Static<T>>; // validated and completed by the schema above
}

function describeFault(setting: Setting, value: string | number | boolean | undefined): string {
  const text = String(value ?? "");
  const shown = setting.secret ? "" : `, not ${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)}`;
  const fallback = setting.default === "" ? "" : `; leave it out for ${setting.default}`;
  return `${setting.rule}${shown}${fallback}`;
}

/** Kubernetes and Docker add these for a service called "toolgate"; they are nobody's settings. */
const SERVICE_LINK = /^TOOLGATE_(SERVICE_HOST|SERVICE_PORT|PORT|NAME|ENV)(_.*)?$/;

/** A setting that nobody reads is a slip: silently running with the default is worse than not starting. */
function unknownNames(settings: readonly Setting[], { env, flags = {} }: Sources, others: readonly string[]) {
  const variables = [...settings.map((setting) => setting.variable), ...others];
  const unknownVariables = Object.keys(env)
    .filter((name) => name.startsWith("TOOLGATE_") && env[name] !== "" && !variables.includes(name))
    .filter((name) => !SERVICE_LINK.test(name))
    .map((name) => {
      const near = nearestWord(name.slice("TOOLGATE_".length), variables.map(withoutPrefix));
      const meant = variables.find((variable) => withoutPrefix(variable) === near);
      return { field: name, description: `is not a setting${suggestion(meant)}` };
    });
  const keys = settings.map((setting) => setting.key);
  const unknownFlags = Object.keys(flags)
    .filter((key) => flags[key] !== undefined && !keys.includes(key))
    .map((key) => {
      const near = nearestWord(key, keys);
      const meant = settings.find((setting) => setting.key === near)?.flag;
      return { field: flagOf(key), description: `is not a flag${suggestion(meant)}` };
    });
  return [...unknownVariables, ...unknownFlags];
}

function withoutPrefix(variable: string): string {
  return variable.replace(/^TOOLGATE_/, "");
}

function suggestion(meant: string | undefined): string {
  return meant === undefined ? "; remove it" : `; did you mean ${meant}?`;
}
