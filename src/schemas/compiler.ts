import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { DataValidationCxt } from "ajv/dist/types/index.js";
import type { JsonSchema } from "../contract/contract.js";
import { type ExactNumbers, NO_EXACT_NUMBERS, ROOT } from "../json/exact-numbers.js";
import { boundPointer, type Step } from "../json/pointer.js";
import type { Draft } from "./draft.js";
import { noteEvaluated } from "./evaluated.js";
import { FORMATS } from "./formats.js";
import { type Gated, LOOP_FROM } from "./gate.js";
import { assertsIn } from "./keywords.js";
import { linearRegExp } from "./linear-regexp.js";
import { addDecimals, addExactNumbers, EXACT_INTEGER, type NumbersInHand } from "./number-keywords.js";
import type { SchemaFault, SchemaGraph } from "./schema-graph.js";
import { goOnAfterShortTuples } from "./short-tuples.js";
import { namesIn, TellablePlaces } from "./tellable-places.js";
import { unjudged, VALID, type Validation } from "./validation.js";
import { violationsOf } from "./violations.js";

/**
 * Values up to this weight are judged a second time for all their violations. Every error is an object of its own, so
 * this also bounds their number: at most about 20,000, some megabytes.
 */
const EXPLAIN_WEIGHT = 50_000;

const OPTIONS: Options = {
  // Unknown keywords are annotations, as the specification says.
  strict: false,
  // 1e999 was refused by the reader; this is for values from elsewhere.
  strictNumbers: true,
  logger: false,
  // Each schema was judged by its meta-schema when it was admitted, and references to meta-schemas lead outside.
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
    regExp: linearRegExp,
    optimize: false,
    // In parentheses a function is compiled at once; else the engine compiles it when the first value comes, within the
    // time limit for judging a value: a schema of 1,000 properties would never get through that.
    process: (source) => `${source.replace("return function ", "return (function ")})`,
  },
};

/** Keywords that ask which properties and items others have evaluated. */
const UNEVALUATED = ["unevaluatedProperties", "unevaluatedItems"];

/** How a schema is compiled. */
export interface CompileOptions {
  /** Whether `format` is asserted. Otherwise it is an annotation, as draft 2020-12 has it. */
  readonly assertFormats: boolean;
  /** Whether it judges numbers as they were written; only worth it for values whose doubles do not hold them all. */
  readonly exactNumbers: boolean;
}

/** Ajv for one schema: an instance of its own, so that no `$id` is seen by another schema of the same contract. */
function createAjv(
  draft: Draft,
  allErrors: boolean,
  asksForEvaluated: boolean,
  { assertFormats }: CompileOptions,
  hand?: NumbersInHand,
): Ajv {
  const options = { ...OPTIONS, allErrors, validateFormats: assertFormats, formats: assertFormats ? FORMATS : {} };
  const ajv = draft === "2020-12" ? new Ajv2020(options) : new Ajv(options);
  if (hand === undefined) addDecimals(ajv);
  else addExactNumbers(ajv, hand);
  // Draft-04's keyword, which Ajv refuses to compile; and those of 2019-09, which 2020-12 does not know.
  for (const keyword of ["id", "$recursiveRef", "$recursiveAnchor"]) ajv.removeKeyword(keyword);
  goOnAfterShortTuples(ajv);
  if (asksForEvaluated) noteEvaluated(ajv);
  return ajv;
}

/**
 * A schema that judges values. The schema has passed the gate.
 *
 * Judging stops at the first fault, since collecting all of a large value's takes hundreds of megabytes. A user wants to
 * see more than one, so an invalid value that is small enough is judged again by a second validator that collects all,
 * compiled when it is first needed; the hot path, with valid values, never pays for it.
 */
export class CompiledSchema {
  readonly #schema: JsonSchema;
  readonly #draft: Draft;
  readonly #asksForEvaluated: boolean;
  readonly #options: CompileOptions;
  readonly #hand: NumbersInHand | undefined;
  readonly #judge: ValidateFunction;
  #explain: ValidateFunction | undefined;
  #names: ReadonlySet<string> | undefined;

