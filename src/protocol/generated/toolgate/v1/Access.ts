// Original file: proto/toolgate/v1/access.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateKeyRequest as _toolgate_v1_CreateKeyRequest, CreateKeyRequest__Output as _toolgate_v1_CreateKeyRequest__Output } from '../../toolgate/v1/CreateKeyRequest.js';
import type { CreateKeyResponse as _toolgate_v1_CreateKeyResponse, CreateKeyResponse__Output as _toolgate_v1_CreateKeyResponse__Output } from '../../toolgate/v1/CreateKeyResponse.js';
import type { ExplainRequest as _toolgate_v1_ExplainRequest, ExplainRequest__Output as _toolgate_v1_ExplainRequest__Output } from '../../toolgate/v1/ExplainRequest.js';
import type { ExplainResponse as _toolgate_v1_ExplainResponse, ExplainResponse__Output as _toolgate_v1_ExplainResponse__Output } from '../../toolgate/v1/ExplainResponse.js';
import type { ListKeysRequest as _toolgate_v1_ListKeysRequest, ListKeysRequest__Output as _toolgate_v1_ListKeysRequest__Output } from '../../toolgate/v1/ListKeysRequest.js';
import type { ListKeysResponse as _toolgate_v1_ListKeysResponse, ListKeysResponse__Output as _toolgate_v1_ListKeysResponse__Output } from '../../toolgate/v1/ListKeysResponse.js';
import type { LoginRequest as _toolgate_v1_LoginRequest, LoginRequest__Output as _toolgate_v1_LoginRequest__Output } from '../../toolgate/v1/LoginRequest.js';
import type { LoginResponse as _toolgate_v1_LoginResponse, LoginResponse__Output as _toolgate_v1_LoginResponse__Output } from '../../toolgate/v1/LoginResponse.js';
import type { LogoutRequest as _toolgate_v1_LogoutRequest, LogoutRequest__Output as _toolgate_v1_LogoutRequest__Output } from '../../toolgate/v1/LogoutRequest.js';
import type { LogoutResponse as _toolgate_v1_LogoutResponse, LogoutResponse__Output as _toolgate_v1_LogoutResponse__Output } from '../../toolgate/v1/LogoutResponse.js';
import type { RevokeKeyRequest as _toolgate_v1_RevokeKeyRequest, RevokeKeyRequest__Output as _toolgate_v1_RevokeKeyRequest__Output } from '../../toolgate/v1/RevokeKeyRequest.js';
import type { RevokeKeyResponse as _toolgate_v1_RevokeKeyResponse, RevokeKeyResponse__Output as _toolgate_v1_RevokeKeyResponse__Output } from '../../toolgate/v1/RevokeKeyResponse.js';
import type { RotateKeyRequest as _toolgate_v1_RotateKeyRequest, RotateKeyRequest__Output as _toolgate_v1_RotateKeyRequest__Output } from '../../toolgate/v1/RotateKeyRequest.js';
import type { RotateKeyResponse as _toolgate_v1_RotateKeyResponse, RotateKeyResponse__Output as _toolgate_v1_RotateKeyResponse__Output } from '../../toolgate/v1/RotateKeyResponse.js';
import type { SetPasswordRequest as _toolgate_v1_SetPasswordRequest, SetPasswordRequest__Output as _toolgate_v1_SetPasswordRequest__Output } from '../../toolgate/v1/SetPasswordRequest.js';
import type { SetPasswordResponse as _toolgate_v1_SetPasswordResponse, SetPasswordResponse__Output as _toolgate_v1_SetPasswordResponse__Output } from '../../toolgate/v1/SetPasswordResponse.js';
import type { WhoAmIRequest as _toolgate_v1_WhoAmIRequest, WhoAmIRequest__Output as _toolgate_v1_WhoAmIRequest__Output } from '../../toolgate/v1/WhoAmIRequest.js';
import type { WhoAmIResponse as _toolgate_v1_WhoAmIResponse, WhoAmIResponse__Output as _toolgate_v1_WhoAmIResponse__Output } from '../../toolgate/v1/WhoAmIResponse.js';

