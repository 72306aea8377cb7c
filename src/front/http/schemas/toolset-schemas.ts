import { Type } from "typebox";
import type { Change } from "../../../protocol/generated/toolgate/v1/Change.js";
import type { Epoch } from "../../../protocol/generated/toolgate/v1/Epoch.js";
import type { GetToolsetResponse } from "../../../protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { Tool } from "../../../protocol/generated/toolgate/v1/Tool.js";
import type { ToolsetSummary } from "../../../protocol/generated/toolgate/v1/ToolsetSummary.js";
import { rawOf } from "./raw.js";
import { wordOf } from "./words.js";

const TIME_MS = (description: string) => Type.Integer({ description: `${description}, in Unix milliseconds.` });

const EPOCH = Type.Object({
  epoch: Type.Integer({ description: "The generation of the registration." }),
  digest: Type.String({ description: "SHA-256 of the contract, in hexadecimal." }),
  version: Type.String(),
  state: Type.String({ description: "`active`, `candidate` or `retiring`; others may be added." }),
  registeredAtMs: TIME_MS("When it was registered"),
  healthy: Type.Boolean({ description: "Whether calls can be made of it now." }),
  lastPongMs: TIME_MS("When a provider of it answered a ping last; 0 for never"),
  room: Type.Integer({ description: "How many more calls its providers would take at once." }),
});

export const TOOLSET_SUMMARY = Type.Object(
  {
    name: Type.String({ description: "As the caller names it: `files`, or `acme/files` of another tenant." }),
    title: Type.String(),
    description: Type.String(),
    version: Type.String(),
    tags: Type.Array(Type.String()),
    toolCount: Type.Integer(),
    epochs: Type.Array(EPOCH, { description: "The active one first." }),
  },
  { $id: "ToolsetSummary" },
);

export const TOOLSET_PAGE = Type.Object(
  {
    toolsets: Type.Array(TOOLSET_SUMMARY),
    nextPageToken: Type.String({ description: "Asks for the next page; empty on the last one." }),
    stale: Type.Boolean({ description: "The node has lost touch with Redis: this is what it knew before." }),
    revision: Type.String({ description: "Where a watch goes on from this list." }),
    quarantined: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }), {
      description: "Toolsets whose record cannot be read.",
    }),
  },
  { $id: "ToolsetPage" },
);

const JSON_SCHEMA = Type.Union([Type.Object({}, { additionalProperties: true }), Type.Boolean()], {
  description: "A JSON Schema, as it was registered.",
});

export const TOOL = Type.Object(
  {
    name: Type.String(),
    title: Type.String(),
    description: Type.String(),
    tags: Type.Array(Type.String()),
    payloadSchema: JSON_SCHEMA,
    resultSchema: Type.Optional(JSON_SCHEMA),
    delivery: Type.String({ description: "`once` or `idempotent`; others may be added." }),
    timeoutMs: Type.Integer({ description: "How long a call of it may take at most; 0 where the tool does not say." }),
    annotations: Type.Object(
      {
        readOnlyHint: Type.Optional(Type.Boolean()),
        destructiveHint: Type.Optional(Type.Boolean()),
        idempotentHint: Type.Optional(Type.Boolean()),
        openWorldHint: Type.Optional(Type.Boolean()),
      },
      { description: "What the provider says of it, as far as it does. Nothing is decided by it." },
    ),
    meta: Type.Optional(Type.Unknown({ description: "More that the provider says of it, as it came." })),
  },
  { $id: "Tool" },
);

export const TOOLSET = Type.Object(
  {
    name: Type.String(),
    title: Type.String(),
    description: Type.String(),
    version: Type.String(),
    tags: Type.Array(Type.String()),
    tools: Type.Array(TOOL),
    digest: Type.String(),
    epoch: Type.Integer(),
    epochs: Type.Array(EPOCH),
    stale: Type.Boolean(),
  },
  { $id: "Toolset" },
);

export const SEARCH_PAGE = Type.Object(
  {
    hits: Type.Array(
      Type.Object({
        toolset: Type.String(),
        tool: Type.String(),
        score: Type.Number(),
        title: Type.String(),
        description: Type.String(),
        healthy: Type.Boolean(),
      }),
    ),
    nextPageToken: Type.String(),
    stale: Type.Boolean(),
  },
  { $id: "SearchPage" },
);

/** A toolset in a list. */
export function summaryOf(summary: ToolsetSummary): object {
  const { name = "", title = "", description = "", version = "", tags = [], toolCount = 0, epochs = [] } = summary;
  return { name, title, description, version, tags, toolCount, epochs: epochs.map(epochOf) };
}

function epochOf({ epoch = 0, digest = "", version = "", state, registeredAtMs = 0, health }: Epoch): object {
  return {
    epoch: Number(epoch),
    digest,
    version,
    state: wordOf("EPOCH_STATE_", state),
    registeredAtMs: Number(registeredAtMs),
    healthy: health?.healthy ?? false,
    lastPongMs: Number(health?.lastPongMs ?? 0),
    room: health?.room ?? 0,
  };
}

/** A toolset with its contract, by the name that it was asked for. */
export function toolsetOf(name: string, answer: GetToolsetResponse): object {
  const { contract, digest = "", epoch = 0, epochs = [], stale = false } = answer;
  return {
    name,
    title: contract?.title ?? "",
    description: contract?.description ?? "",
    version: contract?.version ?? "",
    tags: contract?.tags ?? [],
    tools: (contract?.tools ?? []).map(toolOf),
    digest,
    epoch: Number(epoch),
    epochs: epochs.map(epochOf),
    stale,
  };
}

export function toolOf(tool: Tool): object {
  const { name = "", title = "", description = "", tags = [], annotations, timeoutMs = 0 } = tool;
  const resultSchema = rawOf(tool.resultSchemaJson);
  const meta = rawOf(tool.metaJson);
  const { readOnlyHint, destructiveHint, idempotentHint, openWorldHint } = annotations ?? {};
  return {
    name,
    title,
    description,
    tags,
    payloadSchema: rawOf(tool.payloadSchemaJson) ?? {},
    ...(resultSchema === undefined ? {} : { resultSchema }),
    delivery: wordOf("DELIVERY_MODE_", tool.delivery),
    timeoutMs,
    annotations: {
      ...(readOnlyHint === undefined ? {} : { readOnlyHint }),
      ...(destructiveHint === undefined ? {} : { destructiveHint }),
      ...(idempotentHint === undefined ? {} : { idempotentHint }),
      ...(openWorldHint === undefined ? {} : { openWorldHint }),
    },
    ...(meta === undefined ? {} : { meta }),
  };
}

/** One change of the catalogue, as an event of a watch. */
export function changeOf({ kind, toolset = "", epoch = 0, atMs = 0, summary }: Change): object {
  return {
    kind: wordOf("CHANGE_KIND_", kind),
    toolset,
    epoch: Number(epoch),
    atMs: Number(atMs),
    ...(summary === undefined || summary === null ? {} : { summary: summaryOf(summary) }),
  };
}
