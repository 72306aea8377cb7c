// Original file: proto/toolgate/v1/dead_calls.proto

import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from '../../toolgate/v1/CallHandle.js';

export interface RedriveDeadCallResponse {
  'handle'?: (_toolgate_v1_CallHandle | null);
}

export interface RedriveDeadCallResponse__Output {
  'handle': (_toolgate_v1_CallHandle__Output | null);
}
