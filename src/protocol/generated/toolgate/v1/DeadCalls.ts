// Original file: proto/toolgate/v1/dead_calls.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetDeadCallRequest as _toolgate_v1_GetDeadCallRequest, GetDeadCallRequest__Output as _toolgate_v1_GetDeadCallRequest__Output } from '../../toolgate/v1/GetDeadCallRequest.js';
import type { GetDeadCallResponse as _toolgate_v1_GetDeadCallResponse, GetDeadCallResponse__Output as _toolgate_v1_GetDeadCallResponse__Output } from '../../toolgate/v1/GetDeadCallResponse.js';
import type { ListDeadCallsRequest as _toolgate_v1_ListDeadCallsRequest, ListDeadCallsRequest__Output as _toolgate_v1_ListDeadCallsRequest__Output } from '../../toolgate/v1/ListDeadCallsRequest.js';
import type { ListDeadCallsResponse as _toolgate_v1_ListDeadCallsResponse, ListDeadCallsResponse__Output as _toolgate_v1_ListDeadCallsResponse__Output } from '../../toolgate/v1/ListDeadCallsResponse.js';
import type { PurgeDeadCallsRequest as _toolgate_v1_PurgeDeadCallsRequest, PurgeDeadCallsRequest__Output as _toolgate_v1_PurgeDeadCallsRequest__Output } from '../../toolgate/v1/PurgeDeadCallsRequest.js';
import type { PurgeDeadCallsResponse as _toolgate_v1_PurgeDeadCallsResponse, PurgeDeadCallsResponse__Output as _toolgate_v1_PurgeDeadCallsResponse__Output } from '../../toolgate/v1/PurgeDeadCallsResponse.js';
import type { RedriveDeadCallRequest as _toolgate_v1_RedriveDeadCallRequest, RedriveDeadCallRequest__Output as _toolgate_v1_RedriveDeadCallRequest__Output } from '../../toolgate/v1/RedriveDeadCallRequest.js';
import type { RedriveDeadCallResponse as _toolgate_v1_RedriveDeadCallResponse, RedriveDeadCallResponse__Output as _toolgate_v1_RedriveDeadCallResponse__Output } from '../../toolgate/v1/RedriveDeadCallResponse.js';

export interface DeadCallsClient extends grpc.Client {
  GetDeadCall(argument: _toolgate_v1_GetDeadCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  GetDeadCall(argument: _toolgate_v1_GetDeadCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  GetDeadCall(argument: _toolgate_v1_GetDeadCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  GetDeadCall(argument: _toolgate_v1_GetDeadCallRequest, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  getDeadCall(argument: _toolgate_v1_GetDeadCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  getDeadCall(argument: _toolgate_v1_GetDeadCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  getDeadCall(argument: _toolgate_v1_GetDeadCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  getDeadCall(argument: _toolgate_v1_GetDeadCallRequest, callback: grpc.requestCallback<_toolgate_v1_GetDeadCallResponse__Output>): grpc.ClientUnaryCall;
  
  ListDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  ListDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  ListDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  ListDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  listDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  listDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  listDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  listDeadCalls(argument: _toolgate_v1_ListDeadCallsRequest, callback: grpc.requestCallback<_toolgate_v1_ListDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  
  PurgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  PurgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  PurgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  PurgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  purgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  purgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  purgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  purgeDeadCalls(argument: _toolgate_v1_PurgeDeadCallsRequest, callback: grpc.requestCallback<_toolgate_v1_PurgeDeadCallsResponse__Output>): grpc.ClientUnaryCall;
  
  RedriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  RedriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  RedriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  RedriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  redriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  redriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  redriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  redriveDeadCall(argument: _toolgate_v1_RedriveDeadCallRequest, callback: grpc.requestCallback<_toolgate_v1_RedriveDeadCallResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface DeadCallsHandlers extends grpc.UntypedServiceImplementation {
  GetDeadCall: grpc.handleUnaryCall<_toolgate_v1_GetDeadCallRequest__Output, _toolgate_v1_GetDeadCallResponse>;
  
  ListDeadCalls: grpc.handleUnaryCall<_toolgate_v1_ListDeadCallsRequest__Output, _toolgate_v1_ListDeadCallsResponse>;
  
  PurgeDeadCalls: grpc.handleUnaryCall<_toolgate_v1_PurgeDeadCallsRequest__Output, _toolgate_v1_PurgeDeadCallsResponse>;
  
  RedriveDeadCall: grpc.handleUnaryCall<_toolgate_v1_RedriveDeadCallRequest__Output, _toolgate_v1_RedriveDeadCallResponse>;
  
}

export interface DeadCallsDefinition extends grpc.ServiceDefinition {
  GetDeadCall: MethodDefinition<_toolgate_v1_GetDeadCallRequest, _toolgate_v1_GetDeadCallResponse, _toolgate_v1_GetDeadCallRequest__Output, _toolgate_v1_GetDeadCallResponse__Output>
  ListDeadCalls: MethodDefinition<_toolgate_v1_ListDeadCallsRequest, _toolgate_v1_ListDeadCallsResponse, _toolgate_v1_ListDeadCallsRequest__Output, _toolgate_v1_ListDeadCallsResponse__Output>
  PurgeDeadCalls: MethodDefinition<_toolgate_v1_PurgeDeadCallsRequest, _toolgate_v1_PurgeDeadCallsResponse, _toolgate_v1_PurgeDeadCallsRequest__Output, _toolgate_v1_PurgeDeadCallsResponse__Output>
  RedriveDeadCall: MethodDefinition<_toolgate_v1_RedriveDeadCallRequest, _toolgate_v1_RedriveDeadCallResponse, _toolgate_v1_RedriveDeadCallRequest__Output, _toolgate_v1_RedriveDeadCallResponse__Output>
}
