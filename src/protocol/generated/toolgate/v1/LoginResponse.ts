// Original file: proto/toolgate/v1/access.proto

import type { Long } from '@grpc/proto-loader';

export interface LoginResponse {
  'sessionToken'?: (string);
  'expiresAtMs'?: (number | string | Long);
}

export interface LoginResponse__Output {
  'sessionToken': (string);
  'expiresAtMs': (number);
}
