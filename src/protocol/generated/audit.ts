import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AuditClient as _toolgate_v1_AuditClient, AuditDefinition as _toolgate_v1_AuditDefinition } from './toolgate/v1/Audit.js';
import type { AuditFault as _toolgate_v1_AuditFault, AuditFault__Output as _toolgate_v1_AuditFault__Output } from './toolgate/v1/AuditFault.js';
import type { AuditFilter as _toolgate_v1_AuditFilter, AuditFilter__Output as _toolgate_v1_AuditFilter__Output } from './toolgate/v1/AuditFilter.js';
import type { AuditRecord as _toolgate_v1_AuditRecord, AuditRecord__Output as _toolgate_v1_AuditRecord__Output } from './toolgate/v1/AuditRecord.js';
import type { CallError as _toolgate_v1_CallError, CallError__Output as _toolgate_v1_CallError__Output } from './toolgate/v1/CallError.js';
import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from './toolgate/v1/CallHandle.js';
import type { CallMeta as _toolgate_v1_CallMeta, CallMeta__Output as _toolgate_v1_CallMeta__Output } from './toolgate/v1/CallMeta.js';
import type { CallSpec as _toolgate_v1_CallSpec, CallSpec__Output as _toolgate_v1_CallSpec__Output } from './toolgate/v1/CallSpec.js';
import type { CallSummary as _toolgate_v1_CallSummary, CallSummary__Output as _toolgate_v1_CallSummary__Output } from './toolgate/v1/CallSummary.js';
import type { CallToolRequest as _toolgate_v1_CallToolRequest, CallToolRequest__Output as _toolgate_v1_CallToolRequest__Output } from './toolgate/v1/CallToolRequest.js';
import type { CallToolResponse as _toolgate_v1_CallToolResponse, CallToolResponse__Output as _toolgate_v1_CallToolResponse__Output } from './toolgate/v1/CallToolResponse.js';
import type { CancelCallRequest as _toolgate_v1_CancelCallRequest, CancelCallRequest__Output as _toolgate_v1_CancelCallRequest__Output } from './toolgate/v1/CancelCallRequest.js';
import type { CancelCallResponse as _toolgate_v1_CancelCallResponse, CancelCallResponse__Output as _toolgate_v1_CancelCallResponse__Output } from './toolgate/v1/CancelCallResponse.js';
import type { ErrorMetadata as _toolgate_v1_ErrorMetadata, ErrorMetadata__Output as _toolgate_v1_ErrorMetadata__Output } from './toolgate/v1/ErrorMetadata.js';
import type { FieldViolation as _toolgate_v1_FieldViolation, FieldViolation__Output as _toolgate_v1_FieldViolation__Output } from './toolgate/v1/FieldViolation.js';
import type { FollowCallRequest as _toolgate_v1_FollowCallRequest, FollowCallRequest__Output as _toolgate_v1_FollowCallRequest__Output } from './toolgate/v1/FollowCallRequest.js';
import type { FollowCallResponse as _toolgate_v1_FollowCallResponse, FollowCallResponse__Output as _toolgate_v1_FollowCallResponse__Output } from './toolgate/v1/FollowCallResponse.js';
import type { GatewayClient as _toolgate_v1_GatewayClient, GatewayDefinition as _toolgate_v1_GatewayDefinition } from './toolgate/v1/Gateway.js';
import type { GetCallRequest as _toolgate_v1_GetCallRequest, GetCallRequest__Output as _toolgate_v1_GetCallRequest__Output } from './toolgate/v1/GetCallRequest.js';
import type { GetCallResponse as _toolgate_v1_GetCallResponse, GetCallResponse__Output as _toolgate_v1_GetCallResponse__Output } from './toolgate/v1/GetCallResponse.js';
import type { InvokeRequest as _toolgate_v1_InvokeRequest, InvokeRequest__Output as _toolgate_v1_InvokeRequest__Output } from './toolgate/v1/InvokeRequest.js';
import type { InvokeResponse as _toolgate_v1_InvokeResponse, InvokeResponse__Output as _toolgate_v1_InvokeResponse__Output } from './toolgate/v1/InvokeResponse.js';
import type { ListCallsRequest as _toolgate_v1_ListCallsRequest, ListCallsRequest__Output as _toolgate_v1_ListCallsRequest__Output } from './toolgate/v1/ListCallsRequest.js';
import type { ListCallsResponse as _toolgate_v1_ListCallsResponse, ListCallsResponse__Output as _toolgate_v1_ListCallsResponse__Output } from './toolgate/v1/ListCallsResponse.js';
import type { OutputDelta as _toolgate_v1_OutputDelta, OutputDelta__Output as _toolgate_v1_OutputDelta__Output } from './toolgate/v1/OutputDelta.js';
import type { QueryAuditRequest as _toolgate_v1_QueryAuditRequest, QueryAuditRequest__Output as _toolgate_v1_QueryAuditRequest__Output } from './toolgate/v1/QueryAuditRequest.js';
import type { QueryAuditResponse as _toolgate_v1_QueryAuditResponse, QueryAuditResponse__Output as _toolgate_v1_QueryAuditResponse__Output } from './toolgate/v1/QueryAuditResponse.js';
import type { SessionAccepted as _toolgate_v1_SessionAccepted, SessionAccepted__Output as _toolgate_v1_SessionAccepted__Output } from './toolgate/v1/SessionAccepted.js';
import type { SessionCall as _toolgate_v1_SessionCall, SessionCall__Output as _toolgate_v1_SessionCall__Output } from './toolgate/v1/SessionCall.js';
import type { SessionCancel as _toolgate_v1_SessionCancel, SessionCancel__Output as _toolgate_v1_SessionCancel__Output } from './toolgate/v1/SessionCancel.js';
import type { SessionDelta as _toolgate_v1_SessionDelta, SessionDelta__Output as _toolgate_v1_SessionDelta__Output } from './toolgate/v1/SessionDelta.js';
import type { SessionRequest as _toolgate_v1_SessionRequest, SessionRequest__Output as _toolgate_v1_SessionRequest__Output } from './toolgate/v1/SessionRequest.js';
import type { SessionResponse as _toolgate_v1_SessionResponse, SessionResponse__Output as _toolgate_v1_SessionResponse__Output } from './toolgate/v1/SessionResponse.js';
import type { SessionTerminal as _toolgate_v1_SessionTerminal, SessionTerminal__Output as _toolgate_v1_SessionTerminal__Output } from './toolgate/v1/SessionTerminal.js';
import type { TailAuditRequest as _toolgate_v1_TailAuditRequest, TailAuditRequest__Output as _toolgate_v1_TailAuditRequest__Output } from './toolgate/v1/TailAuditRequest.js';
import type { TailAuditResponse as _toolgate_v1_TailAuditResponse, TailAuditResponse__Output as _toolgate_v1_TailAuditResponse__Output } from './toolgate/v1/TailAuditResponse.js';
import type { Terminal as _toolgate_v1_Terminal, Terminal__Output as _toolgate_v1_Terminal__Output } from './toolgate/v1/Terminal.js';
import type { VerifyAuditRequest as _toolgate_v1_VerifyAuditRequest, VerifyAuditRequest__Output as _toolgate_v1_VerifyAuditRequest__Output } from './toolgate/v1/VerifyAuditRequest.js';
import type { VerifyAuditResponse as _toolgate_v1_VerifyAuditResponse, VerifyAuditResponse__Output as _toolgate_v1_VerifyAuditResponse__Output } from './toolgate/v1/VerifyAuditResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  toolgate: {
    v1: {
      Audit: SubtypeConstructor<typeof grpc.Client, _toolgate_v1_AuditClient> & { service: _toolgate_v1_AuditDefinition }
      AuditFault: MessageTypeDefinition<_toolgate_v1_AuditFault, _toolgate_v1_AuditFault__Output>
      AuditFilter: MessageTypeDefinition<_toolgate_v1_AuditFilter, _toolgate_v1_AuditFilter__Output>
      AuditRecord: MessageTypeDefinition<_toolgate_v1_AuditRecord, _toolgate_v1_AuditRecord__Output>
      CallError: MessageTypeDefinition<_toolgate_v1_CallError, _toolgate_v1_CallError__Output>
      CallHandle: MessageTypeDefinition<_toolgate_v1_CallHandle, _toolgate_v1_CallHandle__Output>
      CallMeta: MessageTypeDefinition<_toolgate_v1_CallMeta, _toolgate_v1_CallMeta__Output>
      CallSpec: MessageTypeDefinition<_toolgate_v1_CallSpec, _toolgate_v1_CallSpec__Output>
      CallState: EnumTypeDefinition
      CallSummary: MessageTypeDefinition<_toolgate_v1_CallSummary, _toolgate_v1_CallSummary__Output>
      CallToolRequest: MessageTypeDefinition<_toolgate_v1_CallToolRequest, _toolgate_v1_CallToolRequest__Output>
      CallToolResponse: MessageTypeDefinition<_toolgate_v1_CallToolResponse, _toolgate_v1_CallToolResponse__Output>
      CancelCallRequest: MessageTypeDefinition<_toolgate_v1_CancelCallRequest, _toolgate_v1_CancelCallRequest__Output>
      CancelCallResponse: MessageTypeDefinition<_toolgate_v1_CancelCallResponse, _toolgate_v1_CancelCallResponse__Output>
      ErrorMetadata: MessageTypeDefinition<_toolgate_v1_ErrorMetadata, _toolgate_v1_ErrorMetadata__Output>
      ErrorOrigin: EnumTypeDefinition
      Executed: EnumTypeDefinition
      FieldViolation: MessageTypeDefinition<_toolgate_v1_FieldViolation, _toolgate_v1_FieldViolation__Output>
      FollowCallRequest: MessageTypeDefinition<_toolgate_v1_FollowCallRequest, _toolgate_v1_FollowCallRequest__Output>
      FollowCallResponse: MessageTypeDefinition<_toolgate_v1_FollowCallResponse, _toolgate_v1_FollowCallResponse__Output>
      Gateway: SubtypeConstructor<typeof grpc.Client, _toolgate_v1_GatewayClient> & { service: _toolgate_v1_GatewayDefinition }
      GetCallRequest: MessageTypeDefinition<_toolgate_v1_GetCallRequest, _toolgate_v1_GetCallRequest__Output>
      GetCallResponse: MessageTypeDefinition<_toolgate_v1_GetCallResponse, _toolgate_v1_GetCallResponse__Output>
      InvokeRequest: MessageTypeDefinition<_toolgate_v1_InvokeRequest, _toolgate_v1_InvokeRequest__Output>
      InvokeResponse: MessageTypeDefinition<_toolgate_v1_InvokeResponse, _toolgate_v1_InvokeResponse__Output>
      ListCallsRequest: MessageTypeDefinition<_toolgate_v1_ListCallsRequest, _toolgate_v1_ListCallsRequest__Output>
      ListCallsResponse: MessageTypeDefinition<_toolgate_v1_ListCallsResponse, _toolgate_v1_ListCallsResponse__Output>
      OnDisconnect: EnumTypeDefinition
      OutputDelta: MessageTypeDefinition<_toolgate_v1_OutputDelta, _toolgate_v1_OutputDelta__Output>
      QueryAuditRequest: MessageTypeDefinition<_toolgate_v1_QueryAuditRequest, _toolgate_v1_QueryAuditRequest__Output>
      QueryAuditResponse: MessageTypeDefinition<_toolgate_v1_QueryAuditResponse, _toolgate_v1_QueryAuditResponse__Output>
      SessionAccepted: MessageTypeDefinition<_toolgate_v1_SessionAccepted, _toolgate_v1_SessionAccepted__Output>
      SessionCall: MessageTypeDefinition<_toolgate_v1_SessionCall, _toolgate_v1_SessionCall__Output>
      SessionCancel: MessageTypeDefinition<_toolgate_v1_SessionCancel, _toolgate_v1_SessionCancel__Output>
      SessionDelta: MessageTypeDefinition<_toolgate_v1_SessionDelta, _toolgate_v1_SessionDelta__Output>
      SessionRequest: MessageTypeDefinition<_toolgate_v1_SessionRequest, _toolgate_v1_SessionRequest__Output>
      SessionResponse: MessageTypeDefinition<_toolgate_v1_SessionResponse, _toolgate_v1_SessionResponse__Output>
      SessionTerminal: MessageTypeDefinition<_toolgate_v1_SessionTerminal, _toolgate_v1_SessionTerminal__Output>
      TailAuditRequest: MessageTypeDefinition<_toolgate_v1_TailAuditRequest, _toolgate_v1_TailAuditRequest__Output>
      TailAuditResponse: MessageTypeDefinition<_toolgate_v1_TailAuditResponse, _toolgate_v1_TailAuditResponse__Output>
      Terminal: MessageTypeDefinition<_toolgate_v1_Terminal, _toolgate_v1_Terminal__Output>
      TerminalKind: EnumTypeDefinition
      VerifyAuditRequest: MessageTypeDefinition<_toolgate_v1_VerifyAuditRequest, _toolgate_v1_VerifyAuditRequest__Output>
      VerifyAuditResponse: MessageTypeDefinition<_toolgate_v1_VerifyAuditResponse, _toolgate_v1_VerifyAuditResponse__Output>
      WaitPolicy: EnumTypeDefinition
    }
  }
}

