import { ToolgateError } from "../errors/toolgate-error.js";
import { nearestWord } from "../identity/nearest-word.js";
import type { Environment } from "./environment.js";
import { readSecret } from "./secret-reference.js";

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
  /** Its value is never shown, and may be given as a reference: see secret-reference.ts. */
  readonly secret: boolean;
}

/** What is said of every setting, whatever its values are. */
export interface SettingOptions {
  readonly description: string;
  /** What a help text calls its value. */
  readonly placeholder: string;
  /** Its environment variable; `TOOLGATE_` and its key when absent. */
  readonly variable?: string;
  /** What a value must be, in words; made from the bounds when absent. */
  readonly rule?: string;
  /** Its value is never shown. */
  readonly secret?: boolean;
}

/** A whole number within bounds. */
export interface IntegerSetting extends SettingOptions {
  readonly type: "integer";
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** A text, of a pattern (a regular expression, with its anchors) where there is one. */
export interface TextSetting extends SettingOptions {
  readonly type: "text";
  readonly default: string;
  readonly pattern?: string;
}

/** One of a few words. */
export interface ChoiceSetting<Word extends string = string> extends SettingOptions {
  readonly type: "choice";
  readonly default: Word;
  readonly words: readonly Word[];
}

/**
 * A program's settings by key. They are plain data, read without a schema compiler, because the command line reads them
 * before it does anything: a compiler took longer to load than most commands take.
 */
export type SettingsSchema = Readonly<Record<string, IntegerSetting | TextSetting | ChoiceSetting>>;

/** What a schema's settings are once they were read. */
export type ValuesOf<Schema extends SettingsSchema> = {
  readonly [Key in keyof Schema]: Schema[Key] extends IntegerSetting
    ? number
    : Schema[Key] extends ChoiceSetting<infer Word>
      ? Word
      : string;
};

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
export function settingsOf(schema: SettingsSchema): readonly Setting[] {
  return Object.entries(schema).map(([key, setting]) => ({
    key,
    variable: setting.variable ?? `TOOLGATE_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`,
    flag: flagOf(key),
    placeholder: setting.placeholder,
    description: setting.description,
    default: setting.default,
    rule: setting.rule ?? ruleOf(setting),
    bounds: boundsOf(setting),
    secret: setting.secret ?? false,
  }));
}

function flagOf(key: string): string {
  return `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
}

function ruleOf(setting: SettingsSchema[string]): string {
  switch (setting.type) {
    case "integer":
      return `must be an integer from ${setting.minimum} to ${setting.maximum}`;
    case "choice":
      return `must be one of ${setting.words.join(", ")}`;
    case "text":
      return "must be text";
    default:
      return setting satisfies never;
  }
}

function boundsOf(setting: SettingsSchema[string]): string {
  switch (setting.type) {
    case "integer":
      return `${setting.minimum} to ${setting.maximum}`;
    case "choice":
      return setting.words.join(", ");
    case "text":
      return "";
    default:
      return setting satisfies never;
  }
}

/** The value of a setting that a text or a number stands for; undefined where it breaks the setting's rule. */
function readValue(setting: SettingsSchema[string], given: string | number | boolean): string | number | undefined {
  switch (setting.type) {
    case "integer": {
      const number = given === "" || typeof given === "boolean" ? Number.NaN : Number(given);
      return Number.isInteger(number) && number >= setting.minimum && number <= setting.maximum ? number : undefined;
    }
    case "choice":
      return setting.words.find((word) => word === given);
    case "text": {
      const text = String(given);
      return setting.pattern === undefined || new RegExp(setting.pattern, "u").test(text) ? text : undefined;
    }
    default:
      return setting satisfies never;
  }
}

/**
 * Reads settings from flags and variables, by one schema. The answer is frozen.
 *
 * @param known variables of other schemas, which are not unknown although this schema lacks them
 * @throws ToolgateError INVALID_CONFIG with every fault at once: one line each, naming the flag or variable
 */
export function readSettings<Schema extends SettingsSchema>(
  schema: Schema,
  { env, flags = {} }: Sources,
  rules: {
    readonly checks?: Readonly<Record<string, Check>>;
    readonly cross?: readonly CrossRule<ValuesOf<Schema>>[];
    readonly known?: readonly string[];
  } = {},
): ValuesOf<Schema> {
  const settings = settingsOf(schema);
  const faults: { readonly field: string; readonly description: string }[] = [];
  const broken = new Set<string>();
  const given: Record<string, string | number | boolean> = {};
  const names = new Map<string, string>();

  for (const { key, variable, flag, secret } of settings) {
    const value = flags[key] ?? (env[variable] === "" ? undefined : env[variable]);
    names.set(key, flags[key] === undefined ? variable : flag);
    const text = typeof value === "string" ? value.trim() : value;
    if (text === undefined) continue;
    const read = secret && typeof text === "string" ? readSecret(text, env) : { value: text };
    if ("fault" in read) {
      broken.add(key);
      faults.push({ field: names.get(key) ?? key, description: read.fault });
    } else given[key] = read.value;
  }
  const name = (key: string) => names.get(key) ?? key;

  for (const field of unknownNames(settings, { env, flags }, rules.known ?? [])) faults.push(field);

  // The one place that coerces and fills in: what a shell hands over is always text.
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(schema)) {
    if (broken.has(key)) continue; // said above
    const text = given[key];
    const value = text === undefined ? setting.default : readValue(setting, text);
    if (value === undefined) broken.add(key);
    else values[key] = value;
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
    const read = values as ValuesOf<Schema>; // every key of the rule was found valid, and a rule looks at its own keys only
    if (rule.keys.some((key) => broken.has(key)) || rule.holds(read)) continue;
    faults.push({ field: rule.keys.map(name).join(", "), description: rule.fault(name, read) });
  }

  if (faults.length > 0) {
    const lines = faults.map(({ field, description }) => `  ${field} ${description}`);
    const head = faults.length === 1 ? "A setting is wrong" : `${faults.length} settings are wrong`;
    throw new ToolgateError("INVALID_CONFIG", `${head}:\n${lines.join("\n")}`, { violations: faults });
  }
  return Object.freeze(values) as ValuesOf<Schema>; // each setting was read or filled in above
}

function describeFault(setting: Setting, value: string | number | boolean | undefined): string {
  const text = String(value ?? "");
  const shown = setting.secret ? "" : `, not ${JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)}`;
  const fallback = setting.default === "" ? "" : `; leave it out for ${setting.default}`;
  return `${setting.rule}${shown}${fallback}`;
}

/** Kubernetes and Docker add these for a service called "toolgate"; they are no settings of the node. */
const SERVICE_LINK = /^TOOLGATE_(SERVICE_HOST|SERVICE_PORT|PORT|NAME|ENV)(_.*)?$/;

/** A setting that is never read is a slip: silently running with the default is worse than not starting. */
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
