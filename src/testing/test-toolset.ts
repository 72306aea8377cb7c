import type { SealedContract, ToolContract } from "../contract/contract.js";
import { parseContract } from "../contract/parse-contract.js";
import { sealContract } from "../contract/seal-contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { loadProtocol } from "../protocol/load.js";
import { inspectSchema } from "../schemas/inspect-schema.js";
import { DEFAULT_SCHEMA_LIMITS } from "../schemas/schema-policy.js";
import { type PreparedToolset, prepareToolset } from "../sdk/prepare-toolset.js";
import type { SchemaWarning } from "../sdk/provider.js";
import type { DynamicToolset, Schema, ToolsetDefinition } from "../sdk/tool-definition.js";
import { MemoryGateway, type TestToolset, type TestToolsetOptions } from "./memory-gateway.js";

/** The registry's limits on a contract, in bytes. */
const CONTRACT_LIMITS = { maxContractBytes: 4_194_304, maxSchemaBytes: DEFAULT_SCHEMA_LIMITS.maxBytes };

/**
 * Runs a toolset's definition in this process, for tests of tools: no gateway, no Redis, no network. Contract, schemas, payloads
 * and results are validated by the gateway's own code and calls are run by the provider's own, so that what holds here holds there:
 * violations, tool errors, output, deadlines, cancellation, repeats by `runId` and `toolCallId`. What needs a cluster is not here:
 * health, lost providers, redelivery, other epochs, the limits on all calls together.
 *
 * @throws ToolgateError INVALID_CONTRACT, INVALID_SCHEMA, as registering it would.
 */
export function testToolset<
  const Payloads extends Record<string, Schema>,
  const Results extends { [Name in keyof Payloads]: unknown },
>(toolset: ToolsetDefinition<Payloads, Results>, options: TestToolsetOptions = {}): TestToolset {
  const prepared = prepareToolset(toolset as unknown as DynamicToolset); // what runs it knows JSON only, as in serveToolset
  const sealed = seal(prepared);
  const warnings = sealed.contract.tools.flatMap((tool) => inspect(tool, sealed.contract.assertFormats ?? false));
  return new MemoryGateway({ sealed, tools: prepared.tools, warnings, ...options });
}

/** The contract as the gateway reads it from the wire. */
function seal({ contract }: PreparedToolset): SealedContract {
  const { requestSerialize, requestDeserialize } = loadProtocol().Registry.service.Register;
  const { contract: wire } = requestDeserialize(
    requestSerialize({ contract, providerId: "test", incarnation: "test" }),
  );
  return sealContract(parseContract(wire, CONTRACT_LIMITS));
}

function inspect({ name, payload, result }: ToolContract, assertFormats: boolean): SchemaWarning[] {
  const schemas =
    result === undefined
      ? ([["payload", payload]] as const)
      : ([
          ["payload", payload],
          ["result", result],
        ] as const);
  return schemas.flatMap(([direction, schema]) => {
    const inspected = inspectSchema(schema, DEFAULT_SCHEMA_LIMITS, { assertFormats, exactNumbers: false });
    if (inspected.kind === "sound") {
      return inspected.notes.map(({ pointer, message }) => ({
        tool: name,
        path: `/${direction}_schema${pointer}`,
        message,
      }));
    }
    const violations = inspected.faults.map(({ pointer, reason }) => ({
      field: `/tools/${name.replaceAll("/", "~1")}/${direction}_schema${pointer}`,
      description: reason,
    }));
    const listed = violations.map(({ field, description }) => `${field} ${description}`).join("; ");
    throw new ToolgateError(
      "INVALID_SCHEMA",
      `the ${direction} schema of the tool "${name}" cannot be used: ${listed}`,
      {
        violations,
      },
    );
  });
}
