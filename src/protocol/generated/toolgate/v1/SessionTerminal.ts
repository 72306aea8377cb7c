// Original file: proto/toolgate/v1/gateway.proto

import type { Terminal as _toolgate_v1_Terminal, Terminal__Output as _toolgate_v1_Terminal__Output } from '../../toolgate/v1/Terminal.js';
import type { Long } from '@grpc/proto-loader';

export interface SessionTerminal {
  'ref'?: (number | string | Long);
  'terminal'?: (_toolgate_v1_Terminal | null);
}

export interface SessionTerminal__Output {
  'ref': (number);
  'terminal': (_toolgate_v1_Terminal__Output | null);
}
