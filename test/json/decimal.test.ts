import { describe, expect, test } from "vitest";
import { compareDecimals, decimalText, isMultiple, isWhole, parseDecimal } from "../../src/json/decimal.js";

const decimal = parseDecimal;

describe("a decimal", () => {
  test.each([
    ["0", "e0"],
    ["-0", "e0"],
    ["0.000", "e0"],
    ["0e99", "e0"],
    ["1", "1e0"],
    ["-10", "-1e1"],
    ["10.00", "1e1"],
    ["0.0750", "75e-3"],
    ["1.5e3", "15e2"],
    ["1E-7", "1e-7"],
    ["1.25e+2", "125e0"],
    ["9007199254740993", "9007199254740993e0"],
    ["0.00120e-300", "12e-304"],
  ])("%s has one form", (text, form) => {
    expect(decimalText(decimal(text))).toBe(form);
  });

  test("compares as numbers do", () => {
    const ascending = [
      ...["-1e3", "-999.5", "-2", "-1.5", "-0.1", "0", "5e-324", "0.07", "0.075", "0.1", "1", "1.0000000000000000001"],
      ...["2", "9007199254740992", "9007199254740993", "9007199254740993.5", "1e17", "1e308"],
    ].map(decimal);
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) expect(Math.sign(compareDecimals(a, b))).toBe(Math.sign(i - j));
    }
  });

  test.each([
    ["0.07", "0.01", true],
    ["19.99", "0.01", true],
    ["0.075", "0.01", false],
    ["1e300", "0.01", true],
    ["1e300", "7", false],
    ["7e300", "7", true],
    ["0", "0.3", true],
    ["-0.9", "0.3", true],
    ["1", "0", false],
    ["5e-324", "1e300", false],
    ["9007199254740993", "2", false],
    ["9007199254740993", "3", true],
    [`${"1".repeat(3_000)}`, "3", true],
    [`${"1".repeat(3_001)}`, "3", false],
    [`${"1".repeat(1_000)}.5`, "0.5", true],
    ["1e400000000", "8", true],
  ])("%s is a multiple of %s: %s", (value, divisor, expected) => {
    expect(isMultiple(decimal(value), decimal(divisor))).toBe(expected);
  });

  test.each([
    ["1.0", true],
    ["1e5", true],
    ["1.0000000000000000001", false],
    ["9007199254740992.5", false],
    ["0.0", true],
    ["1.5e1", true],
  ])("%s is whole: %s", (text, expected) => {
    expect(isWhole(decimal(text))).toBe(expected);
  });
});
