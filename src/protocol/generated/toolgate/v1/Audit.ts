// Original file: proto/toolgate/v1/audit.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { QueryAuditRequest as _toolgate_v1_QueryAuditRequest, QueryAuditRequest__Output as _toolgate_v1_QueryAuditRequest__Output } from '../../toolgate/v1/QueryAuditRequest.js';
import type { QueryAuditResponse as _toolgate_v1_QueryAuditResponse, QueryAuditResponse__Output as _toolgate_v1_QueryAuditResponse__Output } from '../../toolgate/v1/QueryAuditResponse.js';
import type { TailAuditRequest as _toolgate_v1_TailAuditRequest, TailAuditRequest__Output as _toolgate_v1_TailAuditRequest__Output } from '../../toolgate/v1/TailAuditRequest.js';
import type { TailAuditResponse as _toolgate_v1_TailAuditResponse, TailAuditResponse__Output as _toolgate_v1_TailAuditResponse__Output } from '../../toolgate/v1/TailAuditResponse.js';
import type { VerifyAuditRequest as _toolgate_v1_VerifyAuditRequest, VerifyAuditRequest__Output as _toolgate_v1_VerifyAuditRequest__Output } from '../../toolgate/v1/VerifyAuditRequest.js';
import type { VerifyAuditResponse as _toolgate_v1_VerifyAuditResponse, VerifyAuditResponse__Output as _toolgate_v1_VerifyAuditResponse__Output } from '../../toolgate/v1/VerifyAuditResponse.js';

export interface AuditClient extends grpc.Client {
  QueryAudit(argument: _toolgate_v1_QueryAuditRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  QueryAudit(argument: _toolgate_v1_QueryAuditRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  QueryAudit(argument: _toolgate_v1_QueryAuditRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  QueryAudit(argument: _toolgate_v1_QueryAuditRequest, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  queryAudit(argument: _toolgate_v1_QueryAuditRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  queryAudit(argument: _toolgate_v1_QueryAuditRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  queryAudit(argument: _toolgate_v1_QueryAuditRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  queryAudit(argument: _toolgate_v1_QueryAuditRequest, callback: grpc.requestCallback<_toolgate_v1_QueryAuditResponse__Output>): grpc.ClientUnaryCall;
  
  TailAudit(argument: _toolgate_v1_TailAuditRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_TailAuditResponse__Output>;
  TailAudit(argument: _toolgate_v1_TailAuditRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_TailAuditResponse__Output>;
  tailAudit(argument: _toolgate_v1_TailAuditRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_TailAuditResponse__Output>;
  tailAudit(argument: _toolgate_v1_TailAuditRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_toolgate_v1_TailAuditResponse__Output>;
  
  VerifyAudit(argument: _toolgate_v1_VerifyAuditRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  VerifyAudit(argument: _toolgate_v1_VerifyAuditRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  VerifyAudit(argument: _toolgate_v1_VerifyAuditRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  VerifyAudit(argument: _toolgate_v1_VerifyAuditRequest, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  verifyAudit(argument: _toolgate_v1_VerifyAuditRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  verifyAudit(argument: _toolgate_v1_VerifyAuditRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  verifyAudit(argument: _toolgate_v1_VerifyAuditRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  verifyAudit(argument: _toolgate_v1_VerifyAuditRequest, callback: grpc.requestCallback<_toolgate_v1_VerifyAuditResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface AuditHandlers extends grpc.UntypedServiceImplementation {
  QueryAudit: grpc.handleUnaryCall<_toolgate_v1_QueryAuditRequest__Output, _toolgate_v1_QueryAuditResponse>;
  
  TailAudit: grpc.handleServerStreamingCall<_toolgate_v1_TailAuditRequest__Output, _toolgate_v1_TailAuditResponse>;
  
  VerifyAudit: grpc.handleUnaryCall<_toolgate_v1_VerifyAuditRequest__Output, _toolgate_v1_VerifyAuditResponse>;
  
}

export interface AuditDefinition extends grpc.ServiceDefinition {
  QueryAudit: MethodDefinition<_toolgate_v1_QueryAuditRequest, _toolgate_v1_QueryAuditResponse, _toolgate_v1_QueryAuditRequest__Output, _toolgate_v1_QueryAuditResponse__Output>
  TailAudit: MethodDefinition<_toolgate_v1_TailAuditRequest, _toolgate_v1_TailAuditResponse, _toolgate_v1_TailAuditRequest__Output, _toolgate_v1_TailAuditResponse__Output>
  VerifyAudit: MethodDefinition<_toolgate_v1_VerifyAuditRequest, _toolgate_v1_VerifyAuditResponse, _toolgate_v1_VerifyAuditRequest__Output, _toolgate_v1_VerifyAuditResponse__Output>
}
