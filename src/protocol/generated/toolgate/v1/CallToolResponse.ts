// Original file: proto/toolgate/v1/gateway.proto

import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from '../../toolgate/v1/CallHandle.js';

export interface CallToolResponse {
  'handle'?: (_toolgate_v1_CallHandle | null);
  'repeatedRequest'?: (boolean);
}

export interface CallToolResponse__Output {
  'handle': (_toolgate_v1_CallHandle__Output | null);
  'repeatedRequest': (boolean);
}
