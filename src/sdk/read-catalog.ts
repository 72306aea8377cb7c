import type { JsonSchema, ToolAnnotations, ToolMeta } from "../contract/contract.js";
import type { Change__Output } from "../protocol/generated/toolgate/v1/Change.js";
import type { ChangeKind__Output } from "../protocol/generated/toolgate/v1/ChangeKind.js";
import type { Epoch__Output } from "../protocol/generated/toolgate/v1/Epoch.js";
import type { EpochState__Output } from "../protocol/generated/toolgate/v1/EpochState.js";
import type { GetToolsetResponse__Output } from "../protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { SearchHit__Output } from "../protocol/generated/toolgate/v1/SearchHit.js";
import type { Tool__Output } from "../protocol/generated/toolgate/v1/Tool.js";
import type { ToolsetSummary__Output } from "../protocol/generated/toolgate/v1/ToolsetSummary.js";
import { ifDefined } from "./if-defined.js";
import { decodeJson } from "./json-bytes.js";
import type {
  EpochState,
  SearchHit,
  Tool,
  Toolset,
  ToolsetChange,
  ToolsetEpoch,
  ToolsetSummary,
  WatchEvent,
} from "./toolset.js";

/** What the wire says of toolsets, as the client's types. */

const EPOCH_STATES = {
  EPOCH_STATE_UNSPECIFIED: "candidate",
  EPOCH_STATE_CANDIDATE: "candidate",
  EPOCH_STATE_ACTIVE: "active",
  EPOCH_STATE_RETIRING: "retiring",
} as const satisfies Record<EpochState__Output, EpochState>;

const CHANGES = {
  CHANGE_KIND_UNSPECIFIED: undefined,
  CHANGE_KIND_REGISTERED: "registered",
  CHANGE_KIND_ACTIVATED: "activated",
  CHANGE_KIND_RETIRED: "retired",
  CHANGE_KIND_HEALTHY: "healthy",
  CHANGE_KIND_UNHEALTHY: "unhealthy",
  CHANGE_KIND_UNREGISTERED: "unregistered",
} as const satisfies Record<ChangeKind__Output, ToolsetChange["kind"] | undefined>;

export function readEpochState(wire: EpochState__Output): EpochState {
  return EPOCH_STATES[wire] ?? "candidate"; // one that only later nodes know: it is not called
}

export function readSummary(wire: ToolsetSummary__Output, stale: boolean): ToolsetSummary {
  const { name, title, description, version, tags, toolCount } = wire;
  const epochs = wire.epochs.map(readEpoch);
  return { name, title, description, version, tags, toolCount, epochs, healthy: isHealthy(epochs), stale };
}

/** Undefined when the answer has no contract, which no node sends. */
export function readToolset(wire: GetToolsetResponse__Output): Toolset | undefined {
  const { contract, epoch, digest, stale } = wire;
  if (contract === null) return undefined;
  const { name, title, description, version, tags, assertFormats } = contract;
  const epochs = wire.epochs.map(readEpoch);
  const facts = { name, title, description, version, tags, epochs, healthy: isHealthy(epochs), stale };
  return { ...facts, epoch, digest, assertFormats, tools: contract.tools.map(readTool) };
}

export function readHit(wire: SearchHit__Output, stale: boolean): SearchHit {
  const { toolset, tool, score, title, description, healthy } = wire;
  return { toolset, ...(tool === "" ? {} : { tool }), score, title, description, healthy, stale };
}

/** The steps of a watch that one message holds. */
export function readWatchEvents(wire: {
  readonly revision: string;
  readonly snapshot: { readonly toolsets: readonly ToolsetSummary__Output[] } | null;
  readonly changes: readonly Change__Output[];
}): readonly WatchEvent[] {
  const { revision, snapshot } = wire;
  const events: WatchEvent[] = [];
  if (snapshot !== null) {
    const toolsets = snapshot.toolsets.map((summary) => readSummary(summary, false));
    events.push({ kind: "snapshot", toolsets, revision });
  }
  const changes = wire.changes.flatMap(readChange);
  if (changes.length > 0) events.push({ kind: "changes", changes, revision });
  return events;
}

/** Nothing for a kind that is not known. */
function readChange(wire: Change__Output): ToolsetChange[] {
  const kind = CHANGES[wire.kind];
  if (kind === undefined) return [];
  const summary = wire.summary === null ? {} : { summary: readSummary(wire.summary, false) };
  return [{ kind, toolset: wire.toolset, epoch: wire.epoch, at: new Date(wire.atMs), ...summary }];
}

function readEpoch(wire: Epoch__Output): ToolsetEpoch {
  const { epoch, digest, version, health } = wire;
  const lastPongMs = health?.lastPongMs ?? 0;
  const liveUntilMs = health?.liveUntilMs ?? 0;
  return {
    epoch,
    digest,
    version,
    state: readEpochState(wire.state),
    registeredAt: new Date(wire.registeredAtMs),
    health: {
      healthy: health?.healthy ?? false,
      room: health?.room ?? 0,
      ...(lastPongMs === 0 ? {} : { lastPong: new Date(lastPongMs) }),
      ...(liveUntilMs === 0 ? {} : { liveUntil: new Date(liveUntilMs) }),
    },
  };
}

function isHealthy(epochs: readonly ToolsetEpoch[]): boolean {
  return epochs.some(({ state, health }) => state === "active" && health.healthy);
}

function readTool(wire: Tool__Output): Tool {
  const { name, title, description, tags } = wire;
  return {
    name,
    title,
    description,
    tags,
    payload: readSchema(wire.payloadSchemaJson) ?? true,
    ...ifDefined("result", readSchema(wire.resultSchemaJson)),
    annotations: readAnnotations(wire),
    delivery: wire.delivery === "DELIVERY_MODE_IDEMPOTENT" ? "idempotent" : "once",
    ...ifDefined("timeoutMs", wire.timeoutMs === 0 ? undefined : wire.timeoutMs),
    ...ifDefined("meta", decodeJson(wire.metaJson) as ToolMeta | undefined), // the registry took it as an object
  };
}

function readSchema(bytes: Buffer): JsonSchema | undefined {
  return decodeJson(bytes) as JsonSchema | undefined; // the registry took it as a schema
}

function readAnnotations({ annotations }: Tool__Output): ToolAnnotations {
  return {
    ...ifDefined("readOnlyHint", annotations?.readOnlyHint),
    ...ifDefined("destructiveHint", annotations?.destructiveHint),
    ...ifDefined("idempotentHint", annotations?.idempotentHint),
    ...ifDefined("openWorldHint", annotations?.openWorldHint),
  };
}
