import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AccessClient as _toolgate_v1_AccessClient, AccessDefinition as _toolgate_v1_AccessDefinition } from './toolgate/v1/Access.js';
import type { CreateKeyRequest as _toolgate_v1_CreateKeyRequest, CreateKeyRequest__Output as _toolgate_v1_CreateKeyRequest__Output } from './toolgate/v1/CreateKeyRequest.js';
import type { CreateKeyResponse as _toolgate_v1_CreateKeyResponse, CreateKeyResponse__Output as _toolgate_v1_CreateKeyResponse__Output } from './toolgate/v1/CreateKeyResponse.js';
import type { ExplainRequest as _toolgate_v1_ExplainRequest, ExplainRequest__Output as _toolgate_v1_ExplainRequest__Output } from './toolgate/v1/ExplainRequest.js';
import type { ExplainResponse as _toolgate_v1_ExplainResponse, ExplainResponse__Output as _toolgate_v1_ExplainResponse__Output } from './toolgate/v1/ExplainResponse.js';
import type { ExplainedGate as _toolgate_v1_ExplainedGate, ExplainedGate__Output as _toolgate_v1_ExplainedGate__Output } from './toolgate/v1/ExplainedGate.js';
import type { HeldKey as _toolgate_v1_HeldKey, HeldKey__Output as _toolgate_v1_HeldKey__Output } from './toolgate/v1/HeldKey.js';
import type { KeyHolder as _toolgate_v1_KeyHolder, KeyHolder__Output as _toolgate_v1_KeyHolder__Output } from './toolgate/v1/KeyHolder.js';
import type { ListKeysRequest as _toolgate_v1_ListKeysRequest, ListKeysRequest__Output as _toolgate_v1_ListKeysRequest__Output } from './toolgate/v1/ListKeysRequest.js';
import type { ListKeysResponse as _toolgate_v1_ListKeysResponse, ListKeysResponse__Output as _toolgate_v1_ListKeysResponse__Output } from './toolgate/v1/ListKeysResponse.js';
import type { LoginRequest as _toolgate_v1_LoginRequest, LoginRequest__Output as _toolgate_v1_LoginRequest__Output } from './toolgate/v1/LoginRequest.js';
import type { LoginResponse as _toolgate_v1_LoginResponse, LoginResponse__Output as _toolgate_v1_LoginResponse__Output } from './toolgate/v1/LoginResponse.js';
import type { LogoutRequest as _toolgate_v1_LogoutRequest, LogoutRequest__Output as _toolgate_v1_LogoutRequest__Output } from './toolgate/v1/LogoutRequest.js';
import type { LogoutResponse as _toolgate_v1_LogoutResponse, LogoutResponse__Output as _toolgate_v1_LogoutResponse__Output } from './toolgate/v1/LogoutResponse.js';
import type { RevokeKeyRequest as _toolgate_v1_RevokeKeyRequest, RevokeKeyRequest__Output as _toolgate_v1_RevokeKeyRequest__Output } from './toolgate/v1/RevokeKeyRequest.js';
import type { RevokeKeyResponse as _toolgate_v1_RevokeKeyResponse, RevokeKeyResponse__Output as _toolgate_v1_RevokeKeyResponse__Output } from './toolgate/v1/RevokeKeyResponse.js';
import type { RotateKeyRequest as _toolgate_v1_RotateKeyRequest, RotateKeyRequest__Output as _toolgate_v1_RotateKeyRequest__Output } from './toolgate/v1/RotateKeyRequest.js';
import type { RotateKeyResponse as _toolgate_v1_RotateKeyResponse, RotateKeyResponse__Output as _toolgate_v1_RotateKeyResponse__Output } from './toolgate/v1/RotateKeyResponse.js';
import type { SetPasswordRequest as _toolgate_v1_SetPasswordRequest, SetPasswordRequest__Output as _toolgate_v1_SetPasswordRequest__Output } from './toolgate/v1/SetPasswordRequest.js';
import type { SetPasswordResponse as _toolgate_v1_SetPasswordResponse, SetPasswordResponse__Output as _toolgate_v1_SetPasswordResponse__Output } from './toolgate/v1/SetPasswordResponse.js';
import type { WhoAmIRequest as _toolgate_v1_WhoAmIRequest, WhoAmIRequest__Output as _toolgate_v1_WhoAmIRequest__Output } from './toolgate/v1/WhoAmIRequest.js';
import type { WhoAmIResponse as _toolgate_v1_WhoAmIResponse, WhoAmIResponse__Output as _toolgate_v1_WhoAmIResponse__Output } from './toolgate/v1/WhoAmIResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  toolgate: {
    v1: {
      Access: SubtypeConstructor<typeof grpc.Client, _toolgate_v1_AccessClient> & { service: _toolgate_v1_AccessDefinition }
      CreateKeyRequest: MessageTypeDefinition<_toolgate_v1_CreateKeyRequest, _toolgate_v1_CreateKeyRequest__Output>
      CreateKeyResponse: MessageTypeDefinition<_toolgate_v1_CreateKeyResponse, _toolgate_v1_CreateKeyResponse__Output>
      ExplainRequest: MessageTypeDefinition<_toolgate_v1_ExplainRequest, _toolgate_v1_ExplainRequest__Output>
      ExplainResponse: MessageTypeDefinition<_toolgate_v1_ExplainResponse, _toolgate_v1_ExplainResponse__Output>
      ExplainedGate: MessageTypeDefinition<_toolgate_v1_ExplainedGate, _toolgate_v1_ExplainedGate__Output>
      HeldKey: MessageTypeDefinition<_toolgate_v1_HeldKey, _toolgate_v1_HeldKey__Output>
      KeyHolder: MessageTypeDefinition<_toolgate_v1_KeyHolder, _toolgate_v1_KeyHolder__Output>
      ListKeysRequest: MessageTypeDefinition<_toolgate_v1_ListKeysRequest, _toolgate_v1_ListKeysRequest__Output>
      ListKeysResponse: MessageTypeDefinition<_toolgate_v1_ListKeysResponse, _toolgate_v1_ListKeysResponse__Output>
      LoginRequest: MessageTypeDefinition<_toolgate_v1_LoginRequest, _toolgate_v1_LoginRequest__Output>
      LoginResponse: MessageTypeDefinition<_toolgate_v1_LoginResponse, _toolgate_v1_LoginResponse__Output>
      LogoutRequest: MessageTypeDefinition<_toolgate_v1_LogoutRequest, _toolgate_v1_LogoutRequest__Output>
      LogoutResponse: MessageTypeDefinition<_toolgate_v1_LogoutResponse, _toolgate_v1_LogoutResponse__Output>
      RevokeKeyRequest: MessageTypeDefinition<_toolgate_v1_RevokeKeyRequest, _toolgate_v1_RevokeKeyRequest__Output>
      RevokeKeyResponse: MessageTypeDefinition<_toolgate_v1_RevokeKeyResponse, _toolgate_v1_RevokeKeyResponse__Output>
      RotateKeyRequest: MessageTypeDefinition<_toolgate_v1_RotateKeyRequest, _toolgate_v1_RotateKeyRequest__Output>
      RotateKeyResponse: MessageTypeDefinition<_toolgate_v1_RotateKeyResponse, _toolgate_v1_RotateKeyResponse__Output>
      SetPasswordRequest: MessageTypeDefinition<_toolgate_v1_SetPasswordRequest, _toolgate_v1_SetPasswordRequest__Output>
      SetPasswordResponse: MessageTypeDefinition<_toolgate_v1_SetPasswordResponse, _toolgate_v1_SetPasswordResponse__Output>
      WhoAmIRequest: MessageTypeDefinition<_toolgate_v1_WhoAmIRequest, _toolgate_v1_WhoAmIRequest__Output>
      WhoAmIResponse: MessageTypeDefinition<_toolgate_v1_WhoAmIResponse, _toolgate_v1_WhoAmIResponse__Output>
    }
  }
}

