import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AttachRequest as _toolgate_v1_AttachRequest, AttachRequest__Output as _toolgate_v1_AttachRequest__Output } from './toolgate/v1/AttachRequest.js';
import type { AttachResponse as _toolgate_v1_AttachResponse, AttachResponse__Output as _toolgate_v1_AttachResponse__Output } from './toolgate/v1/AttachResponse.js';
import type { CallError as _toolgate_v1_CallError, CallError__Output as _toolgate_v1_CallError__Output } from './toolgate/v1/CallError.js';
import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from './toolgate/v1/CallHandle.js';
import type { CallInHand as _toolgate_v1_CallInHand, CallInHand__Output as _toolgate_v1_CallInHand__Output } from './toolgate/v1/CallInHand.js';
import type { CallMeta as _toolgate_v1_CallMeta, CallMeta__Output as _toolgate_v1_CallMeta__Output } from './toolgate/v1/CallMeta.js';
import type { CallSpec as _toolgate_v1_CallSpec, CallSpec__Output as _toolgate_v1_CallSpec__Output } from './toolgate/v1/CallSpec.js';
import type { CallSummary as _toolgate_v1_CallSummary, CallSummary__Output as _toolgate_v1_CallSummary__Output } from './toolgate/v1/CallSummary.js';
import type { CallToolRequest as _toolgate_v1_CallToolRequest, CallToolRequest__Output as _toolgate_v1_CallToolRequest__Output } from './toolgate/v1/CallToolRequest.js';
import type { CallToolResponse as _toolgate_v1_CallToolResponse, CallToolResponse__Output as _toolgate_v1_CallToolResponse__Output } from './toolgate/v1/CallToolResponse.js';
import type { CancelCallRequest as _toolgate_v1_CancelCallRequest, CancelCallRequest__Output as _toolgate_v1_CancelCallRequest__Output } from './toolgate/v1/CancelCallRequest.js';
import type { CancelCallResponse as _toolgate_v1_CancelCallResponse, CancelCallResponse__Output as _toolgate_v1_CancelCallResponse__Output } from './toolgate/v1/CancelCallResponse.js';
import type { CancelNotice as _toolgate_v1_CancelNotice, CancelNotice__Output as _toolgate_v1_CancelNotice__Output } from './toolgate/v1/CancelNotice.js';
import type { Contract as _toolgate_v1_Contract, Contract__Output as _toolgate_v1_Contract__Output } from './toolgate/v1/Contract.js';
import type { DrainNotice as _toolgate_v1_DrainNotice, DrainNotice__Output as _toolgate_v1_DrainNotice__Output } from './toolgate/v1/DrainNotice.js';
import type { DrainRequest as _toolgate_v1_DrainRequest, DrainRequest__Output as _toolgate_v1_DrainRequest__Output } from './toolgate/v1/DrainRequest.js';
import type { DrainResponse as _toolgate_v1_DrainResponse, DrainResponse__Output as _toolgate_v1_DrainResponse__Output } from './toolgate/v1/DrainResponse.js';
import type { Epoch as _toolgate_v1_Epoch, Epoch__Output as _toolgate_v1_Epoch__Output } from './toolgate/v1/Epoch.js';
import type { ErrorMetadata as _toolgate_v1_ErrorMetadata, ErrorMetadata__Output as _toolgate_v1_ErrorMetadata__Output } from './toolgate/v1/ErrorMetadata.js';
import type { FieldViolation as _toolgate_v1_FieldViolation, FieldViolation__Output as _toolgate_v1_FieldViolation__Output } from './toolgate/v1/FieldViolation.js';
import type { FlowControl as _toolgate_v1_FlowControl, FlowControl__Output as _toolgate_v1_FlowControl__Output } from './toolgate/v1/FlowControl.js';
import type { FollowCallRequest as _toolgate_v1_FollowCallRequest, FollowCallRequest__Output as _toolgate_v1_FollowCallRequest__Output } from './toolgate/v1/FollowCallRequest.js';
import type { FollowCallResponse as _toolgate_v1_FollowCallResponse, FollowCallResponse__Output as _toolgate_v1_FollowCallResponse__Output } from './toolgate/v1/FollowCallResponse.js';
import type { GatewayClient as _toolgate_v1_GatewayClient, GatewayDefinition as _toolgate_v1_GatewayDefinition } from './toolgate/v1/Gateway.js';
import type { GetCallRequest as _toolgate_v1_GetCallRequest, GetCallRequest__Output as _toolgate_v1_GetCallRequest__Output } from './toolgate/v1/GetCallRequest.js';
import type { GetCallResponse as _toolgate_v1_GetCallResponse, GetCallResponse__Output as _toolgate_v1_GetCallResponse__Output } from './toolgate/v1/GetCallResponse.js';
import type { GoAway as _toolgate_v1_GoAway, GoAway__Output as _toolgate_v1_GoAway__Output } from './toolgate/v1/GoAway.js';
import type { Health as _toolgate_v1_Health, Health__Output as _toolgate_v1_Health__Output } from './toolgate/v1/Health.js';
import type { Heartbeat as _toolgate_v1_Heartbeat, Heartbeat__Output as _toolgate_v1_Heartbeat__Output } from './toolgate/v1/Heartbeat.js';
import type { Hello as _toolgate_v1_Hello, Hello__Output as _toolgate_v1_Hello__Output } from './toolgate/v1/Hello.js';
import type { InvokeRequest as _toolgate_v1_InvokeRequest, InvokeRequest__Output as _toolgate_v1_InvokeRequest__Output } from './toolgate/v1/InvokeRequest.js';
import type { InvokeResponse as _toolgate_v1_InvokeResponse, InvokeResponse__Output as _toolgate_v1_InvokeResponse__Output } from './toolgate/v1/InvokeResponse.js';
import type { LeaseRef as _toolgate_v1_LeaseRef, LeaseRef__Output as _toolgate_v1_LeaseRef__Output } from './toolgate/v1/LeaseRef.js';
import type { Limits as _toolgate_v1_Limits, Limits__Output as _toolgate_v1_Limits__Output } from './toolgate/v1/Limits.js';
import type { ListCallsRequest as _toolgate_v1_ListCallsRequest, ListCallsRequest__Output as _toolgate_v1_ListCallsRequest__Output } from './toolgate/v1/ListCallsRequest.js';
import type { ListCallsResponse as _toolgate_v1_ListCallsResponse, ListCallsResponse__Output as _toolgate_v1_ListCallsResponse__Output } from './toolgate/v1/ListCallsResponse.js';
import type { OutputDelta as _toolgate_v1_OutputDelta, OutputDelta__Output as _toolgate_v1_OutputDelta__Output } from './toolgate/v1/OutputDelta.js';
import type { Ping as _toolgate_v1_Ping, Ping__Output as _toolgate_v1_Ping__Output } from './toolgate/v1/Ping.js';
import type { PongRequest as _toolgate_v1_PongRequest, PongRequest__Output as _toolgate_v1_PongRequest__Output } from './toolgate/v1/PongRequest.js';
import type { PongResponse as _toolgate_v1_PongResponse, PongResponse__Output as _toolgate_v1_PongResponse__Output } from './toolgate/v1/PongResponse.js';
import type { PromoteRequest as _toolgate_v1_PromoteRequest, PromoteRequest__Output as _toolgate_v1_PromoteRequest__Output } from './toolgate/v1/PromoteRequest.js';
import type { PromoteResponse as _toolgate_v1_PromoteResponse, PromoteResponse__Output as _toolgate_v1_PromoteResponse__Output } from './toolgate/v1/PromoteResponse.js';
import type { ProviderCall as _toolgate_v1_ProviderCall, ProviderCall__Output as _toolgate_v1_ProviderCall__Output } from './toolgate/v1/ProviderCall.js';
import type { ProviderDelta as _toolgate_v1_ProviderDelta, ProviderDelta__Output as _toolgate_v1_ProviderDelta__Output } from './toolgate/v1/ProviderDelta.js';
import type { ProviderPong as _toolgate_v1_ProviderPong, ProviderPong__Output as _toolgate_v1_ProviderPong__Output } from './toolgate/v1/ProviderPong.js';
import type { ProviderResult as _toolgate_v1_ProviderResult, ProviderResult__Output as _toolgate_v1_ProviderResult__Output } from './toolgate/v1/ProviderResult.js';
import type { Ready as _toolgate_v1_Ready, Ready__Output as _toolgate_v1_Ready__Output } from './toolgate/v1/Ready.js';
import type { RegisterOptions as _toolgate_v1_RegisterOptions, RegisterOptions__Output as _toolgate_v1_RegisterOptions__Output } from './toolgate/v1/RegisterOptions.js';
import type { RegisterRequest as _toolgate_v1_RegisterRequest, RegisterRequest__Output as _toolgate_v1_RegisterRequest__Output } from './toolgate/v1/RegisterRequest.js';
import type { RegisterResponse as _toolgate_v1_RegisterResponse, RegisterResponse__Output as _toolgate_v1_RegisterResponse__Output } from './toolgate/v1/RegisterResponse.js';
import type { RegistryClient as _toolgate_v1_RegistryClient, RegistryDefinition as _toolgate_v1_RegistryDefinition } from './toolgate/v1/Registry.js';
import type { ReleaseRequest as _toolgate_v1_ReleaseRequest, ReleaseRequest__Output as _toolgate_v1_ReleaseRequest__Output } from './toolgate/v1/ReleaseRequest.js';
import type { ReleaseResponse as _toolgate_v1_ReleaseResponse, ReleaseResponse__Output as _toolgate_v1_ReleaseResponse__Output } from './toolgate/v1/ReleaseResponse.js';
import type { RenewRequest as _toolgate_v1_RenewRequest, RenewRequest__Output as _toolgate_v1_RenewRequest__Output } from './toolgate/v1/RenewRequest.js';
import type { RenewResponse as _toolgate_v1_RenewResponse, RenewResponse__Output as _toolgate_v1_RenewResponse__Output } from './toolgate/v1/RenewResponse.js';
import type { SchemaWarning as _toolgate_v1_SchemaWarning, SchemaWarning__Output as _toolgate_v1_SchemaWarning__Output } from './toolgate/v1/SchemaWarning.js';
import type { SessionAccepted as _toolgate_v1_SessionAccepted, SessionAccepted__Output as _toolgate_v1_SessionAccepted__Output } from './toolgate/v1/SessionAccepted.js';
import type { SessionCall as _toolgate_v1_SessionCall, SessionCall__Output as _toolgate_v1_SessionCall__Output } from './toolgate/v1/SessionCall.js';
import type { SessionCancel as _toolgate_v1_SessionCancel, SessionCancel__Output as _toolgate_v1_SessionCancel__Output } from './toolgate/v1/SessionCancel.js';
import type { SessionDelta as _toolgate_v1_SessionDelta, SessionDelta__Output as _toolgate_v1_SessionDelta__Output } from './toolgate/v1/SessionDelta.js';
import type { SessionRequest as _toolgate_v1_SessionRequest, SessionRequest__Output as _toolgate_v1_SessionRequest__Output } from './toolgate/v1/SessionRequest.js';
import type { SessionResponse as _toolgate_v1_SessionResponse, SessionResponse__Output as _toolgate_v1_SessionResponse__Output } from './toolgate/v1/SessionResponse.js';
import type { SessionTerminal as _toolgate_v1_SessionTerminal, SessionTerminal__Output as _toolgate_v1_SessionTerminal__Output } from './toolgate/v1/SessionTerminal.js';
import type { Settled as _toolgate_v1_Settled, Settled__Output as _toolgate_v1_Settled__Output } from './toolgate/v1/Settled.js';
import type { SkippedPart as _toolgate_v1_SkippedPart, SkippedPart__Output as _toolgate_v1_SkippedPart__Output } from './toolgate/v1/SkippedPart.js';
import type { Superseded as _toolgate_v1_Superseded, Superseded__Output as _toolgate_v1_Superseded__Output } from './toolgate/v1/Superseded.js';
import type { Terminal as _toolgate_v1_Terminal, Terminal__Output as _toolgate_v1_Terminal__Output } from './toolgate/v1/Terminal.js';
import type { Tool as _toolgate_v1_Tool, Tool__Output as _toolgate_v1_Tool__Output } from './toolgate/v1/Tool.js';
import type { ToolAnnotations as _toolgate_v1_ToolAnnotations, ToolAnnotations__Output as _toolgate_v1_ToolAnnotations__Output } from './toolgate/v1/ToolAnnotations.js';
import type { ToolCancelled as _toolgate_v1_ToolCancelled, ToolCancelled__Output as _toolgate_v1_ToolCancelled__Output } from './toolgate/v1/ToolCancelled.js';
import type { ToolError as _toolgate_v1_ToolError, ToolError__Output as _toolgate_v1_ToolError__Output } from './toolgate/v1/ToolError.js';
import type { UnregisterRequest as _toolgate_v1_UnregisterRequest, UnregisterRequest__Output as _toolgate_v1_UnregisterRequest__Output } from './toolgate/v1/UnregisterRequest.js';
import type { UnregisterResponse as _toolgate_v1_UnregisterResponse, UnregisterResponse__Output as _toolgate_v1_UnregisterResponse__Output } from './toolgate/v1/UnregisterResponse.js';
import type { Welcome as _toolgate_v1_Welcome, Welcome__Output as _toolgate_v1_Welcome__Output } from './toolgate/v1/Welcome.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  toolgate: {
    v1: {
      AttachRequest: MessageTypeDefinition<_toolgate_v1_AttachRequest, _toolgate_v1_AttachRequest__Output>
      AttachResponse: MessageTypeDefinition<_toolgate_v1_AttachResponse, _toolgate_v1_AttachResponse__Output>
      CallError: MessageTypeDefinition<_toolgate_v1_CallError, _toolgate_v1_CallError__Output>
      CallHandle: MessageTypeDefinition<_toolgate_v1_CallHandle, _toolgate_v1_CallHandle__Output>
      CallInHand: MessageTypeDefinition<_toolgate_v1_CallInHand, _toolgate_v1_CallInHand__Output>
      CallMeta: MessageTypeDefinition<_toolgate_v1_CallMeta, _toolgate_v1_CallMeta__Output>
      CallSpec: MessageTypeDefinition<_toolgate_v1_CallSpec, _toolgate_v1_CallSpec__Output>
      CallState: EnumTypeDefinition
      CallSummary: MessageTypeDefinition<_toolgate_v1_CallSummary, _toolgate_v1_CallSummary__Output>
      CallToolRequest: MessageTypeDefinition<_toolgate_v1_CallToolRequest, _toolgate_v1_CallToolRequest__Output>
      CallToolResponse: MessageTypeDefinition<_toolgate_v1_CallToolResponse, _toolgate_v1_CallToolResponse__Output>
      CancelCallRequest: MessageTypeDefinition<_toolgate_v1_CancelCallRequest, _toolgate_v1_CancelCallRequest__Output>
      CancelCallResponse: MessageTypeDefinition<_toolgate_v1_CancelCallResponse, _toolgate_v1_CancelCallResponse__Output>
      CancelNotice: MessageTypeDefinition<_toolgate_v1_CancelNotice, _toolgate_v1_CancelNotice__Output>
      CancelReason: EnumTypeDefinition
      Contract: MessageTypeDefinition<_toolgate_v1_Contract, _toolgate_v1_Contract__Output>
      DeliveryMode: EnumTypeDefinition
      DrainNotice: MessageTypeDefinition<_toolgate_v1_DrainNotice, _toolgate_v1_DrainNotice__Output>
      DrainRequest: MessageTypeDefinition<_toolgate_v1_DrainRequest, _toolgate_v1_DrainRequest__Output>
      DrainResponse: MessageTypeDefinition<_toolgate_v1_DrainResponse, _toolgate_v1_DrainResponse__Output>
      Epoch: MessageTypeDefinition<_toolgate_v1_Epoch, _toolgate_v1_Epoch__Output>
      EpochState: EnumTypeDefinition
      ErrorMetadata: MessageTypeDefinition<_toolgate_v1_ErrorMetadata, _toolgate_v1_ErrorMetadata__Output>
      ErrorOrigin: EnumTypeDefinition
      Executed: EnumTypeDefinition
      FieldViolation: MessageTypeDefinition<_toolgate_v1_FieldViolation, _toolgate_v1_FieldViolation__Output>
      FlowControl: MessageTypeDefinition<_toolgate_v1_FlowControl, _toolgate_v1_FlowControl__Output>
      FollowCallRequest: MessageTypeDefinition<_toolgate_v1_FollowCallRequest, _toolgate_v1_FollowCallRequest__Output>
      FollowCallResponse: MessageTypeDefinition<_toolgate_v1_FollowCallResponse, _toolgate_v1_FollowCallResponse__Output>
      Gateway: SubtypeConstructor<typeof grpc.Client, _toolgate_v1_GatewayClient> & { service: _toolgate_v1_GatewayDefinition }
      GetCallRequest: MessageTypeDefinition<_toolgate_v1_GetCallRequest, _toolgate_v1_GetCallRequest__Output>
      GetCallResponse: MessageTypeDefinition<_toolgate_v1_GetCallResponse, _toolgate_v1_GetCallResponse__Output>
      GoAway: MessageTypeDefinition<_toolgate_v1_GoAway, _toolgate_v1_GoAway__Output>
      GoAwayReason: EnumTypeDefinition
      Health: MessageTypeDefinition<_toolgate_v1_Health, _toolgate_v1_Health__Output>
      Heartbeat: MessageTypeDefinition<_toolgate_v1_Heartbeat, _toolgate_v1_Heartbeat__Output>
      Hello: MessageTypeDefinition<_toolgate_v1_Hello, _toolgate_v1_Hello__Output>
      InvokeRequest: MessageTypeDefinition<_toolgate_v1_InvokeRequest, _toolgate_v1_InvokeRequest__Output>
      InvokeResponse: MessageTypeDefinition<_toolgate_v1_InvokeResponse, _toolgate_v1_InvokeResponse__Output>
      LeaseRef: MessageTypeDefinition<_toolgate_v1_LeaseRef, _toolgate_v1_LeaseRef__Output>
      Limits: MessageTypeDefinition<_toolgate_v1_Limits, _toolgate_v1_Limits__Output>
      ListCallsRequest: MessageTypeDefinition<_toolgate_v1_ListCallsRequest, _toolgate_v1_ListCallsRequest__Output>
      ListCallsResponse: MessageTypeDefinition<_toolgate_v1_ListCallsResponse, _toolgate_v1_ListCallsResponse__Output>
      OnDisconnect: EnumTypeDefinition
      OutputDelta: MessageTypeDefinition<_toolgate_v1_OutputDelta, _toolgate_v1_OutputDelta__Output>
      Ping: MessageTypeDefinition<_toolgate_v1_Ping, _toolgate_v1_Ping__Output>
      PongRequest: MessageTypeDefinition<_toolgate_v1_PongRequest, _toolgate_v1_PongRequest__Output>
      PongResponse: MessageTypeDefinition<_toolgate_v1_PongResponse, _toolgate_v1_PongResponse__Output>
      PromoteRequest: MessageTypeDefinition<_toolgate_v1_PromoteRequest, _toolgate_v1_PromoteRequest__Output>
      PromoteResponse: MessageTypeDefinition<_toolgate_v1_PromoteResponse, _toolgate_v1_PromoteResponse__Output>
      ProviderCall: MessageTypeDefinition<_toolgate_v1_ProviderCall, _toolgate_v1_ProviderCall__Output>
      ProviderDelta: MessageTypeDefinition<_toolgate_v1_ProviderDelta, _toolgate_v1_ProviderDelta__Output>
      ProviderPong: MessageTypeDefinition<_toolgate_v1_ProviderPong, _toolgate_v1_ProviderPong__Output>
      ProviderResult: MessageTypeDefinition<_toolgate_v1_ProviderResult, _toolgate_v1_ProviderResult__Output>
      Ready: MessageTypeDefinition<_toolgate_v1_Ready, _toolgate_v1_Ready__Output>
      RegisterOptions: MessageTypeDefinition<_toolgate_v1_RegisterOptions, _toolgate_v1_RegisterOptions__Output>
      RegisterRequest: MessageTypeDefinition<_toolgate_v1_RegisterRequest, _toolgate_v1_RegisterRequest__Output>
      RegisterResponse: MessageTypeDefinition<_toolgate_v1_RegisterResponse, _toolgate_v1_RegisterResponse__Output>
      Registry: SubtypeConstructor<typeof grpc.Client, _toolgate_v1_RegistryClient> & { service: _toolgate_v1_RegistryDefinition }
      ReleaseRequest: MessageTypeDefinition<_toolgate_v1_ReleaseRequest, _toolgate_v1_ReleaseRequest__Output>
      ReleaseResponse: MessageTypeDefinition<_toolgate_v1_ReleaseResponse, _toolgate_v1_ReleaseResponse__Output>
      RenewRequest: MessageTypeDefinition<_toolgate_v1_RenewRequest, _toolgate_v1_RenewRequest__Output>
      RenewResponse: MessageTypeDefinition<_toolgate_v1_RenewResponse, _toolgate_v1_RenewResponse__Output>
      SchemaWarning: MessageTypeDefinition<_toolgate_v1_SchemaWarning, _toolgate_v1_SchemaWarning__Output>
      SessionAccepted: MessageTypeDefinition<_toolgate_v1_SessionAccepted, _toolgate_v1_SessionAccepted__Output>
      SessionCall: MessageTypeDefinition<_toolgate_v1_SessionCall, _toolgate_v1_SessionCall__Output>
      SessionCancel: MessageTypeDefinition<_toolgate_v1_SessionCancel, _toolgate_v1_SessionCancel__Output>
      SessionDelta: MessageTypeDefinition<_toolgate_v1_SessionDelta, _toolgate_v1_SessionDelta__Output>
      SessionRequest: MessageTypeDefinition<_toolgate_v1_SessionRequest, _toolgate_v1_SessionRequest__Output>
      SessionResponse: MessageTypeDefinition<_toolgate_v1_SessionResponse, _toolgate_v1_SessionResponse__Output>
      SessionTerminal: MessageTypeDefinition<_toolgate_v1_SessionTerminal, _toolgate_v1_SessionTerminal__Output>
      Settled: MessageTypeDefinition<_toolgate_v1_Settled, _toolgate_v1_Settled__Output>
      SkippedPart: MessageTypeDefinition<_toolgate_v1_SkippedPart, _toolgate_v1_SkippedPart__Output>
      Superseded: MessageTypeDefinition<_toolgate_v1_Superseded, _toolgate_v1_Superseded__Output>
      Terminal: MessageTypeDefinition<_toolgate_v1_Terminal, _toolgate_v1_Terminal__Output>
      TerminalKind: EnumTypeDefinition
      Tool: MessageTypeDefinition<_toolgate_v1_Tool, _toolgate_v1_Tool__Output>
      ToolAnnotations: MessageTypeDefinition<_toolgate_v1_ToolAnnotations, _toolgate_v1_ToolAnnotations__Output>
      ToolCancelled: MessageTypeDefinition<_toolgate_v1_ToolCancelled, _toolgate_v1_ToolCancelled__Output>
      ToolError: MessageTypeDefinition<_toolgate_v1_ToolError, _toolgate_v1_ToolError__Output>
      UnregisterRequest: MessageTypeDefinition<_toolgate_v1_UnregisterRequest, _toolgate_v1_UnregisterRequest__Output>
      UnregisterResponse: MessageTypeDefinition<_toolgate_v1_UnregisterResponse, _toolgate_v1_UnregisterResponse__Output>
      WaitPolicy: EnumTypeDefinition
      Welcome: MessageTypeDefinition<_toolgate_v1_Welcome, _toolgate_v1_Welcome__Output>
    }
  }
}

