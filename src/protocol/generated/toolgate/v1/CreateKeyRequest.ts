// Original file: proto/toolgate/v1/access.proto

import type { Long } from '@grpc/proto-loader';

export interface CreateKeyRequest {
  'tenant'?: (string);
  'principal'?: (string);
  'roles'?: (string)[];
  'ttlMs'?: (number | string | Long);
  'reason'?: (string);
}

export interface CreateKeyRequest__Output {
  'tenant': (string);
  'principal': (string);
  'roles': (string)[];
  'ttlMs': (number);
  'reason': (string);
}
