import { type Static, Type } from "typebox";
import { memberOf, slicesOf } from "../../../json/json-slices.js";
import type { Contract__Output } from "../../../protocol/generated/toolgate/v1/Contract.js";
import type { RegisterResponse } from "../../../protocol/generated/toolgate/v1/RegisterResponse.js";
import type { Tool__Output } from "../../../protocol/generated/toolgate/v1/Tool.js";
import type { ToolAnnotations__Output } from "../../../protocol/generated/toolgate/v1/ToolAnnotations.js";
import { count } from "./query-schemas.js";
import { wordOf } from "./words.js";

const NONE = Buffer.alloc(0);
/** What texts and lists may have at most is said where a contract is read, for all transports alike. */
const JSON_SCHEMA = (description: string) =>
  Type.Union([Type.Object({}, { additionalProperties: true }), Type.Boolean()], { description });

const ANNOTATIONS = Type.Object(
  {
    readOnlyHint: Type.Optional(Type.Boolean()),
    destructiveHint: Type.Optional(Type.Boolean()),
    idempotentHint: Type.Optional(Type.Boolean()),
    openWorldHint: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false, description: "Hints for agents. Nothing is decided by them." },
);

const NEW_TOOL = Type.Object(
  {
    name: Type.String(),
    title: Type.Optional(Type.String()),
    description: Type.Optional(Type.String({ description: "What it does, for models and people." })),
    tags: Type.Optional(Type.Array(Type.String())),
    payloadSchema: JSON_SCHEMA("JSON Schema of the payload, kept as it is."),
    resultSchema: Type.Optional(JSON_SCHEMA("JSON Schema of the result; without it, any JSON is one.")),
    delivery: Type.Optional(
      Type.Union([Type.Literal("once"), Type.Literal("idempotent")], {
        description: "How often it may run for one call: `once`, which is the default, or `idempotent`.",
      }),
    ),
    timeoutMs: Type.Optional(count("How long a call of it may take at most, in milliseconds; 0 does not say.")),
    annotations: Type.Optional(ANNOTATIONS),
    meta: Type.Optional(
      Type.Object({}, { additionalProperties: true, description: "More that its maker says of it, kept as it is." }),
    ),
  },
  { additionalProperties: false },
);

/** A toolset as it is registered: with the words in which `GET /v1/toolsets/{toolset}` shows it. */
export const NEW_CONTRACT = Type.Object(
  {
    name: Type.String({ description: "The toolset's name, in the caller's own tenant." }),
    version: Type.String({ description: "A semantic version: it names one contract for ever." }),
    title: Type.Optional(Type.String()),
    description: Type.Optional(Type.String()),
    tags: Type.Optional(Type.Array(Type.String())),
    tools: Type.Array(NEW_TOOL, { minItems: 1, maxItems: 1_024 }),
    assertFormats: Type.Optional(
      Type.Boolean({ description: "Whether `format` is asserted in the schemas, not only said." }),
    ),
  },
  { additionalProperties: false },
);

export const PROVIDER_ID = Type.String({ maxLength: 128, description: "The provider's stable name." });
export const INCARNATION = Type.String({
  maxLength: 128,
  description: "New at each start of the provider; the latest registered one holds the identity.",
});

/** A provider's lease, and the proof of it. */
export const LEASE = Type.Object(
  {
    toolset: Type.String({ maxLength: 512 }),
    epoch: count("The epoch that the provider serves.", 1),
    providerId: PROVIDER_ID,
    incarnation: INCARNATION,
    leaseToken: Type.String({ maxLength: 64, description: "The secret that the registration answered." }),
  },
  { additionalProperties: false, description: "Whose lease, with its proof." },
);

/** What asks for something that a lease is enough for. */
export const LEASE_BODY = Type.Object({ lease: LEASE }, { additionalProperties: false, $id: "ProvenLease" });

export const CALL_IN_HAND = Type.Object(
  { callId: Type.String({ maxLength: 128 }), attempt: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }) },
  { additionalProperties: false, $id: "CallInHand" },
);

