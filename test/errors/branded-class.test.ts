import { describe, expect, test, vi } from "vitest";

/** `instanceof` of the exported errors, where a process has this package twice. */

const one = await import("../../src/index.js");
vi.resetModules();
const other = await import("../../src/index.js");

const terminal = {
  kind: "tool_error",
  reason: "R",
  message: "m",
  executed: "yes",
  origin: "tool",
  callId: "c",
  attempt: 1,
  endedAt: new Date(0),
} as const;

const ERRORS = {
  ToolgateError: (copy: typeof one) => new copy.ToolgateError("NODE_BUSY", "busy"),
  ToolCallError: (copy: typeof one) => new copy.ToolCallError(terminal),
  ToolFailure: (copy: typeof one) => new copy.ToolFailure("R", "m"),
  CallAborted: (copy: typeof one) => new copy.CallAborted("DEADLINE"),
};
const names = Object.keys(ERRORS) as (keyof typeof ERRORS)[];

describe.each(names)("%s", (name) => {
  test("is another class in the other copy", () => {
    expect(other[name]).not.toBe(one[name]);
  });

  test("knows the instances of both copies, and no others", () => {
    for (const copy of [one, other]) {
      expect(ERRORS[name](copy)).toBeInstanceOf(one[name]);
      const foreign = names.filter((kind) => kind !== name).map((kind) => ERRORS[kind](copy));
      for (const value of [...foreign, new Error("m"), { ...ERRORS[name](copy) }, null, undefined, name]) {
        expect(value).not.toBeInstanceOf(one[name]);
      }
    }
  });

  test("leaves nothing on its instances", () => {
    expect(Reflect.ownKeys(ERRORS[name](one)).filter((key) => typeof key === "symbol")).toEqual([]);
  });
});

test("a subclass has its own instances alone, and they are instances of the class in both copies", () => {
  class Busy extends one.ToolgateError {}
  class BusyToo extends other.ToolgateError {}
  const busy = new Busy("NODE_BUSY", "busy");
  for (const known of [Busy, one.ToolgateError, other.ToolgateError, Error]) expect(busy).toBeInstanceOf(known);
  expect(busy).not.toBeInstanceOf(BusyToo);
  for (const copy of [one, other]) expect(ERRORS.ToolgateError(copy)).not.toBeInstanceOf(Busy);
});
