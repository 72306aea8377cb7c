// Original file: proto/toolgate/v1/gateway.proto

import type { OutputDelta as _toolgate_v1_OutputDelta, OutputDelta__Output as _toolgate_v1_OutputDelta__Output } from '../../toolgate/v1/OutputDelta.js';
import type { Terminal as _toolgate_v1_Terminal, Terminal__Output as _toolgate_v1_Terminal__Output } from '../../toolgate/v1/Terminal.js';

export interface FollowCallResponse {
  'deltas'?: (_toolgate_v1_OutputDelta)[];
  'terminal'?: (_toolgate_v1_Terminal | null);
}

export interface FollowCallResponse__Output {
  'deltas': (_toolgate_v1_OutputDelta__Output)[];
  'terminal': (_toolgate_v1_Terminal__Output | null);
}
