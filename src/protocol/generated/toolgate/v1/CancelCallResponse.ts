// Original file: proto/toolgate/v1/gateway.proto

import type { CallState as _toolgate_v1_CallState, CallState__Output as _toolgate_v1_CallState__Output } from '../../toolgate/v1/CallState.js';
import type { Terminal as _toolgate_v1_Terminal, Terminal__Output as _toolgate_v1_Terminal__Output } from '../../toolgate/v1/Terminal.js';

export interface CancelCallResponse {
  'state'?: (_toolgate_v1_CallState);
  'terminal'?: (_toolgate_v1_Terminal | null);
}

export interface CancelCallResponse__Output {
  'state': (_toolgate_v1_CallState__Output);
  'terminal': (_toolgate_v1_Terminal__Output | null);
}
