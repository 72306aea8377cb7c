// Original file: proto/toolgate/v1/access.proto

import type { Long } from '@grpc/proto-loader';

export interface RotateKeyResponse {
  'key'?: (string);
  'keyId'?: (string);
  'expiresAtMs'?: (number | string | Long);
  'formerUntilMs'?: (number | string | Long);
}

export interface RotateKeyResponse__Output {
  'key': (string);
  'keyId': (string);
  'expiresAtMs': (number);
  'formerUntilMs': (number);
}
