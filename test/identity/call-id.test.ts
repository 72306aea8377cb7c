import { describe, expect, test } from "vitest";
import { derivedCallId, parseCallId, randomCallId } from "../../src/identity/call-id.js";
import { parseToolsetName } from "../../src/identity/names.js";

const TOOLSET = parseToolsetName("math", "name");
const bytes = (fill: number) => (size: number) => Buffer.alloc(size, fill);

describe("a call id", () => {
  test("carries its shard", () => {
    expect(randomCallId(0, bytes(0))).toBe("0.AAAAAAAAAAAAAAAAAAAAAA");
    expect(randomCallId(35, bytes(255))).toBe("z._____________________w");
    expect(randomCallId(16_383, bytes(1)).split(".")[0]).toBe((16_383).toString(36));
    expect(derivedCallId(7, "t", TOOLSET, "r", "c")).toMatch(/^7\./);
  });

  test("that is random has 128 bits from the given source", () => {
    const sizes: number[] = [];
    randomCallId(0, (size) => {
      sizes.push(size);
      return Buffer.alloc(size);
    });
    expect(sizes).toEqual([16]);
  });

  test("that is derived is the same for the same tenant, toolset, run and tool call, and never otherwise", () => {
    const id = derivedCallId(0, "tenant", TOOLSET, "run", "call");
    expect(derivedCallId(0, "tenant", TOOLSET, "run", "call")).toBe(id);
    const others = [
      derivedCallId(0, "tenant2", TOOLSET, "run", "call"),
      derivedCallId(0, "tenant", TOOLSET, "run2", "call"),
      derivedCallId(0, "tenant", TOOLSET, "run", "call2"),
      derivedCallId(0, "tenant", parseToolsetName("other", "name"), "run", "call"),
      // What a joined string would confuse.
      derivedCallId(0, "tenant", TOOLSET, "runc", "all"),
      derivedCallId(0, "tenantrun", TOOLSET, "", "call"),
      derivedCallId(0, "tenant", TOOLSET, 'run","call', ""),
      derivedCallId(0, "tenant", TOOLSET, "run,call", ""),
    ];
    expect(new Set([id, ...others]).size).toBe(others.length + 1);
  });

  test("of either kind comes back through the parser", () => {
    for (const shard of [0, 1, 35, 36, 46_655]) {
      const random = randomCallId(shard, bytes(0xfb));
      const derived = derivedCallId(shard, "t", TOOLSET, "r", "c");
      expect(parseCallId(random)).toBe(random);
      expect(parseCallId(derived)).toBe(derived);
    }
  });

  test.each([
    "",
    "0",
    "AAAAAAAAAAAAAAAAAAAAAA",
    ".AAAAAAAAAAAAAAAAAAAAAA",
    "0.AAAAAAAAAAAAAAAAAAAAA",
    "0.AAAAAAAAAAAAAAAAAAAAAAA",
    "0.AAAAAAAAAAAAAAAAAAAA==",
    "0.AAAAAAAAAAAAAAAAAAAA A",
    "Z.AAAAAAAAAAAAAAAAAAAAAA",
    "0000.AAAAAAAAAAAAAAAAAAAAAA",
    "0.AAAAAAAAAAAAAAAAAAAAAA\n",
    "-1.AAAAAAAAAAAAAAAAAAAAAA",
    "0.{default/0}AAAAAAAAAAA",
  ])("%j is none, and the refusal names the field only", (text) => {
    expect(() => parseCallId(text, "in_hand.call_id")).toThrow(
      expect.objectContaining({
        reason: "INVALID_REQUEST",
        violations: [
          { field: "in_hand.call_id", description: "must be a call's id, as it came when the call was made" },
        ],
      }),
    );
  });
});
