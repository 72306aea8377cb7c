// Original file: proto/toolgate/v1/gateway.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CallToolRequest as _toolgate_v1_CallToolRequest, CallToolRequest__Output as _toolgate_v1_CallToolRequest__Output } from '../../toolgate/v1/CallToolRequest.js';
import type { CallToolResponse as _toolgate_v1_CallToolResponse, CallToolResponse__Output as _toolgate_v1_CallToolResponse__Output } from '../../toolgate/v1/CallToolResponse.js';
import type { CancelCallRequest as _toolgate_v1_CancelCallRequest, CancelCallRequest__Output as _toolgate_v1_CancelCallRequest__Output } from '../../toolgate/v1/CancelCallRequest.js';
import type { CancelCallResponse as _toolgate_v1_CancelCallResponse, CancelCallResponse__Output as _toolgate_v1_CancelCallResponse__Output } from '../../toolgate/v1/CancelCallResponse.js';
import type { FollowCallRequest as _toolgate_v1_FollowCallRequest, FollowCallRequest__Output as _toolgate_v1_FollowCallRequest__Output } from '../../toolgate/v1/FollowCallRequest.js';
import type { FollowCallResponse as _toolgate_v1_FollowCallResponse, FollowCallResponse__Output as _toolgate_v1_FollowCallResponse__Output } from '../../toolgate/v1/FollowCallResponse.js';
import type { GetCallRequest as _toolgate_v1_GetCallRequest, GetCallRequest__Output as _toolgate_v1_GetCallRequest__Output } from '../../toolgate/v1/GetCallRequest.js';
import type { GetCallResponse as _toolgate_v1_GetCallResponse, GetCallResponse__Output as _toolgate_v1_GetCallResponse__Output } from '../../toolgate/v1/GetCallResponse.js';
import type { InvokeRequest as _toolgate_v1_InvokeRequest, InvokeRequest__Output as _toolgate_v1_InvokeRequest__Output } from '../../toolgate/v1/InvokeRequest.js';
import type { InvokeResponse as _toolgate_v1_InvokeResponse, InvokeResponse__Output as _toolgate_v1_InvokeResponse__Output } from '../../toolgate/v1/InvokeResponse.js';
import type { ListCallsRequest as _toolgate_v1_ListCallsRequest, ListCallsRequest__Output as _toolgate_v1_ListCallsRequest__Output } from '../../toolgate/v1/ListCallsRequest.js';
import type { ListCallsResponse as _toolgate_v1_ListCallsResponse, ListCallsResponse__Output as _toolgate_v1_ListCallsResponse__Output } from '../../toolgate/v1/ListCallsResponse.js';
import type { SessionRequest as _toolgate_v1_SessionRequest, SessionRequest__Output as _toolgate_v1_SessionRequest__Output } from '../../toolgate/v1/SessionRequest.js';
import type { SessionResponse as _toolgate_v1_SessionResponse, SessionResponse__Output as _toolgate_v1_SessionResponse__Output } from '../../toolgate/v1/SessionResponse.js';

