// Original file: proto/toolgate/v1/registry.proto

import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'sequence'?: (number | string | Long);
  'reply'?: (boolean);
}

export interface Heartbeat__Output {
  'sequence': (number);
  'reply': (boolean);
}
