import { _, type Ajv, type CodeGen, type KeywordCxt, Name } from "ajv";
import { evaluatedPropsToName } from "ajv/dist/compile/util.js";
import { rewriteCode } from "./keyword-code.js";

/** Keywords whose subschemas evaluate properties and items only where they hold. */
const CONDITIONAL = ["anyOf", "oneOf"];
/** The same, of objects only. */
const CONDITIONAL_OF_OBJECTS = ["dependentSchemas", "dependencies"];

/**
 * Makes an Ajv note rightly what is evaluated, for schemas that ask for it (`unevaluatedProperties`, `unevaluatedItems`). Ajv's own
 * notes are wrong where an alternative does not hold: what was noted before it is lost, `if` counts although it failed or has no
 * `then`, and `contains` counts for all items.
 */
export function noteEvaluated(ajv: Ajv): void {
  for (const keyword of CONDITIONAL) {
    rewriteCode(ajv, keyword, (cxt, code) => {
      hoistNotes(cxt);
      code();
    });
  }
  for (const keyword of CONDITIONAL_OF_OBJECTS) {
    rewriteCode(ajv, keyword, ({ gen, it }, code) => {
      // This code runs for objects alone: what is noted of items before it has to stay as it is.
      const { items } = it;
      hoistProps(gen, it);
      code();
      setItems(it, items);
    });
  }
  rewriteCode(ajv, "patternProperties", ({ gen, it }, code) => {
    const { props } = it;
    if (!(props instanceof Name)) return code();
    // Ajv writes into the note, which is not there yet where nothing was evaluated, or says that everything was.
    const own = gen.var("props", _`{}`);
    it.props = own;
    code();
    it.props = props;
    gen.if(_`${props} !== true`, () => gen.assign(props, _`Object.assign(${props} || {}, ${own})`));
  });
  rewriteCode(ajv, "if", conditional);
  rewriteCode(ajv, "contains", ({ it }, code) => {
    const { items } = it;
    code();
    setItems(it, items);
  });
  rewriteCode(ajv, "unevaluatedItems", ({ gen, data, it }, code) => {
    const { items } = it;
    // A note is how many of the first items are evaluated, all of them, or none yet.
    if (items instanceof Name) it.items = gen.const("from", _`${items} === true ? ${data}.length : ${items} || 0`);
    code();
  });
  rewriteCode(ajv, "unevaluatedProperties", ({ gen, it }, code) => {
    const { props } = it;
    // Ajv asks the note by name: "toString" and "constructor" would pass for evaluated through its prototype.
    if (props instanceof Name) gen.code(_`if (${props} && ${props} !== true) Object.setPrototypeOf(${props}, null)`);
    code();
  });
}

/** Declares the notes before code that adds to them under a condition. */
function hoistNotes({ gen, it }: KeywordCxt): void {
  hoistProps(gen, it);
  if (it.items !== true && !(it.items instanceof Name)) it.items = gen.var("items", it.items ?? 0);
}

function hoistProps(gen: CodeGen, it: KeywordCxt["it"]): void {
  if (it.props !== true && !(it.props instanceof Name)) it.props = evaluatedPropsToName(gen, it.props);
}

function setItems(it: KeywordCxt["it"], items: KeywordCxt["it"]["items"]): void {
  if (items === undefined) delete it.items;
  else it.items = items;
}

/** `if`, with `then` and `else` or without: what it evaluates counts where it holds. */
function conditional(cxt: KeywordCxt): void {
  const { gen, it } = cxt;
  hoistNotes(cxt);
  const valid = gen.let("valid", true);
  const holds = gen.name("_valid");
  const ifClause = gen.let("ifClause");
  const condition = cxt.subschema({ keyword: "if", compositeRule: true, createErrors: false, allErrors: false }, holds);
  cxt.reset();
  cxt.setParams({ ifClause });
  const clause = (keyword: "then" | "else"): void => {
    if (it.schema[keyword] === undefined) return;
    const applied = cxt.subschema({ keyword }, holds);
    gen.assign(valid, holds);
    cxt.mergeValidEvaluated(applied, valid);
    gen.assign(ifClause, _`${keyword}`);
  };
  gen.if(
    holds,
    () => {
      cxt.mergeEvaluated(condition, Name);
      clause("then");
    },
    () => clause("else"),
  );
  cxt.pass(valid, () => cxt.error(true));
}
