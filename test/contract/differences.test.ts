import { describe, expect, test } from "vitest";
import type { Contract } from "../../src/contract/contract.js";
import { contractDifferences } from "../../src/contract/differences.js";
import { parseContract } from "../../src/contract/parse-contract.js";
import type { Contract__Output } from "../../src/protocol/generated/toolgate/v1/Contract.js";
import { LIMITS, wireContract, wireTool } from "./wire-contract.js";

const contract = (more: Partial<Contract__Output> = {}): Contract => parseContract(wireContract(more), LIMITS);

describe("differences", () => {
  test("of equal contracts are none, whatever their order", () => {
    const schema = (json: string) => ({ payloadSchemaJson: Buffer.from(json) });
    const one = contract({ tags: ["a", "b"], tools: [wireTool("x", schema('{"a":1,"b":2}')), wireTool("y")] });
    const other = contract({ tags: ["b", "a"], tools: [wireTool("y"), wireTool("x", schema('{"b":2,"a":1}'))] });
    expect(contractDifferences(one, other)).toEqual([]);
  });

  test("of the toolset itself name the field", () => {
    const changed = contract({ version: "2.0.0", title: "T", description: "D", tags: ["t"], assertFormats: true });
    expect(contractDifferences(contract(), changed)).toEqual([
      "version differs",
      "title differs",
      "description differs",
      "tags differs",
      "assertFormats differs",
    ]);
  });

  test("of a tool name the tool and the field", () => {
    const changed = wireTool("sum", {
      title: "T",
      description: "D",
      tags: ["t"],
      payloadSchemaJson: Buffer.from("true"),
      resultSchemaJson: Buffer.from("true"),
      delivery: "DELIVERY_MODE_IDEMPOTENT",
      timeoutMs: 1,
    });
    expect(contractDifferences(contract(), contract({ tools: [changed] }))).toEqual(
      ["title", "description", "tags", "payload", "result", "delivery", "timeoutMs"].map(
        (field) => `tool "sum": ${field} differs`,
      ),
    );
  });

  test("tell a hint that is false from one that is not said", () => {
    const hinted = wireTool("sum", { annotations: { readOnlyHint: false, _readOnlyHint: "readOnlyHint" } });
    expect(contractDifferences(contract(), contract({ tools: [hinted] }))).toEqual(['tool "sum": annotations differs']);
    const further = wireTool("sum", { metaJson: Buffer.from('{"icons":[]}') });
    expect(contractDifferences(contract(), contract({ tools: [further] }))).toEqual(['tool "sum": meta differs']);
  });

  test("name tools that came and tools that went", () => {
    const before = contract({ tools: [wireTool("a"), wireTool("b")] });
    const after = contract({ tools: [wireTool("b"), wireTool("c")] });
    expect(contractDifferences(before, after)).toEqual(['tool "c" is new', 'tool "a" is gone']);
  });

  test("are at most eight, the last of which counts the rest", () => {
    const tools = (count: number) => Array.from({ length: count }, (_, i) => wireTool(`new${i}`));
    const sum = wireTool("sum");
    const eight = contractDifferences(contract(), contract({ tools: [sum, ...tools(8)] }));
    expect(eight).toHaveLength(8);
    expect(eight.at(-1)).toBe('tool "new7" is new');
    const many = contractDifferences(contract(), contract({ tools: [sum, ...tools(12)] }));
    expect(many).toHaveLength(8);
    expect(many.at(-1)).toBe("and 5 more differences");
  });

  test("never show contents", () => {
    const secret = { description: "TOP SECRET", payloadSchemaJson: Buffer.from('{"title":"TOP SECRET"}') };
    const shown = contractDifferences(contract(), contract({ tools: [wireTool("sum", secret)] })).join();
    expect(shown).not.toContain("TOP SECRET");
  });
});
