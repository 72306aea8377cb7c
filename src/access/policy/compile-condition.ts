import type { ASTNode } from "@marcbachmann/cel-js";
import type { Json } from "../../json/json.js";
import { linearPattern } from "../../schemas/linear-regexp.js";
import { areEqual, CONDITION_FAULT, type ConditionMeter, isList } from "./condition-meter.js";

/*
 * Conditions are written in CEL, the Common Expression Language, and are parsed and checked by a library. They are carried out here,
 * because the library does not bound what that takes: nested loops over a caller's lists, and patterns that backtrack, would stall a node.
 *
 * Of the language there is what judging arguments needs: comparisons, logic, members, lists, `in`, `?:`, `+ - *` on numbers, `has`, `all`,
 * `exists`, `exists_one`, `filter`, `size`, `contains`, `startsWith`, `endsWith`, `matches` with a literal pattern, `lowerAscii`. All numbers
 * are doubles, as they are in JSON. Only own members of values are seen. Of a map its members can be looked at, and nothing that would list
 * its keys: the engine lists all of them in one go.
 */

/** What an expression is judged with. */
export interface ConditionScope {
  readonly args: Json;
  readonly principal: Json;
  readonly meter: ConditionMeter;
  /** The variables of the loops around. */
  readonly locals: Map<string, Json>;
}

/** An expression, ready to be judged. @throws CONDITION_FAULT where it makes no sense for what it is given, or is too much work */
export type Expression = (scope: ConditionScope) => Json;

/** A condition that conditions cannot be. */
export class UnsupportedCondition extends Error {
  /** Where it begins, in UTF-16 units from the start of the source. */
  readonly start: number;

  constructor(node: ASTNode, rule: string) {
    super(rule);
    this.start = node.start;
  }
}

/** @throws UnsupportedCondition */
export function compileCondition(node: ASTNode): Expression {
  const run = compileNode(node);
  return (scope) => {
    scope.meter.spend(1);
    return run(scope);
  };
}