  /** @throws Error when Ajv cannot compile it. */
  constructor(
    { schema, draft, graph }: Pick<Extract<Gated, { kind: "passed" }>, "schema" | "draft" | "graph">,
    options: CompileOptions,
  ) {
    this.#schema = asJudged(schema, draft, graph, options.exactNumbers);
    this.#draft = draft;
    this.#asksForEvaluated = graph.nodes.some((node) =>
      UNEVALUATED.some((keyword) => Object.hasOwn(node.schema, keyword)),
    );
    this.#options = options;
    this.#hand = options.exactNumbers ? { numbers: NO_EXACT_NUMBERS } : undefined;
    this.#judge = this.#compile(false);
  }

  /** Whether it judges numbers as they were written. */
  get exactNumbers(): boolean {
    return this.#options.exactNumbers;
  }

  #compile(allErrors: boolean): ValidateFunction {
    return createAjv(this.#draft, allErrors, this.#asksForEvaluated, this.#options, this.#hand).compile(this.#schema);
  }

  /**
   * Compiles what tells all violations now, where there is no time for it when the first invalid value comes.
   *
   * @throws Error when Ajv cannot compile it.
   */
  prepareExplanations(): void {
    this.#explain ??= this.#compile(true);
  }

  /**
   * @param weight what judging the value costs at most, in units of roughly 10 ns; decides whether all faults are told.
   * @param numbers those that the value's doubles do not hold; without `exactNumbers` they are not looked at.
   */
  check(value: unknown, weight: number, numbers: ExactNumbers = NO_EXACT_NUMBERS): Validation {
    if (this.#hand !== undefined) this.#hand.numbers = numbers;
    try {
      // Not truthy, but true: an asynchronous validator would return a promise. The gate refuses those; this is the net.
      if (this.#run(this.#judge, value) === true) return VALID;
      let errors: readonly ErrorObject[] = this.#judge.errors ?? [];
      this.#judge.errors = null; // it would keep a part of the value alive
      if (weight <= EXPLAIN_WEIGHT) {
        const explain = this.#explain ?? this.#compile(true);
        this.#explain = explain;
        this.#run(explain, value);
        errors = explain.errors ?? errors;
        explain.errors = null;
      }
      this.#names ??= namesIn(this.#schema);
      return { kind: "invalid", violations: violationsOf(errors, new TellablePlaces(value, this.#names)) };
    } catch {
      return unjudged("its schema leads round in a circle on this value"); // recursion without end
    } finally {
      if (this.#hand !== undefined) this.#hand.numbers = NO_EXACT_NUMBERS;
    }
  }

  #run(validate: ValidateFunction, value: unknown): unknown {
    if (this.#hand === undefined) return validate(value);
    // A number that is the whole value is looked up too.
    const place = { instancePath: "", parentData: ROOT, parentDataProperty: "", rootData: value, dynamicAnchors: {} };
    return validate(value, place as DataValidationCxt); // Ajv's type has an object with members for the parent
  }
}

/**
 * A schema as Ajv is to judge by it; a copy where it differs.
 *
 * Keywords are taken away that Ajv acts on and the draft does not; the provider was warned of them:
 * - OpenAPI's `nullable` is built into Ajv, which lets null in beside `type`, and refuses to compile it elsewhere.
 * - In draft-07 a reference stands alone; Ajv judges by what is beside it, and its option against that leaves `type` in.
 *
 * Where numbers are judged as they were written, "integer" in `type` gets a keyword of ours beside it.
 */
function asJudged(schema: JsonSchema, draft: Draft, graph: SchemaGraph, exactNumbers: boolean): JsonSchema {
  const changes = graph.nodes.flatMap((node) => {
    const isReference = draft === "draft-07" && Object.hasOwn(node.schema, "$ref");
    const idle = Object.keys(node.schema).filter(
      (keyword) =>
        ["nullable", EXACT_INTEGER].includes(keyword) ||
        (isReference && keyword !== "$ref" && assertsIn(keyword, draft)),
    );
    const types = isReference ? [] : [node.schema.type].flat();
    const addInteger = exactNumbers && types.includes("integer") && !types.includes("number");
    return idle.length === 0 && !addInteger ? [] : [{ steps: node.steps, idle, addInteger }];
  });
  if (changes.length === 0) return schema;
  const copy = structuredClone(schema) as JsonSchema; // the clone of a schema
  for (const { steps, idle, addInteger } of changes) {
    let place: unknown = copy;
    for (const step of steps) place = (place as Record<Step, unknown>)[step]; // the way that led to the node in the original
    const node = place as Record<string, unknown>; // a node, so an object
    for (const keyword of idle) delete node[keyword];
    if (addInteger) node[EXACT_INTEGER] = true;
  }
  return copy;
}

const metaValidators = new Map<Draft, Ajv>();

/** What breaks the rules of the draft itself, such as an unknown type. Takes 25 ms the first time: not for the event loop. */
export function metaFaults(schema: JsonSchema, draft: Draft): SchemaFault[] {
  const options: Options = { strict: false, logger: false, allErrors: true };
  const ajv = metaValidators.get(draft) ?? (draft === "2020-12" ? new Ajv2020(options) : new Ajv(options));
  metaValidators.set(draft, ajv);
  const id =
    draft === "2020-12" ? "https://json-schema.org/draft/2020-12/schema" : "http://json-schema.org/draft-07/schema";
  if (ajv.validate(id, schema)) return [];
  const faults = new Map<string, string>();
  for (const error of ajv.errors ?? []) {
    // The first error of a place says it best; the combinators around it add nothing.
    if (["anyOf", "allOf", "if", "$dynamicRef"].includes(error.keyword) || faults.has(error.instancePath)) continue;
    const allowed: unknown = error.params.allowedValues;
    const reason = Array.isArray(allowed)
      ? `must be one of ${allowed.join(", ")}`
      : violationsOf([error])[0]?.description;
    faults.set(error.instancePath, reason ?? "must be as the draft says");
  }
  return [...faults].map(([pointer, reason]) => ({ pointer: boundPointer(pointer), reason }));
}
