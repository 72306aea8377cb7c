// Original file: proto/toolgate/v1/registry.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AttachRequest as _toolgate_v1_AttachRequest, AttachRequest__Output as _toolgate_v1_AttachRequest__Output } from '../../toolgate/v1/AttachRequest.js';
import type { AttachResponse as _toolgate_v1_AttachResponse, AttachResponse__Output as _toolgate_v1_AttachResponse__Output } from '../../toolgate/v1/AttachResponse.js';
import type { DrainRequest as _toolgate_v1_DrainRequest, DrainRequest__Output as _toolgate_v1_DrainRequest__Output } from '../../toolgate/v1/DrainRequest.js';
import type { DrainResponse as _toolgate_v1_DrainResponse, DrainResponse__Output as _toolgate_v1_DrainResponse__Output } from '../../toolgate/v1/DrainResponse.js';
import type { PongRequest as _toolgate_v1_PongRequest, PongRequest__Output as _toolgate_v1_PongRequest__Output } from '../../toolgate/v1/PongRequest.js';
import type { PongResponse as _toolgate_v1_PongResponse, PongResponse__Output as _toolgate_v1_PongResponse__Output } from '../../toolgate/v1/PongResponse.js';
import type { PromoteRequest as _toolgate_v1_PromoteRequest, PromoteRequest__Output as _toolgate_v1_PromoteRequest__Output } from '../../toolgate/v1/PromoteRequest.js';
import type { PromoteResponse as _toolgate_v1_PromoteResponse, PromoteResponse__Output as _toolgate_v1_PromoteResponse__Output } from '../../toolgate/v1/PromoteResponse.js';
import type { RegisterRequest as _toolgate_v1_RegisterRequest, RegisterRequest__Output as _toolgate_v1_RegisterRequest__Output } from '../../toolgate/v1/RegisterRequest.js';
import type { RegisterResponse as _toolgate_v1_RegisterResponse, RegisterResponse__Output as _toolgate_v1_RegisterResponse__Output } from '../../toolgate/v1/RegisterResponse.js';
import type { ReleaseRequest as _toolgate_v1_ReleaseRequest, ReleaseRequest__Output as _toolgate_v1_ReleaseRequest__Output } from '../../toolgate/v1/ReleaseRequest.js';
import type { ReleaseResponse as _toolgate_v1_ReleaseResponse, ReleaseResponse__Output as _toolgate_v1_ReleaseResponse__Output } from '../../toolgate/v1/ReleaseResponse.js';
import type { RenewRequest as _toolgate_v1_RenewRequest, RenewRequest__Output as _toolgate_v1_RenewRequest__Output } from '../../toolgate/v1/RenewRequest.js';
import type { RenewResponse as _toolgate_v1_RenewResponse, RenewResponse__Output as _toolgate_v1_RenewResponse__Output } from '../../toolgate/v1/RenewResponse.js';
import type { UnregisterRequest as _toolgate_v1_UnregisterRequest, UnregisterRequest__Output as _toolgate_v1_UnregisterRequest__Output } from '../../toolgate/v1/UnregisterRequest.js';
import type { UnregisterResponse as _toolgate_v1_UnregisterResponse, UnregisterResponse__Output as _toolgate_v1_UnregisterResponse__Output } from '../../toolgate/v1/UnregisterResponse.js';

