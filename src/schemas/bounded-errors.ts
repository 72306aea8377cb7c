import { _, type Ajv, type CodeGen, Name } from "ajv";
import { MAX_VIOLATIONS } from "../errors/toolgate-error.js";
import { rewriteCode } from "./keyword-code.js";

/** Keywords that validate each item, property or name in a loop. `contains` goes on in spite of errors, until an item fits. */
const LOOPING = [
  "items",
  "additionalItems",
  "unevaluatedItems",
  "additionalProperties",
  "patternProperties",
  "unevaluatedProperties",
  "propertyNames",
];

/** How Ajv's generated code calls the number of errors so far. */
const ERRORS = new Name("errors");

type Body = (name: Name) => void;

/**
 * Ends the loops of code that collects all errors as soon as one has made as many as are reported: a value of a thousand invalid items
 * would make a thousand times the errors of one, to keep eight. What has made an error is invalid already, so that the verdict
 * stays the same, also within `anyOf` and its kin, where errors are dropped again.
 */
export function boundErrors(ajv: Ajv): void {
  for (const keyword of LOOPING) {
    rewriteCode(ajv, keyword, ({ gen, it }, code) => {
      if (!it.allErrors) return code();
      const before = gen.const("before", ERRORS);
      withBoundedLoops(gen, _`${ERRORS} - ${before} >= ${MAX_VIOLATIONS}`, code);
    });
  }
}

/** While `write` writes code, each outermost loop ends after a turn that leaves the condition true. */
function withBoundedLoops(gen: CodeGen, isEnough: ReturnType<typeof _>, write: () => void): void {
  const { forRange, forIn } = gen;
  const unbounded = () => Object.assign(gen, { forRange, forIn });
  const bounded = () =>
    Object.assign(gen, {
      forRange: (prefix: Name | string, from: number, to: Name | number, body: Body) =>
        loop((turn) => forRange.call(gen, prefix, from, to, turn), body),
      forIn: (prefix: Name | string, object: Name, body: Body) =>
        loop((turn) => forIn.call(gen, prefix, object, turn), body),
    });
  const loop = (writeLoop: (turn: Body) => void, body: Body): CodeGen => {
    unbounded(); // loops within are those of subschemas
    writeLoop((name) => {
      body(name);
      gen.if(isEnough, () => gen.break());
    });
    bounded();
    return gen;
  };
  bounded();
  try {
    write();
  } finally {
    unbounded();
  }
}
