// Original file: proto/toolgate/v1/access.proto

import type { Long } from '@grpc/proto-loader';

export interface WhoAmIResponse {
  'tenant'?: (string);
  'id'?: (string);
  'kind'?: (string);
  'roles'?: (string)[];
  'expiresAtMs'?: (number | string | Long);
}

export interface WhoAmIResponse__Output {
  'tenant': (string);
  'id': (string);
  'kind': (string);
  'roles': (string)[];
  'expiresAtMs': (number);
}
