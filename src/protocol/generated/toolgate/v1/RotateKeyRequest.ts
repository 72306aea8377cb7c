// Original file: proto/toolgate/v1/access.proto

import type { Long } from '@grpc/proto-loader';

export interface RotateKeyRequest {
  'tenant'?: (string);
  'principal'?: (string);
  'overlapMs'?: (number | string | Long);
  'ttlMs'?: (number | string | Long);
  'reason'?: (string);
}

export interface RotateKeyRequest__Output {
  'tenant': (string);
  'principal': (string);
  'overlapMs': (number);
  'ttlMs': (number);
  'reason': (string);
}
