// Original file: proto/toolgate/v1/access.proto

import type { Long } from '@grpc/proto-loader';

export interface CreateKeyResponse {
  'key'?: (string);
  'keyId'?: (string);
  'expiresAtMs'?: (number | string | Long);
}

export interface CreateKeyResponse__Output {
  'key': (string);
  'keyId': (string);
  'expiresAtMs': (number);
}
