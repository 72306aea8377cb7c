// Original file: proto/toolgate/v1/access.proto


export interface RevokeKeyResponse {
  'revoked'?: (number);
}

export interface RevokeKeyResponse__Output {
  'revoked': (number);
}
