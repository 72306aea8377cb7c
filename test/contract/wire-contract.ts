import type { ContractLimits } from "../../src/contract/parse-contract.js";
import type { Contract__Output } from "../../src/protocol/generated/toolgate/v1/Contract.js";
import type { Tool__Output } from "../../src/protocol/generated/toolgate/v1/Tool.js";

export const LIMITS: ContractLimits = { maxContractBytes: 4_194_304, maxSchemaBytes: 262_144 };

/** A tool as the wire brings it. */
export function wireTool(name: string, more: Partial<Tool__Output> = {}): Tool__Output {
  return {
    name,
    title: "",
    description: "",
    tags: [],
    payloadSchemaJson: Buffer.from('{"type":"object"}'),
    resultSchemaJson: Buffer.alloc(0),
    annotations: null,
    delivery: "DELIVERY_MODE_UNSPECIFIED",
    timeoutMs: 0,
    metaJson: Buffer.alloc(0),
    ...more,
  };
}

/** A contract as the wire brings it, with one tool unless said. */
export function wireContract(more: Partial<Contract__Output> = {}): Contract__Output {
  return {
    name: "math",
    version: "1.0.0",
    title: "",
    description: "",
    tags: [],
    tools: [wireTool("sum")],
    assertFormats: false,
    ...more,
  };
}