export interface RegistryClient extends grpc.Client {
  Attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_AttachRequest, _toolgate_v1_AttachResponse__Output>;
  Attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_AttachRequest, _toolgate_v1_AttachResponse__Output>;
  attach(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_AttachRequest, _toolgate_v1_AttachResponse__Output>;
  attach(options?: grpc.CallOptions): grpc.ClientDuplexStream<_toolgate_v1_AttachRequest, _toolgate_v1_AttachResponse__Output>;
  
  Drain(argument: _toolgate_v1_DrainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  Drain(argument: _toolgate_v1_DrainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  Drain(argument: _toolgate_v1_DrainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  Drain(argument: _toolgate_v1_DrainRequest, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  drain(argument: _toolgate_v1_DrainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  drain(argument: _toolgate_v1_DrainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  drain(argument: _toolgate_v1_DrainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  drain(argument: _toolgate_v1_DrainRequest, callback: grpc.requestCallback<_toolgate_v1_DrainResponse__Output>): grpc.ClientUnaryCall;
  
  Pong(argument: _toolgate_v1_PongRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  Pong(argument: _toolgate_v1_PongRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  Pong(argument: _toolgate_v1_PongRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  Pong(argument: _toolgate_v1_PongRequest, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  pong(argument: _toolgate_v1_PongRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  pong(argument: _toolgate_v1_PongRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  pong(argument: _toolgate_v1_PongRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  pong(argument: _toolgate_v1_PongRequest, callback: grpc.requestCallback<_toolgate_v1_PongResponse__Output>): grpc.ClientUnaryCall;
  
  Promote(argument: _toolgate_v1_PromoteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  Promote(argument: _toolgate_v1_PromoteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  Promote(argument: _toolgate_v1_PromoteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  Promote(argument: _toolgate_v1_PromoteRequest, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  promote(argument: _toolgate_v1_PromoteRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  promote(argument: _toolgate_v1_PromoteRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  promote(argument: _toolgate_v1_PromoteRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  promote(argument: _toolgate_v1_PromoteRequest, callback: grpc.requestCallback<_toolgate_v1_PromoteResponse__Output>): grpc.ClientUnaryCall;
  
  Register(argument: _toolgate_v1_RegisterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  Register(argument: _toolgate_v1_RegisterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  Register(argument: _toolgate_v1_RegisterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  Register(argument: _toolgate_v1_RegisterRequest, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  register(argument: _toolgate_v1_RegisterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  register(argument: _toolgate_v1_RegisterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  register(argument: _toolgate_v1_RegisterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  register(argument: _toolgate_v1_RegisterRequest, callback: grpc.requestCallback<_toolgate_v1_RegisterResponse__Output>): grpc.ClientUnaryCall;
  
  Release(argument: _toolgate_v1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _toolgate_v1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _toolgate_v1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _toolgate_v1_ReleaseRequest, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _toolgate_v1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _toolgate_v1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _toolgate_v1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _toolgate_v1_ReleaseRequest, callback: grpc.requestCallback<_toolgate_v1_ReleaseResponse__Output>): grpc.ClientUnaryCall;
  
  Renew(argument: _toolgate_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  Renew(argument: _toolgate_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  Renew(argument: _toolgate_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  Renew(argument: _toolgate_v1_RenewRequest, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _toolgate_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _toolgate_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _toolgate_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  renew(argument: _toolgate_v1_RenewRequest, callback: grpc.requestCallback<_toolgate_v1_RenewResponse__Output>): grpc.ClientUnaryCall;
  
  Unregister(argument: _toolgate_v1_UnregisterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  Unregister(argument: _toolgate_v1_UnregisterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  Unregister(argument: _toolgate_v1_UnregisterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  Unregister(argument: _toolgate_v1_UnregisterRequest, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  unregister(argument: _toolgate_v1_UnregisterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  unregister(argument: _toolgate_v1_UnregisterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  unregister(argument: _toolgate_v1_UnregisterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  unregister(argument: _toolgate_v1_UnregisterRequest, callback: grpc.requestCallback<_toolgate_v1_UnregisterResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface RegistryHandlers extends grpc.UntypedServiceImplementation {
  Attach: grpc.handleBidiStreamingCall<_toolgate_v1_AttachRequest__Output, _toolgate_v1_AttachResponse>;
  
  Drain: grpc.handleUnaryCall<_toolgate_v1_DrainRequest__Output, _toolgate_v1_DrainResponse>;
  
  Pong: grpc.handleUnaryCall<_toolgate_v1_PongRequest__Output, _toolgate_v1_PongResponse>;
  
  Promote: grpc.handleUnaryCall<_toolgate_v1_PromoteRequest__Output, _toolgate_v1_PromoteResponse>;
  
  Register: grpc.handleUnaryCall<_toolgate_v1_RegisterRequest__Output, _toolgate_v1_RegisterResponse>;
  
  Release: grpc.handleUnaryCall<_toolgate_v1_ReleaseRequest__Output, _toolgate_v1_ReleaseResponse>;
  
  Renew: grpc.handleUnaryCall<_toolgate_v1_RenewRequest__Output, _toolgate_v1_RenewResponse>;
  
  Unregister: grpc.handleUnaryCall<_toolgate_v1_UnregisterRequest__Output, _toolgate_v1_UnregisterResponse>;
  
}

export interface RegistryDefinition extends grpc.ServiceDefinition {
  Attach: MethodDefinition<_toolgate_v1_AttachRequest, _toolgate_v1_AttachResponse, _toolgate_v1_AttachRequest__Output, _toolgate_v1_AttachResponse__Output>
  Drain: MethodDefinition<_toolgate_v1_DrainRequest, _toolgate_v1_DrainResponse, _toolgate_v1_DrainRequest__Output, _toolgate_v1_DrainResponse__Output>
  Pong: MethodDefinition<_toolgate_v1_PongRequest, _toolgate_v1_PongResponse, _toolgate_v1_PongRequest__Output, _toolgate_v1_PongResponse__Output>
  Promote: MethodDefinition<_toolgate_v1_PromoteRequest, _toolgate_v1_PromoteResponse, _toolgate_v1_PromoteRequest__Output, _toolgate_v1_PromoteResponse__Output>
  Register: MethodDefinition<_toolgate_v1_RegisterRequest, _toolgate_v1_RegisterResponse, _toolgate_v1_RegisterRequest__Output, _toolgate_v1_RegisterResponse__Output>
  Release: MethodDefinition<_toolgate_v1_ReleaseRequest, _toolgate_v1_ReleaseResponse, _toolgate_v1_ReleaseRequest__Output, _toolgate_v1_ReleaseResponse__Output>
  Renew: MethodDefinition<_toolgate_v1_RenewRequest, _toolgate_v1_RenewResponse, _toolgate_v1_RenewRequest__Output, _toolgate_v1_RenewResponse__Output>
  Unregister: MethodDefinition<_toolgate_v1_UnregisterRequest, _toolgate_v1_UnregisterResponse, _toolgate_v1_UnregisterRequest__Output, _toolgate_v1_UnregisterResponse__Output>
}