export interface GatewayClient extends grpc.Client {
  CallTool(argument: _toolgate_v1_CallToolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  CallTool(argument: _toolgate_v1_CallToolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  CallTool(argument: _toolgate_v1_CallToolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  CallTool(argument: _toolgate_v1_CallToolRequest, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  callTool(argument: _toolgate_v1_CallToolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  callTool(argument: _toolgate_v1_CallToolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  callTool(argument: _toolgate_v1_CallToolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  callTool(argument: _toolgate_v1_CallToolRequest, callback: grpc.requestCallback<_toolgate_v1_CallToolResponse__Output>): grpc.ClientUnaryCall;
  
  CancelCall(argument: _toolgate_v1_CancelCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  CancelCall(argument: _toolgate_v1_CancelCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  CancelCall(argument: _toolgate_v1_CancelCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  CancelCall(argument: _toolgate_v1_CancelCallRequest, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  cancelCall(argument: _toolgate_v1_CancelCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  cancelCall(argument: _toolgate_v1_CancelCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  cancelCall(argument: _toolgate_v1_CancelCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  cancelCall(argument: _toolgate_v1_CancelCallRequest, callback: grpc.requestCallback<_toolgate_v1_CancelCallResponse__Output>): grpc.ClientUnaryCall;
  
  FollowCall(argument: _toolgate_v1_FollowCallRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_FollowCallResponse__Output>;
  FollowCall(argument: _toolgate_v1_FollowCallRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_FollowCallResponse__Output>;
  followCall(argument: _toolgate_v1_FollowCallRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_FollowCallResponse__Output>;
  followCall(argument: _toolgate_v1_FollowCallRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_FollowCallResponse__Output>;
  
  GetCall(argument: _toolgate_v1_GetCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  GetCall(argument: _toolgate_v1_GetCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  GetCall(argument: _toolgate_v1_GetCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  GetCall(argument: _toolgate_v1_GetCallRequest, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  getCall(argument: _toolgate_v1_GetCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  getCall(argument: _toolgate_v1_GetCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  getCall(argument: _toolgate_v1_GetCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  getCall(argument: _toolgate_v1_GetCallRequest, callback: grpc.requestCallback<_toolgate_v1_GetCallResponse__Output>): grpc.ClientUnaryCall;
  
  Invoke(argument: _toolgate_v1_InvokeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  Invoke(argument: _toolgate_v1_InvokeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  Invoke(argument: _toolgate_v1_InvokeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  Invoke(argument: _toolgate_v1_InvokeRequest, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  invoke(argument: _toolgate_v1_InvokeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  invoke(argument: _toolgate_v1_InvokeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  invoke(argument: _toolgate_v1_InvokeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  invoke(argument: _toolgate_v1_InvokeRequest, callback: grpc.requestCallback<_toolgate_v1_InvokeResponse__Output>): grpc.ClientUnaryCall;
  
  ListCalls(argument: _toolgate_v1_ListCallsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  ListCalls(argument: _toolgate_v1_ListCallsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  ListCalls(argument: _toolgate_v1_ListCallsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  ListCalls(argument: _toolgate_v1_ListCallsRequest, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  listCalls(argument: _toolgate_v1_ListCallsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  listCalls(argument: _toolgate_v1_ListCallsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  listCalls(argument: _toolgate_v1_ListCallsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  listCalls(argument: _toolgate_v1_ListCallsRequest, callback: grpc.requestCallback<_toolgate_v1_ListCallsResponse__Output>): grpc.ClientUnaryCall;
  
  Session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_SessionRequest, _toolgate_v1_SessionResponse__Output>;
  Session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_SessionRequest, _toolgate_v1_SessionResponse__Output>;
  session(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_SessionRequest, _toolgate_v1_SessionResponse__Output>;
  session(options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_SessionRequest, _toolgate_v1_SessionResponse__Output>;
  
}

export interface GatewayHandlers extends grpc.UntypedServiceImplementation {
  CallTool: grpc.handleUnaryCall<_toolgate_v1_CallToolRequest__Output, _toolgate_v1_CallToolResponse>;
  
  CancelCall: grpc.handleUnaryCall<_toolgate_v1_CancelCallRequest__Output, _toolgate_v1_CancelCallResponse>;
  
  FollowCall: grpc.handleServerStreamingCall<_toolgate_v1_FollowCallRequest__Output, _toolgate_v1_FollowCallResponse>;
  
  GetCall: grpc.handleUnaryCall<_toolgate_v1_GetCallRequest__Output, _toolgate_v1_GetCallResponse>;
  
  Invoke: grpc.handleUnaryCall<_toolgate_v1_InvokeRequest__Output, _toolgate_v1_InvokeResponse>;
  
  ListCalls: grpc.handleUnaryCall<_toolgate_v1_ListCallsRequest__Output, _toolgate_v1_ListCallsResponse>;
  
  Session: grpc.handleBidiStreamingCall<_toolgate_v1_SessionRequest__Output, _toolgate_v1_SessionResponse>;
  
}

export interface GatewayDefinition extends grpc.ServiceDefinition {
  CallTool: MethodDefinition<_toolgate_v1_CallToolRequest, _toolgate_v1_CallToolResponse, _toolgate_v1_CallToolRequest__Output, _toolgate_v1_CallToolResponse__Output>
  CancelCall: MethodDefinition<_toolgate_v1_CancelCallRequest, _toolgate_v1_CancelCallResponse, _toolgate_v1_CancelCallRequest__Output, _toolgate_v1_CancelCallResponse__Output>
  FollowCall: MethodDefinition<_toolgate_v1_FollowCallRequest, _toolgate_v1_FollowCallResponse, _toolgate_v1_FollowCallRequest__Output, _toolgate_v1_FollowCallResponse__Output>
  GetCall: MethodDefinition<_toolgate_v1_GetCallRequest, _toolgate_v1_GetCallResponse, _toolgate_v1_GetCallRequest__Output, _toolgate_v1_GetCallResponse__Output>
  Invoke: MethodDefinition<_toolgate_v1_InvokeRequest, _toolgate_v1_InvokeResponse, _toolgate_v1_InvokeRequest__Output, _toolgate_v1_InvokeResponse__Output>
  ListCalls: MethodDefinition<_toolgate_v1_ListCallsRequest, _toolgate_v1_ListCallsResponse, _toolgate_v1_ListCallsRequest__Output, _toolgate_v1_ListCallsResponse__Output>
  Session: MethodDefinition<_toolgate_v1_SessionRequest, _toolgate_v1_SessionResponse, _toolgate_v1_SessionRequest__Output, _toolgate_v1_SessionResponse__Output>
}
