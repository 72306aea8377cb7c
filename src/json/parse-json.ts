import { type Token, tokensOf } from "./tokens.js";

/**
 * How integers of a JSON text are read.
 *
 * - `number`: as `JSON.parse` does. Those beyond 2^53 lose digits.
 * - `bigint`: those beyond ±(2^53 - 1) as BigInt, all others as number. Numbers with a point or an exponent stay numbers.
 */
export type Integers = "number" | "bigint";

/** Every integer that a double may not hold has at least 16 digits in a row. */
const MANY_DIGITS = /[0-9]{16}/;

/** @throws SyntaxError when the text is not one JSON value. */
export function parseJson(text: string, integers: Integers): unknown {
  const value: unknown = JSON.parse(text);
  return integers === "bigint" && MANY_DIGITS.test(text) ? withBigInts(text) : value;
}

/** Builds the value of a text that is known to be JSON. */
function withBigInts(text: string): unknown {
  const open: (unknown[] | Record<string, unknown>)[] = [];
  let key = "";
  const keys: string[] = [];
  let whole: unknown;
  const put = (value: unknown): void => {
    const around = open.at(-1);
    if (around === undefined) whole = value;
    else if (Array.isArray(around)) around.push(value);
    else if (key === "__proto__") Object.defineProperty(around, key, { value, ...PLAIN });
    else around[key] = value;
  };
  for (const token of tokensOf(text)) {
    switch (token.kind) {
      case "open":
        keys.push(key);
        open.push(token.text === "{" ? {} : []);
        break;
      case "close": {
        const closed = open.pop();
        key = keys.pop() ?? "";
        put(closed);
        break;
      }
      case "key":
        key = String(JSON.parse(token.text));
        break;
      case "scalar":
        put(scalarOf(token));
        break;
      case "colon":
      case "comma":
        break;
      default:
        token.kind satisfies never;
    }
  }
  return whole;
}

/** As assignment makes properties; with the key `__proto__` it would set the prototype instead. */
const PLAIN = { enumerable: true, configurable: true, writable: true } as const;
const INTEGER = /^-?[0-9]{16,}$/;

function scalarOf({ text }: Token): unknown {
  const value: unknown = JSON.parse(text);
  return INTEGER.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value;
}
