// Original file: proto/toolgate/v1/registry.proto

import type { Long } from '@grpc/proto-loader';

export interface UnregisterRequest {
  'name'?: (string);
  'epoch'?: (number | string | Long);
}

export interface UnregisterRequest__Output {
  'name': (string);
  'epoch': (number);
}