export interface AccessClient extends grpc.Client {
  CreateKey(argument: _toolgate_v1_CreateKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  CreateKey(argument: _toolgate_v1_CreateKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  CreateKey(argument: _toolgate_v1_CreateKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  CreateKey(argument: _toolgate_v1_CreateKeyRequest, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  createKey(argument: _toolgate_v1_CreateKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  createKey(argument: _toolgate_v1_CreateKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  createKey(argument: _toolgate_v1_CreateKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  createKey(argument: _toolgate_v1_CreateKeyRequest, callback: grpc.requestCallback<_toolgate_v1_CreateKeyResponse__Output>): grpc.ClientUnaryCall;
  
  Explain(argument: _toolgate_v1_ExplainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _toolgate_v1_ExplainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _toolgate_v1_ExplainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  Explain(argument: _toolgate_v1_ExplainRequest, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _toolgate_v1_ExplainRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _toolgate_v1_ExplainRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _toolgate_v1_ExplainRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  explain(argument: _toolgate_v1_ExplainRequest, callback: grpc.requestCallback<_toolgate_v1_ExplainResponse__Output>): grpc.ClientUnaryCall;
  
  ListKeys(argument: _toolgate_v1_ListKeysRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  ListKeys(argument: _toolgate_v1_ListKeysRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  ListKeys(argument: _toolgate_v1_ListKeysRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  ListKeys(argument: _toolgate_v1_ListKeysRequest, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _toolgate_v1_ListKeysRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _toolgate_v1_ListKeysRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _toolgate_v1_ListKeysRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  listKeys(argument: _toolgate_v1_ListKeysRequest, callback: grpc.requestCallback<_toolgate_v1_ListKeysResponse__Output>): grpc.ClientUnaryCall;
  
  Login(argument: _toolgate_v1_LoginRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  Login(argument: _toolgate_v1_LoginRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  Login(argument: _toolgate_v1_LoginRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  Login(argument: _toolgate_v1_LoginRequest, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  login(argument: _toolgate_v1_LoginRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  login(argument: _toolgate_v1_LoginRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  login(argument: _toolgate_v1_LoginRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  login(argument: _toolgate_v1_LoginRequest, callback: grpc.requestCallback<_toolgate_v1_LoginResponse__Output>): grpc.ClientUnaryCall;
  
  Logout(argument: _toolgate_v1_LogoutRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  Logout(argument: _toolgate_v1_LogoutRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  Logout(argument: _toolgate_v1_LogoutRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  Logout(argument: _toolgate_v1_LogoutRequest, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  logout(argument: _toolgate_v1_LogoutRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  logout(argument: _toolgate_v1_LogoutRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  logout(argument: _toolgate_v1_LogoutRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  logout(argument: _toolgate_v1_LogoutRequest, callback: grpc.requestCallback<_toolgate_v1_LogoutResponse__Output>): grpc.ClientUnaryCall;
  
  RevokeKey(argument: _toolgate_v1_RevokeKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  RevokeKey(argument: _toolgate_v1_RevokeKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  RevokeKey(argument: _toolgate_v1_RevokeKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  RevokeKey(argument: _toolgate_v1_RevokeKeyRequest, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _toolgate_v1_RevokeKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _toolgate_v1_RevokeKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _toolgate_v1_RevokeKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  revokeKey(argument: _toolgate_v1_RevokeKeyRequest, callback: grpc.requestCallback<_toolgate_v1_RevokeKeyResponse__Output>): grpc.ClientUnaryCall;
  
  RotateKey(argument: _toolgate_v1_RotateKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  RotateKey(argument: _toolgate_v1_RotateKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  RotateKey(argument: _toolgate_v1_RotateKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  RotateKey(argument: _toolgate_v1_RotateKeyRequest, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _toolgate_v1_RotateKeyRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _toolgate_v1_RotateKeyRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _toolgate_v1_RotateKeyRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  rotateKey(argument: _toolgate_v1_RotateKeyRequest, callback: grpc.requestCallback<_toolgate_v1_RotateKeyResponse__Output>): grpc.ClientUnaryCall;
  
  SetPassword(argument: _toolgate_v1_SetPasswordRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  SetPassword(argument: _toolgate_v1_SetPasswordRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  SetPassword(argument: _toolgate_v1_SetPasswordRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  SetPassword(argument: _toolgate_v1_SetPasswordRequest, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  setPassword(argument: _toolgate_v1_SetPasswordRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  setPassword(argument: _toolgate_v1_SetPasswordRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  setPassword(argument: _toolgate_v1_SetPasswordRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  setPassword(argument: _toolgate_v1_SetPasswordRequest, callback: grpc.requestCallback<_toolgate_v1_SetPasswordResponse__Output>): grpc.ClientUnaryCall;
  
  WhoAmI(argument: _toolgate_v1_WhoAmIRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  WhoAmI(argument: _toolgate_v1_WhoAmIRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  WhoAmI(argument: _toolgate_v1_WhoAmIRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  WhoAmI(argument: _toolgate_v1_WhoAmIRequest, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _toolgate_v1_WhoAmIRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _toolgate_v1_WhoAmIRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _toolgate_v1_WhoAmIRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  whoAmI(argument: _toolgate_v1_WhoAmIRequest, callback: grpc.requestCallback<_toolgate_v1_WhoAmIResponse__Output>): grpc.ClientUnaryCall;
  
}

export interface AccessHandlers extends grpc.UntypedServiceImplementation {
  CreateKey: grpc.handleUnaryCall<_toolgate_v1_CreateKeyRequest__Output, _toolgate_v1_CreateKeyResponse>;
  
  Explain: grpc.handleUnaryCall<_toolgate_v1_ExplainRequest__Output, _toolgate_v1_ExplainResponse>;
  
  ListKeys: grpc.handleUnaryCall<_toolgate_v1_ListKeysRequest__Output, _toolgate_v1_ListKeysResponse>;
  
  Login: grpc.handleUnaryCall<_toolgate_v1_LoginRequest__Output, _toolgate_v1_LoginResponse>;
  
  Logout: grpc.handleUnaryCall<_toolgate_v1_LogoutRequest__Output, _toolgate_v1_LogoutResponse>;
  
  RevokeKey: grpc.handleUnaryCall<_toolgate_v1_RevokeKeyRequest__Output, _toolgate_v1_RevokeKeyResponse>;
  
  RotateKey: grpc.handleUnaryCall<_toolgate_v1_RotateKeyRequest__Output, _toolgate_v1_RotateKeyResponse>;
  
  SetPassword: grpc.handleUnaryCall<_toolgate_v1_SetPasswordRequest__Output, _toolgate_v1_SetPasswordResponse>;
  
  WhoAmI: grpc.handleUnaryCall<_toolgate_v1_WhoAmIRequest__Output, _toolgate_v1_WhoAmIResponse>;
  
}

export interface AccessDefinition extends grpc.ServiceDefinition {
  CreateKey: MethodDefinition<_toolgate_v1_CreateKeyRequest, _toolgate_v1_CreateKeyResponse, _toolgate_v1_CreateKeyRequest__Output, _toolgate_v1_CreateKeyResponse__Output>
  Explain: MethodDefinition<_toolgate_v1_ExplainRequest, _toolgate_v1_ExplainResponse, _toolgate_v1_ExplainRequest__Output, _toolgate_v1_ExplainResponse__Output>
  ListKeys: MethodDefinition<_toolgate_v1_ListKeysRequest, _toolgate_v1_ListKeysResponse, _toolgate_v1_ListKeysRequest__Output, _toolgate_v1_ListKeysResponse__Output>
  Login: MethodDefinition<_toolgate_v1_LoginRequest, _toolgate_v1_LoginResponse, _toolgate_v1_LoginRequest__Output, _toolgate_v1_LoginResponse__Output>
  Logout: MethodDefinition<_toolgate_v1_LogoutRequest, _toolgate_v1_LogoutResponse, _toolgate_v1_LogoutRequest__Output, _toolgate_v1_LogoutResponse__Output>
  RevokeKey: MethodDefinition<_toolgate_v1_RevokeKeyRequest, _toolgate_v1_RevokeKeyResponse, _toolgate_v1_RevokeKeyRequest__Output, _toolgate_v1_RevokeKeyResponse__Output>
  RotateKey: MethodDefinition<_toolgate_v1_RotateKeyRequest, _toolgate_v1_RotateKeyResponse, _toolgate_v1_RotateKeyRequest__Output, _toolgate_v1_RotateKeyResponse__Output>
  SetPassword: MethodDefinition<_toolgate_v1_SetPasswordRequest, _toolgate_v1_SetPasswordResponse, _toolgate_v1_SetPasswordRequest__Output, _toolgate_v1_SetPasswordResponse__Output>
  WhoAmI: MethodDefinition<_toolgate_v1_WhoAmIRequest, _toolgate_v1_WhoAmIResponse, _toolgate_v1_WhoAmIRequest__Output, _toolgate_v1_WhoAmIResponse__Output>
}