function compileNode(node: ASTNode): Expression {
  switch (node.op) {
    case "value":
      return literal(node);
    case "id":
      return variable(node.args);
    case ".":
      return member(node.args[0], () => node.args[1]);
    case "[]": {
      const index = compileCondition(node.args[1]);
      return member(node.args[0], index);
    }
    case "list": {
      const items = node.args.map(compileCondition);
      return (scope) => items.map((item) => item(scope));
    }
    case "?:": {
      const [condition, whole, other] = node.args.map(compileCondition) as [Expression, Expression, Expression]; // as many as it has
      return (scope) => (asBoolean(condition(scope)) ? whole(scope) : other(scope));
    }
    case "&&":
      return logic(node.args, false);
    case "||":
      return logic(node.args, true);
    case "!_": {
      const value = compileCondition(node.args);
      return (scope) => !asBoolean(value(scope));
    }
    case "-_": {
      const value = compileCondition(node.args);
      return (scope) => -asNumber(value(scope));
    }
    case "==":
    case "!=": {
      const [left, right] = both(node.args);
      const equal = node.op === "==";
      return (scope) => areEqual(left(scope), right(scope), scope.meter) === equal;
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return comparison(node.op, node.args);
    case "+":
    case "-":
    case "*":
      return arithmetic(node.op, node.args);
    case "in": {
      const [wanted, around] = both(node.args);
      return (scope) => isIn(wanted(scope), around(scope), scope.meter);
    }
    case "call":
      return call(node, node.args[0], node.args[1]);
    case "rcall":
      return methodCall(node, node.args[0], node.args[1], node.args[2]);
    default:
      throw new UnsupportedCondition(node, `must not use ${node.op}: conditions do not have it`);
  }
}

function literal(node: ASTNode & { readonly op: "value" }): Expression {
  const value = node.args;
  if (typeof value === "string" || typeof value === "boolean" || typeof value === "number" || value === null)
    return () => value;
  // Integers, signed or not: beyond what a double holds, another number would be compared.
  const number = value instanceof Uint8Array ? Number.NaN : Number(typeof value === "bigint" ? value : value.valueOf());
  if (!Number.isSafeInteger(number))
    throw new UnsupportedCondition(node, "must be a number below 2^53, a text or a truth value");
  return () => number;
}

function variable(name: string): Expression {
  return ({ args, principal, locals }) => {
    const local = locals.get(name);
    if (local !== undefined) return local;
    if (name === "args") return args;
    if (name === "principal") return principal;
    throw CONDITION_FAULT;
  };
}

function member(of: ASTNode, key: Expression): Expression {
  const around = compileCondition(of);
  return (scope) => {
    const found = memberOf(around(scope), key(scope));
    if (found === undefined) throw CONDITION_FAULT;
    return found;
  };
}

function memberOf(around: Json, key: Json): Json | undefined {
  if (typeof around !== "object" || around === null) throw CONDITION_FAULT;
  if (isList(around)) return typeof key === "number" && Number.isInteger(key) ? around[key] : undefined;
  return typeof key === "string" && Object.hasOwn(around, key) ? around[key] : undefined;
}

/** Logic of CEL: an error on one side is forgiven where the other side decides. */
function logic(operands: readonly [ASTNode, ASTNode], decides: boolean): Expression {
  const [left, right] = both(operands);
  return (scope) => {
    const first = attempt(left, scope);
    if (first === decides) return decides;
    const second = asBoolean(right(scope));
    if (second === decides) return decides;
    if (first === undefined) throw CONDITION_FAULT;
    return !decides;
  };
}

/** What an expression says; undefined for an error that may be forgiven. */
function attempt(expression: Expression, scope: ConditionScope): boolean | undefined {
  try {
    return asBoolean(expression(scope));
  } catch (error) {
    if (error !== CONDITION_FAULT || scope.meter.exhausted) throw error;
    scope.meter.forgive();
    return undefined;
  }
}

function comparison(op: "<" | "<=" | ">" | ">=", operands: readonly [ASTNode, ASTNode]): Expression {
  const [left, right] = both(operands);
  const holds = (order: number): boolean => {
    switch (op) {
      case "<":
        return order < 0;
      case "<=":
        return order <= 0;
      case ">":
        return order > 0;
      case ">=":
        return order >= 0;
      default:
        return op satisfies never;
    }
  };
  return (scope) => {
    const [a, b] = [left(scope), right(scope)];
    if (typeof a === "number" && typeof b === "number") return holds(a - b);
    if (typeof a !== "string" || typeof b !== "string") throw CONDITION_FAULT;
    scope.meter.spendOnText(Math.min(a.length, b.length));
    return holds(a < b ? -1 : a > b ? 1 : 0);
  };
}

function arithmetic(op: "+" | "-" | "*", operands: readonly [ASTNode, ASTNode]): Expression {
  const [left, right] = both(operands);
  return (scope) => {
    const [a, b] = [asNumber(left(scope)), asNumber(right(scope))];
    const result = op === "+" ? a + b : op === "-" ? a - b : a * b;
    if (!Number.isFinite(result)) throw CONDITION_FAULT;
    return result;
  };
}

function isIn(wanted: Json, around: Json, meter: ConditionMeter): boolean {
  if (typeof around !== "object" || around === null) throw CONDITION_FAULT;
  if (isList(around)) return around.some((item) => areEqual(item, wanted, meter));
  return typeof wanted === "string" && Object.hasOwn(around, wanted);
}

function call(node: ASTNode, name: string, args: readonly ASTNode[]): Expression {
  const [first] = args;
  if (first === undefined || args.length !== 1) throw noFunction(node, name);
  if (name === "size") return size(first);
  if (name !== "has") throw noFunction(node, name);
  if (first.op !== ".") throw new UnsupportedCondition(first, "must be a member, such as has(args.path)");
  const around = compileCondition(first.args[0]);
  const key = first.args[1];
  return (scope) => memberOf(around(scope), key) !== undefined;
}

function size(of: ASTNode): Expression {
  const value = compileCondition(of);
  return (scope) => {
    const found = value(scope);
    if (typeof found === "string") {
      scope.meter.spend(1 + found.length / 4); // characters are counted one by one
      let characters = 0;
      for (const _ of found) characters++;
      return characters;
    }
    if (!isList(found)) throw CONDITION_FAULT;
    return found.length;
  };
}

function methodCall(node: ASTNode, name: string, receiver: ASTNode, args: readonly ASTNode[]): Expression {
  const [first, second] = args;
  if (name === "size" && first === undefined) return size(receiver);
  if (name === "lowerAscii" && first === undefined) {
    const text = compileCondition(receiver);
    return (scope) => {
      const found = asText(text(scope));
      scope.meter.spend(1 + found.length / 4);
      return found.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
    };
  }
  if (first !== undefined && second === undefined) {
    if (name === "matches") return matches(receiver, first);
    const search = SEARCHES.get(name);
    if (search === undefined) throw noFunction(node, name);
    const [text, wanted] = both([receiver, first]);
    return (scope) => search(asText(text(scope)), asText(wanted(scope)), scope.meter);
  }
  if (first !== undefined && second !== undefined && args.length === 2)
    return loop(node, name, receiver, first, second);
  throw noFunction(node, name);
}

type Search = (text: string, part: string, meter: ConditionMeter) => boolean;

const SEARCHES: ReadonlyMap<string, Search> = new Map<string, Search>([
  [
    "contains",
    (text, part, meter) => {
      // Measured on hostile texts: up to 6 ns a character, and, beyond 250 characters of the part, more the longer it is.
      meter.spend(1 + (text.length * (1 + (part.length > 250 ? part.length / 30 : 0))) / 8);
      return text.includes(part);
    },
  ],
  [
    "startsWith",
    (text, part, meter) => {
      meter.spendOnText(part.length);
      return text.startsWith(part);
    },
  ],
  [
    "endsWith",
    (text, part, meter) => {
      meter.spendOnText(part.length);
      return text.endsWith(part);
    },
  ],
]);

/** A pattern is compiled once, by RE2's algorithm: in time linear in the text. */
function matches(receiver: ASTNode, pattern: ASTNode): Expression {
  const source = pattern.op === "value" ? pattern.args : undefined;
  if (typeof source !== "string") throw new UnsupportedCondition(pattern, "must be a literal pattern");
  const compiled = linearPattern(source);
  if (compiled.kind === "refused") throw new UnsupportedCondition(pattern, compiled.reason);
  const text = compileCondition(receiver);
  return (scope) => {
    const found = asText(text(scope));
    scope.meter.spend(1 + found.length * (1 + compiled.instructions / 8));
    return compiled.test(found);
  };
}

/** A loop over a list. */
function loop(node: ASTNode, name: string, over: ASTNode, variableNode: ASTNode, body: ASTNode): Expression {
  if (!LOOPS.has(name)) throw noFunction(node, name);
  if (variableNode.op !== "id") throw new UnsupportedCondition(variableNode, "must be the name of a variable");
  const around = compileCondition(over);
  const each = compileCondition(body);
  const local = variableNode.args;
  return (scope) => {
    const items = around(scope);
    if (!isList(items)) throw CONDITION_FAULT;
    const former = scope.locals.get(local);
    const verdictOf = (item: Json): boolean | undefined => {
      scope.locals.set(local, item);
      return attempt(each, scope);
    };
    try {
      return runLoop(name, items, verdictOf);
    } finally {
      if (former === undefined) scope.locals.delete(local);
      else scope.locals.set(local, former);
    }
  };
}

const LOOPS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "filter"]);

