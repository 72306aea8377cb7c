// Original file: proto/toolgate/v1/access.proto


export interface RevokeKeyRequest {
  'tenant'?: (string);
  'principal'?: (string);
  'keyId'?: (string);
  'reason'?: (string);
}

export interface RevokeKeyRequest__Output {
  'tenant': (string);
  'principal': (string);
  'keyId': (string);
  'reason': (string);
}
