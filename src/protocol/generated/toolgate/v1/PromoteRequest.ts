// Original file: proto/toolgate/v1/registry.proto

import type { Long } from '@grpc/proto-loader';

export interface PromoteRequest {
  'name'?: (string);
  'epoch'?: (number | string | Long);
}

export interface PromoteRequest__Output {
  'name': (string);
  'epoch': (number);
}