export const REGISTERED = Type.Object(
  {
    epoch: Type.Integer({ description: "The epoch that serves this contract." }),
    digest: Type.String({ description: "SHA-256 of the contract, in hexadecimal." }),
    state: Type.String({ description: "`active`, or `candidate` until its providers have room enough." }),
    leaseToken: Type.String({ description: "Proves the lease. It is shown once; only its hash is kept." }),
    leaseMs: Type.Integer({ description: "How long the lease holds unless it is renewed, in milliseconds." }),
    pingIntervalMs: Type.Integer({ description: "How often the epoch is pinged, in milliseconds." }),
    registeredAtMs: Type.Integer({ description: "When the epoch was registered, in Unix milliseconds." }),
    warnings: Type.Array(Type.Object({ tool: Type.String(), path: Type.String(), message: Type.String() }), {
      description: "What in the schemas is ignored, and may be a slip.",
    }),
    skipped: Type.Array(
      Type.Object({
        tool: Type.String(),
        resultSchemaOnly: Type.Boolean(),
        violations: Type.Array(Type.Object({ field: Type.String(), description: Type.String() })),
      }),
      { description: "What `skipInvalid` left out." },
    ),
  },
  { $id: "Registration" },
);

/**
 * A contract as the RPC has it, its schemas and further facts as the bytes that they came as: read and written again, their numbers could
 * be other ones.
 *
 * @param bytes the contract's own, as they came
 */
export function contractOf(contract: Static<typeof NEW_CONTRACT>, bytes: Buffer): Contract__Output {
  const list = memberOf(bytes, "tools") ?? NONE;
  const texts = [...slicesOf(list)].map(({ start, end }) => list.subarray(start, end));
  const { name, version, title = "", description = "", tags = [], assertFormats = false } = contract;
  const tools = contract.tools.map((tool, index) => newToolOf(tool, texts[index] ?? NONE));
  return { name, version, title, description, tags, tools, assertFormats };
}

function newToolOf(tool: Static<typeof NEW_TOOL>, bytes: Buffer): Tool__Output {
  const { name, title = "", description = "", tags = [], annotations, delivery, timeoutMs = 0 } = tool;
  return {
    ...{ name, title, description, tags, timeoutMs },
    payloadSchemaJson: memberOf(bytes, "payloadSchema") ?? NONE,
    resultSchemaJson: memberOf(bytes, "resultSchema") ?? NONE,
    metaJson: memberOf(bytes, "meta") ?? NONE,
    annotations: annotations === undefined ? null : hintsOf(annotations),
    delivery: delivery === "idempotent" ? "DELIVERY_MODE_IDEMPOTENT" : "DELIVERY_MODE_ONCE",
  };
}

/** Hints that are said, each with the mark by which the wire tells `false` from nothing. */
function hintsOf(said: Static<typeof ANNOTATIONS>): ToolAnnotations__Output {
  const marks = Object.keys(said).map((hint) => [`_${hint}`, hint] as const);
  return { ...said, ...(Object.fromEntries(marks) as ToolAnnotations__Output) }; // the schema names no others
}

/** A registration, as it is answered. */
export function registeredOf(answer: RegisterResponse): object {
  const {
    epoch = 0,
    digest = "",
    state,
    leaseToken = "",
    leaseMs = 0,
    pingIntervalMs = 0,
    registeredAtMs = 0,
  } = answer;
  return {
    epoch: Number(epoch),
    digest,
    state: wordOf("EPOCH_STATE_", state),
    ...{ leaseToken, leaseMs, pingIntervalMs },
    registeredAtMs: Number(registeredAtMs),
    warnings: (answer.warnings ?? []).map(({ tool = "", path = "", message = "" }) => ({ tool, path, message })),
    skipped: (answer.skipped ?? []).map(({ tool = "", resultSchemaOnly = false, violations = [] }) => ({
      tool,
      resultSchemaOnly,
      violations: violations.map(({ field = "", description = "" }) => ({ field, description })),
    })),
  };
}
