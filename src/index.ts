export { Type } from "typebox";
export type { Delivery, JsonSchema, ToolAnnotations, ToolMeta } from "./contract/contract.js";
export { ERROR_CODES, type ErrorReason, type Executed, isErrorReason } from "./errors/codes.js";
export { ToolgateError, type ToolgateErrorOptions, type Violation } from "./errors/toolgate-error.js";
export type { Json } from "./json/json.js";
export type { Integers } from "./json/parse-json.js";
export { type RawJson, rawJson } from "./json/raw-json.js";
export type {
  Access,
  Caller,
  CallerKind,
  CreatedKey,
  CreateKeyOptions,
  ExplainedGate,
  ExplainOptions,
  Explanation,
  HeldKey,
  KeyHolder,
  KeyOwner,
  ListKeysOptions,
  LoginOptions,
  LoginSession,
  RevokeKeyOptions,
  RotatedKey,
  RotateKeyOptions,
  SetPasswordOptions,
} from "./sdk/access.js";
export type {
  Audit,
  AuditFilter,
  AuditQuery,
  AuditRecord,
  AuditVerdict,
  TailOptions,
  VerifyOptions,
} from "./sdk/audit.js";
export { type BundleOptions, bundleSchema } from "./sdk/bundle-schema.js";
export type {
  AdmittedCall,
  CallEvent,
  CallHandle,
  CallState,
  CallStatus,
  CallSummary,
  Cancellation,
  EndedCallSummary,
} from "./sdk/call.js";
export type { CallDelta, CallOptions, InvokeOptions } from "./sdk/call-options.js";
export type { CallWarning, OnCallWarning } from "./sdk/call-warnings.js";
export { type ConnectOptions, connect } from "./sdk/connect.js";
export type { ConnectionOptions, JsonOptions, TlsOptions } from "./sdk/connection-options.js";
export * as content from "./sdk/content.js";
export type { DeadCall } from "./sdk/dead-call.js";
export type {
  Applied,
  ApplyOptions,
  ConfiguredDocument,
  DocumentChange,
  DocumentFinding,
  DocumentOutcome,
  DocumentRef,
  Documents,
  GetDocumentOptions,
  ListDocumentsOptions,
  UnjudgedConditions,
} from "./sdk/documents.js";
export type {
  GoAwayReason,
  Provider,
  ProviderClosed,
  ProviderEvent,
  ProviderLogger,
  ProviderStateKind,
  SchemaWarning,
  ServeOptions,
  SkippedPart,
  StopOptions,
} from "./sdk/provider.js";
export type { RegistryInfo, RegistryLimits } from "./sdk/registry-info.js";
export type { RequestOptions } from "./sdk/request-options.js";
export type { SchemaDocuments } from "./sdk/schema-bundle.js";
export { serveToolset } from "./sdk/serve-toolset.js";
export type { StandardJsonSchema } from "./sdk/standard-schema.js";
export type { CallTerminal, ErrorOrigin, FailedTerminal, RejectedTerminal, ResultTerminal } from "./sdk/terminal.js";
export { ToolCallError } from "./sdk/tool-call-error.js";
export { CallAborted, type CallAbortReason, type CallMeta, type ToolContext } from "./sdk/tool-context.js";
export {
  type DynamicTool,
  type DynamicToolset,
  defineTool,
  defineToolset,
  type InputOf,
  type Schema,
  type ToolDefinition,
  type ToolDefinitions,
  type ToolsetDefinition,
  type ValueOf,
} from "./sdk/tool-definition.js";
export { ToolFailure } from "./sdk/tool-failure.js";
export { isLogDelta, type LogDelta, type LogLevel, type ToolLog } from "./sdk/tool-log.js";
export type {
  AgentSession,
  AsRaw,
  FollowOptions,
  GetOptions,
  Invoker,
  ListCallsOptions,
  ListEndedCallsOptions,
  ListOptions,
  SearchOptions,
  Toolgate,
  ToolsetFilter,
  WatchOptions,
} from "./sdk/toolgate.js";
export type {
  DamagedToolset,
  EpochState,
  Health,
  SearchHit,
  Tool,
  Toolset,
  ToolsetChange,
  ToolsetEpoch,
  ToolsetSummary,
  WatchEvent,
} from "./sdk/toolset.js";
export {
  type ToolCaller,
  type ToolEvent,
  type ToolFunction,
  type ToolsetClient,
  type TypedToolset,
  toolsetClient,
} from "./sdk/toolset-client.js";