function runLoop(name: string, items: readonly Json[], verdictOf: (item: Json) => boolean | undefined): Json {
  if (name === "all" || name === "exists") {
    // As a chain of && or ||: an error is forgiven where another item decides.
    const decides = name === "exists";
    let faulty = false;
    for (const item of items) {
      const verdict = verdictOf(item);
      if (verdict === decides) return decides;
      faulty ||= verdict === undefined;
    }
    if (faulty) throw CONDITION_FAULT;
    return !decides;
  }
  const found = items.filter((item) => {
    const verdict = verdictOf(item);
    if (verdict === undefined) throw CONDITION_FAULT;
    return verdict;
  });
  return name === "filter" ? found : found.length === 1;
}

function both([left, right]: readonly [ASTNode, ASTNode]): [Expression, Expression] {
  return [compileCondition(left), compileCondition(right)];
}

function asBoolean(value: Json): boolean {
  if (typeof value !== "boolean") throw CONDITION_FAULT;
  return value;
}

function asNumber(value: Json): number {
  if (typeof value !== "number") throw CONDITION_FAULT;
  return value;
}

function asText(value: Json): string {
  if (typeof value !== "string") throw CONDITION_FAULT;
  return value;
}

function noFunction(node: ASTNode, name: string): UnsupportedCondition {
  return new UnsupportedCondition(node, `must not call ${name.slice(0, 64)} like this: conditions do not have it`);
}
