// Original file: proto/toolgate/v1/gateway.proto

import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from '../../toolgate/v1/CallHandle.js';
import type { Long } from '@grpc/proto-loader';

export interface SessionAccepted {
  'ref'?: (number | string | Long);
  'handle'?: (_toolgate_v1_CallHandle | null);
}

export interface SessionAccepted__Output {
  'ref': (number);
  'handle': (_toolgate_v1_CallHandle__Output | null);
}
