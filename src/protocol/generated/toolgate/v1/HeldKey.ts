// Original file: proto/toolgate/v1/access.proto

import type { Long } from '@grpc/proto-loader';

export interface HeldKey {
  'keyId'?: (string);
  'createdAtMs'?: (number | string | Long);
  'expiresAtMs'?: (number | string | Long);
  'lastUsedAtMs'?: (number | string | Long);
}

export interface HeldKey__Output {
  'keyId': (string);
  'createdAtMs': (number);
  'expiresAtMs': (number);
  'lastUsedAtMs': (number);
}
