// Original file: proto/toolgate/v1/gateway.proto

import type { Long } from '@grpc/proto-loader';

export interface SessionCancel {
  'ref'?: (number | string | Long);
}

export interface SessionCancel__Output {
  'ref': (number);
}
