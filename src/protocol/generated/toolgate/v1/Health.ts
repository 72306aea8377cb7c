// Original file: proto/toolgate/v1/contract.proto

import type { Long } from '@grpc/proto-loader';

export interface Health {
  'healthy'?: (boolean);
  'lastPongMs'?: (number | string | Long);
  'room'?: (number);
  'liveUntilMs'?: (number | string | Long);
}

export interface Health__Output {
  'healthy': (boolean);
  'lastPongMs': (number);
  'room': (number);
  'liveUntilMs': (number);
}
