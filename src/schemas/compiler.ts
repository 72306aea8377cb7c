import { createRequire } from "node:module";
import { _, Ajv, type AnySchemaObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import AjvDraft04 from "ajv-draft-04";
import type { JsonSchema } from "../contract/contract.js";
import type { Draft } from "../contract/draft.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ExactNumbers } from "../json/exact-numbers.js";
import { boundPointer } from "../json/pointer.js";
import { ajvSchema, UNSUPPORTED_KEYWORDS } from "./ajv-schema.js";
import { boundErrors } from "./bounded-errors.js";
import { addDependentNames } from "./dependent-names.js";
import { noteEvaluated } from "./evaluated.js";
import { FORMATS } from "./formats.js";
import { codeOf } from "./generate-code.js";
import { keywordsOfOthers } from "./keywords.js";
import { CurrentValue, decimalChecks, exactChecks } from "./number-checks.js";
import { addChecks } from "./number-keywords.js";
import { patternEngine } from "./patterns.js";
import type { PortableCode } from "./portable-code.js";
import { namesIn } from "./reportable-paths.js";
import type { SchemaFault } from "./schema-graph.js";
import { LOOP_FROM, type PolicyResult } from "./schema-policy.js";
import { continueAfterShortTuples } from "./short-tuples.js";
import type { Validation } from "./validation.js";
import { ValueCheck } from "./value-check.js";
import { violationsOf } from "./violations.js";

const OPTIONS: Options = {
  // Unknown keywords are annotations, as the specification says.
  strict: false,
  // 1e999 was refused by the reader; this is for values from elsewhere.
  strictNumbers: true,
  logger: false,
  // Each schema was validated by its meta-schema when it was admitted, and references to meta-schemas lead outside.
  meta: false,
  validateSchema: false,
  // What a value inherits is not in it: {"required": ["toString"]} asks for a property of its own.
  ownProperties: true,
  // Inlining would copy a target per reference, and code would grow with their product.
  inlineRefs: false,
  loopEnum: LOOP_FROM,
  loopRequired: LOOP_FROM,
  // The wording is ours; Ajv's would be generated into every validator.
  messages: false,
  // Ajv's optimiser takes two thirds of the time to compile, recurses deeply, and the engine does as well without.
  code: {
    regExp: patternEngine,
    optimize: false,
    // In parentheses a function is compiled at once; else the engine compiles it when the first value comes, within the
    // time limit for validating a value: a schema of 1,000 properties would never get through that.
    process: (source) => `${source.replace("return function ", "return (function ")})`,
  },
};

/**
 * The keyword that Ajv takes a schema's name from: none that JSON can have. References have been made pointers from the root, so names
 * are not needed, and Ajv writes them into comments of the code that it generates as they are, where a comment's end in one makes
 * what follows part of the program.
 */
const NO_NAMES = Symbol("no names") as unknown as "$id"; // a key like any other to Ajv

/** Keywords that ask which properties and items others have evaluated. */
const UNEVALUATED = ["unevaluatedProperties", "unevaluatedItems"];

/** How a schema is compiled. */
export interface CompileOptions {
  /** Whether `format` is asserted. Otherwise it is an annotation, as draft 2020-12 has it. */
  readonly assertFormats: boolean;
  /** Whether it validates numbers as they were written; only worth it for values whose doubles do not hold them all. */
  readonly exactNumbers: boolean;
}

/** What validates by a draft; what it knows beyond the draft is taken from it. */
const VALIDATORS = {
  "2020-12": Ajv2020,
  "2019-09": Ajv2019,
  "draft-07": Ajv,
  "draft-06": Ajv,
  "draft-04": Ajv,
} as const satisfies Record<Draft, unknown>;

/** Ajv for one schema: an instance of its own, so that no `$id` is seen by another schema of the same contract. */
function createAjv(
  draft: Draft,
  allErrors: boolean,
  asksForEvaluated: boolean,
  { assertFormats, exactNumbers }: CompileOptions,
  current: CurrentValue,
  keepsSource: boolean,
): Ajv {
  const code = { ...OPTIONS.code, source: keepsSource, formats: _`formats` };
  const options: Options = {
    ...OPTIONS,
    code,
    allErrors,
    validateFormats: assertFormats,
    formats: assertFormats ? FORMATS : {},
    schemaId: NO_NAMES,
  };
  const ajv = new VALIDATORS[draft](options);
  addChecks(ajv, exactNumbers ? exactChecks(current) : decimalChecks(current), exactNumbers);
  addDependentNames(ajv);
  for (const keyword of [...keywordsOfOthers(draft), ...UNSUPPORTED_KEYWORDS]) ajv.removeKeyword(keyword);
  continueAfterShortTuples(ajv);
  if (asksForEvaluated) noteEvaluated(ajv);
  else ajv.opts.unevaluated = false; // Ajv notes it in any schema of the draft else, which costs time
  boundErrors(ajv);
  return ajv;
}

/** What a schema that passed the policy is compiled by. */
type Passed = Pick<Extract<PolicyResult, { kind: "passed" }>, "schema" | "draft" | "graph" | "cost">;

/** A schema that validates values. The schema has passed the policy. What reports all violations is compiled when it is first needed. */
export class CompiledSchema {
  readonly #schema: JsonSchema;
  readonly #passed: Passed;
  readonly #asksForEvaluated: boolean;
  readonly #options: CompileOptions;
  readonly #current = new CurrentValue();
  readonly #validator: Generated;
  readonly #check: ValueCheck;
  #explain: Generated | undefined;
  #names: ReadonlySet<string> | undefined;

  /** @throws Error when Ajv cannot compile it. */
  constructor(passed: Passed, options: CompileOptions) {
    this.#schema = ajvSchema(passed.schema, passed.draft, passed.graph, options.exactNumbers);
    this.#passed = passed;
    this.#asksForEvaluated = passed.graph.nodes.some((node) =>
      UNEVALUATED.some((keyword) => Object.hasOwn(node.schema, keyword)),
    );
    this.#options = options;
    this.#validator = this.#compile(false);
    this.#check = new ValueCheck({
      validate: this.#validator.validate,
      explain: () => this.#explanations().validate,
      current: this.#current,
      names: () => this.#namesOf(),
      exactNumbers: options.exactNumbers,
    });
  }

  /** Whether it validates numbers as they were written. */
  get exactNumbers(): boolean {
    return this.#options.exactNumbers;
  }

  /**
   * Compiles what reports all violations now, where there is no time for it when the first invalid value comes.
   *
   * @throws Error when Ajv cannot compile it.
   */
  prepareExplanations(): void {
    this.#explanations();
  }

  /** The validator as text; nothing where the schema is costly or needs what only is here. @throws Error as above. */
  portableCode(): PortableCode | undefined {
    const [validator, explain] = [this.#validator, this.#explanations()].map(({ ajv, validate }) =>
      codeOf(ajv, validate),
    );
    return validator === undefined || explain === undefined
      ? undefined
      : { validate: validator, explain, names: [...this.#namesOf()], exactNumbers: this.exactNumbers };
  }

  /** As `ValueCheck.check`. */
  check(value: unknown, cost: number, numbers?: ExactNumbers): Validation {
    return this.#check.check(value, cost, numbers);
  }

  #namesOf(): ReadonlySet<string> {
    this.#names ??= namesIn(this.#schema);
    return this.#names;
  }

  #explanations(): Generated {
    this.#explain ??= this.#compile(true);
    return this.#explain;
  }

  #compile(allErrors: boolean): Generated {
    const { draft, cost } = this.#passed;
    const keepsSource = cost.kind === "cheap";
    const ajv = createAjv(draft, allErrors, this.#asksForEvaluated, this.#options, this.#current, keepsSource);
    return { ajv, validate: ajv.compile(this.#schema) };
  }
}

/** A validator, and what generated it. */
interface Generated {
  readonly ajv: Ajv;
  readonly validate: ValidateFunction;
}

const metaValidators = new Map<Draft, ValidateFunction>();

/** What breaks the rules of the draft itself, such as an unknown type. Takes 25 ms the first time: not for the event loop. */
export function metaFaults(schema: JsonSchema, draft: Draft): SchemaFault[] {
  const validate = metaValidators.get(draft) ?? metaValidator(draft);
  metaValidators.set(draft, validate);
  if (validate(schema)) return [];
  const faults = new Map<string, string>();
  for (const error of validate.errors ?? []) {
    // The first error of a place says it best; the combinators around it add nothing.
    if (
      ["anyOf", "allOf", "if", "$dynamicRef", "$recursiveRef"].includes(error.keyword) ||
      faults.has(error.instancePath)
    )
      continue;
    const allowed: unknown = error.params.allowedValues;
    const reason = Array.isArray(allowed)
      ? `must be one of ${allowed.join(", ")}`
      : violationsOf([error])[0]?.description;
    faults.set(error.instancePath, reason ?? "must conform to its draft");
  }
  return [...faults].map(([pointer, reason]) => ({ pointer: boundPointer(pointer), reason }));
}

function metaValidator(draft: Draft): ValidateFunction {
  const options: Options = { strict: false, logger: false, allErrors: true };
  const [ajv, id] = metaSchema(draft, options);
  const validate = ajv.getSchema(id);
  if (validate === undefined) throw new ToolgateError("INTERNAL", `the meta-schema of ${draft} is missing`);
  return validate;
}

function metaSchema(draft: Draft, options: Options): readonly [Pick<Ajv, "getSchema">, string] {
  switch (draft) {
    case "2020-12":
      return [new Ajv2020(options), "https://json-schema.org/draft/2020-12/schema"];
    case "2019-09":
      return [new Ajv2019(options), "https://json-schema.org/draft/2019-09/schema"];
    case "draft-07":
      return [new Ajv(options), "http://json-schema.org/draft-07/schema"];
    case "draft-06":
      return [new Ajv(options).addMetaSchema(draft06()), "http://json-schema.org/draft-06/schema"];
    case "draft-04":
      return [new AjvDraft04.default(options), "http://json-schema.org/draft-04/schema"];
    default:
      return draft satisfies never;
  }
}

/** The meta-schema of draft-06, which Ajv brings along and does not load by itself. */
function draft06(): AnySchemaObject {
  return createRequire(import.meta.url)("ajv/dist/refs/json-schema-draft-06.json") as AnySchemaObject; // JSON
}
