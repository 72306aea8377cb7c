// Original file: proto/toolgate/v1/gateway.proto

import type { CallHandle as _toolgate_v1_CallHandle, CallHandle__Output as _toolgate_v1_CallHandle__Output } from '../../toolgate/v1/CallHandle.js';
import type { Terminal as _toolgate_v1_Terminal, Terminal__Output as _toolgate_v1_Terminal__Output } from '../../toolgate/v1/Terminal.js';

export interface InvokeResponse {
  'handle'?: (_toolgate_v1_CallHandle | null);
  'terminal'?: (_toolgate_v1_Terminal | null);
}

export interface InvokeResponse__Output {
  'handle': (_toolgate_v1_CallHandle__Output | null);
  'terminal': (_toolgate_v1_Terminal__Output | null);
}
