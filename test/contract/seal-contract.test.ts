import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { describe, expect, test } from "vitest";
import type { Contract, JsonSchema } from "../../src/contract/contract.js";
import { contractToWire } from "../../src/contract/contract-to-wire.js";
import { parseContract } from "../../src/contract/parse-contract.js";
import { digestOf, sealContract } from "../../src/contract/seal-contract.js";
import { loadProtocol } from "../../src/protocol/load.js";
import { LIMITS, wireContract, wireTool } from "./wire-contract.js";

const sealed = (contract: Contract) => sealContract(contract);
const ofSchema = (json: string) =>
  sealed(parseContract(wireContract({ tools: [wireTool("sum", { payloadSchemaJson: Buffer.from(json) })] }), LIMITS));
/** The canonical form of the payload schema within the canonical contract. */
function canonicalSchema(json: string): string {
  const { canonicalJson } = ofSchema(json);
  const start = canonicalJson.indexOf('"payload":') + '"payload":'.length;
  return canonicalJson.slice(start, canonicalJson.indexOf(',"tags"', start));
}

describe("the digest", () => {
  test("is the SHA-256 of the canonical JSON, in lower-case hexadecimal", () => {
    const { canonicalJson, digest } = sealed(parseContract(wireContract(), LIMITS));
    expect(canonicalJson).toBe(
      '{"description":"","name":"math","tags":[],"tools":[{"delivery":"once","description":"","name":"sum","payload":{"type":"object"},"tags":[]}],"version":"1.0.0"}',
    );
    expect(digest).toBe(createHash("sha256").update(canonicalJson, "utf8").digest("hex"));
    expect(digestOf(canonicalJson)).toBe(digest);
  });

  test("is that of the canonical JSON of the whole, though tools are written one by one", () => {
    const text = 'has "tools":[] in it, and \\"tools\\":[]';
    const contract = parseContract(
      wireContract({
        description: text,
        tags: ["tools", "$&"],
        tools: [wireTool("b", { description: text }), wireTool("a")],
      }),
      LIMITS,
    );
    expect(sealed(contract).canonicalJson).toBe(canonicalize(contract));
  });

  test("does not depend on the order of tools, tags or keys, nor on white space", () => {
    const one = wireContract({
      tags: ["x", "y"],
      tools: [wireTool("a", { tags: ["p", "q"] }), wireTool("b", { payloadSchemaJson: Buffer.from('{"a":1,"b":2}') })],
    });
    const other = wireContract({
      tags: ["y", "x", "y"],
      tools: [
        wireTool("b", { payloadSchemaJson: Buffer.from(' { "b" : 2.0 , "a" : 1e0 } ') }),
        wireTool("a", { tags: ["q", "p"] }),
      ],
    });
    expect(sealed(parseContract(other, LIMITS)).digest).toBe(sealed(parseContract(one, LIMITS)).digest);
  });

  test("depends on everything that an agent can rely on", () => {
    const tool = wireTool("sum");
    const variants = [
      wireContract(),
      wireContract({ name: "maths" }),
      wireContract({ version: "1.0.1" }),
      wireContract({ title: "t" }),
      wireContract({ description: "d" }),
      wireContract({ tags: ["t"] }),
      wireContract({ tools: [tool, wireTool("mul")] }),
      ...[
        { name: "sums" },
        { title: "t" },
        { description: "d" },
        { tags: ["t"] },
        { payloadSchemaJson: Buffer.from("true") },
        { resultSchemaJson: Buffer.from("true") },
        { annotations: { readOnlyHint: true, _readOnlyHint: "readOnlyHint" as const } },
        { annotations: { readOnlyHint: false, _readOnlyHint: "readOnlyHint" as const } },
        { delivery: "DELIVERY_MODE_IDEMPOTENT" as const },
        { timeoutMs: 1 },
        { metaJson: Buffer.from('{"a":1}') },
      ].map((more) => wireContract({ tools: [{ ...tool, ...more }] })),
    ];
    const digests = variants.map((wire) => sealed(parseContract(wire, LIMITS)).digest);
    expect(new Set(digests).size).toBe(variants.length);
  });

  test("survives the way over the wire and back", () => {
    const contract = parseContract(
      wireContract({
        title: "T",
        tags: ["b", "a"],
        tools: [
          wireTool("sum", {
            title: "S",
            resultSchemaJson: Buffer.from('{"type":"number","maximum":1e21}'),
            annotations: { openWorldHint: false, _openWorldHint: "openWorldHint" },
            delivery: "DELIVERY_MODE_IDEMPOTENT",
            timeoutMs: 5,
            metaJson: Buffer.from('{"icons":[{"src":"x"}],"_meta":{"a":null}}'),
          }),
          wireTool("any", { payloadSchemaJson: Buffer.from("true") }),
        ],
      }),
      LIMITS,
    );
    const { requestSerialize, requestDeserialize } = loadProtocol().Registry.service.Register;
    const { contract: back } = requestDeserialize(requestSerialize({ contract: contractToWire(contract) }));
    expect(sealed(parseContract(back, LIMITS))).toEqual(sealed(contract));
  });
});

describe("the canonical form (RFC 8785)", () => {
  // Section 3.2.3 and the number vectors of appendix B.
  test.each([
    [
      "keys sort by UTF-16 code units",
      '{"€":1,"\\r":2,"\uFB33":3,"1":4,"😀":5,"\\u0080":6,"ö":7}',
      '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\uFB33":3}',
    ],
    [
      "nested keys sort too; arrays keep their order",
      '{"b":[{"d":1,"c":2},3],"a":{}}',
      '{"a":{},"b":[{"c":2,"d":1},3]}',
    ],
    ["minus zero is zero", '{"default":-0}', '{"default":0}'],
    ["whole numbers have no fraction", '{"default":1.0}', '{"default":1}'],
    [
      "exponents from 1e21 on",
      '{"default":[1e20,1000000000000000000000,1E30]}',
      '{"default":[100000000000000000000,1e+21,1e+30]}',
    ],
    [
      "small numbers from 1e-7 on",
      '{"default":[0.000001,0.0000001,4.5e0,2e-3]}',
      '{"default":[0.000001,1e-7,4.5,0.002]}',
    ],
    [
      "the smallest and the largest double",
      '{"default":[5e-324,1.7976931348623157e308]}',
      '{"default":[5e-324,1.7976931348623157e+308]}',
    ],
    [
      "the shortest digits that come back",
      '{"default":[333333333.33333329,9007199254740993]}',
      '{"default":[333333333.3333333,9007199254740992]}',
    ],
    [
      "strings escape only what they must",
      '{"default":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"}',
      '{"default":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ],
    ["literals", '{"enum":[null,true,false]}', '{"enum":[null,true,false]}'],
  ])("%s", (_rule, json, canonical) => expect(canonicalSchema(json)).toBe(canonical));

  test("an absent fact and an undefined one are the same", () => {
    const contract = parseContract(wireContract(), LIMITS);
    const undef = { ...contract, title: undefined } as unknown as Contract; // what a careless caller may pass
    expect(sealed(undef).digest).toBe(sealed(contract).digest);
  });

  test("a boolean schema is itself", () => {
    const contract = parseContract(wireContract(), LIMITS);
    const schema: JsonSchema = false;
    const tools = contract.tools.map((tool) => ({ ...tool, payload: schema }));
    expect(sealed({ ...contract, tools }).canonicalJson).toContain('"payload":false');
  });
});
