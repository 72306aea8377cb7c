import { describe, expect, test } from "vitest";
import {
  invalidField,
  isPlainToolsetName,
  isToolName,
  parseDigest,
  parseEpoch,
  parseIncarnation,
  parseNodeId,
  parseProviderId,
  parseRegistryName,
  parseToolName,
  parseToolsetName,
} from "../../src/identity/names.js";

const refused = (field: string, description: unknown = expect.any(String)) =>
  expect.objectContaining({ reason: "INVALID_REQUEST", executed: "no", violations: [{ field, description }] });

describe("names", () => {
  test("of toolsets", () => {
    for (const good of ["a", "0", "a.b_c-d", "a".repeat(128)]) {
      expect(parseToolsetName(good, "name")).toBe(good);
      expect(isPlainToolsetName(good)).toBe(true);
    }
    for (const bad of ["", "A", ".a", "-a", "_a", "a/b", "a b", "a\n", "ä", "a".repeat(129)]) {
      expect(() => parseToolsetName(bad, "name")).toThrow(refused("name", "must match ^[a-z0-9][a-z0-9._-]{0,127}$"));
      expect(isPlainToolsetName(bad)).toBe(false);
    }
  });

  test("of tools allow what the Model Context Protocol allows", () => {
    for (const good of ["a", "A", "_", "0", "a/b.c-d_e", "a".repeat(128)]) {
      expect(parseToolName(good, "tool")).toBe(good);
      expect(isToolName(good)).toBe(true);
    }
    for (const bad of ["", "-a", ".a", "/a", "a b", "a@b", "a\n", "ä", "a".repeat(129)]) {
      expect(() => parseToolName(bad, "tool")).toThrow(refused("tool"));
      expect(isToolName(bad)).toBe(false);
    }
  });

  test.each([
    ["providers", parseProviderId],
    ["incarnations", parseIncarnation],
    ["nodes", parseNodeId],
    ["registries", parseRegistryName],
  ])("of %s can stand in keys and records: no space, slash, brace or colon", (_whose, parse) => {
    for (const good of ["a", "A", "0", "a.b_c-d", "a".repeat(128)]) expect(parse(good, "id")).toBe(good);
    for (const bad of ["", "-a", ".a", "_a", "a b", "a/b", "{a}", "a:b", "a@b", "a\n", "a\0", "ä", "a".repeat(129)]) {
      expect(() => parse(bad, "id"), JSON.stringify(bad)).toThrow(refused("id"));
    }
  });

  test("digests are 64 hexadecimal digits in lower case", () => {
    expect(parseDigest("0a".repeat(32), "digest")).toBe("0a".repeat(32));
    for (const bad of ["", "0A".repeat(32), "0".repeat(63), "0".repeat(65), "g".repeat(64)]) {
      expect(() => parseDigest(bad, "digest")).toThrow(refused("digest"));
    }
  });

  test("a refusal names the field and the rule, never the value", () => {
    const error = invalidField("call.tool", "must be a word");
    expect(error.message).toBe("call.tool must be a word");
    expect(() => parseToolsetName("TOP SECRET", "name")).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("SECRET") }),
    );
  });
});

describe("epochs", () => {
  test("are positive integers that a double holds, from the wire or from text", () => {
    expect(parseEpoch(1, "epoch")).toBe(1);
    expect(parseEpoch("1764000000000", "epoch")).toBe(1_764_000_000_000);
    expect(parseEpoch(Number.MAX_SAFE_INTEGER, "epoch")).toBe(Number.MAX_SAFE_INTEGER);
  });

  test.each([
    0,
    -1,
    1.5,
    2 ** 53,
    2 ** 64,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "",
    "0",
    "-1",
    "1.0",
    "1e3",
    " 1",
    "0x1",
    "9".repeat(17),
  ])("%j is none", (value) =>
    expect(() => parseEpoch(value, "epoch")).toThrow(refused("epoch", "must be a positive integer below 2^53")),
  );
});
