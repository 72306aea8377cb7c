// Original file: proto/toolgate/v1/gateway.proto

import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from '../../toolgate/v1/CallHandle.js';
import type { CallState as _toolgate_v1_CallState, CallState__Output as _toolgate_v1_CallState__Output } from '../../toolgate/v1/CallState.js';
import type { Terminal as _toolgate_v1_Terminal, Terminal__Output as _toolgate_v1_Terminal__Output } from '../../toolgate/v1/Terminal.js';
import type { Long } from '@grpc/proto-loader';

export interface GetCallResponse {
  'handle'?: (_toolgate_v1_CallHandle | null);
  'state'?: (_toolgate_v1_CallState);
  'attempt'?: (number);
  'cancelRequested'?: (boolean);
  'terminal'?: (_toolgate_v1_Terminal | null);
  'admittedAtMs'?: (number | string | Long);
}

export interface GetCallResponse__Output {
  'handle': (_toolgate_v1_CallHandle__Output | null);
  'state': (_toolgate_v1_CallState__Output);
  'attempt': (number);
  'cancelRequested': (boolean);
  'terminal': (_toolgate_v1_Terminal__Output | null);
  'admittedAtMs': (number);
}
