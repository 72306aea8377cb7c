import { createRequire } from "node:module";
import type { ValidateFunction } from "ajv";
import { FIND_MISSING, findMissing } from "./find-missing.js";
import { FORMATS } from "./formats.js";
import { linearRegExp } from "./linear-regexp.js";
import { CurrentValue, decimalChecks, exactChecks } from "./number-checks.js";
import { ValueCheck } from "./value-check.js";

/**
 * A schema's validator as text, so that one thread generates it and another runs it. Generating takes Ajv milliseconds for a plain
 * schema and seconds for a hostile one; making functions of the text takes as long as the text is.
 */
export interface PortableCode {
  /** Stops at the first fault. */
  readonly validate: string;
  /** Collects faults. */
  readonly explain: string;
  /** The properties that the schema names. */
  readonly names: readonly string[];
  readonly exactNumbers: boolean;
}

/** What the code asks for by `require`, which has to be what Ajv's own code gets: its modules are of CommonJS. */
const RUNTIME = ["ajv/dist/runtime/equal", "ajv/dist/runtime/ucs2length"];
const require = createRequire(import.meta.url);

/** Makes a validator of the code. Work is linear in the text. @throws Error where the code asks for what is not here. */
export function linkCode({ validate, explain, names, exactNumbers }: PortableCode): ValueCheck {
  const current = new CurrentValue();
  const checks = { ...(exactNumbers ? exactChecks(current) : decimalChecks(current)), [FIND_MISSING]: findMissing };
  const link = (text: string): ValidateFunction => {
    const module: { exports: unknown } = { exports: undefined };
    // The text is Ajv's, which quotes what it takes from a schema; it would make a function of it itself.
    const run = new Function("module", "require", "formats", "checks", "linearRegExp", text);
    run(module, requireRuntime, FORMATS, checks, linearRegExp);
    return module.exports as ValidateFunction; // as standalone code has it
  };
  let collect: ValidateFunction | undefined;
  let named: ReadonlySet<string> | undefined;
  return new ValueCheck({
    validate: link(validate),
    explain: () => {
      collect ??= link(explain);
      return collect;
    },
    current,
    names: () => {
      named ??= new Set(names);
      return named;
    },
    exactNumbers,
  });
}

function requireRuntime(name: string): unknown {
  if (!RUNTIME.includes(name)) throw new Error(`the code of a validator asks for ${name}`);
  return require(name);
}
