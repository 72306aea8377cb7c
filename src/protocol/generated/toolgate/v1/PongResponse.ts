// Original file: proto/toolgate/v1/registry.proto

import type { EpochState as _toolgate_v1_EpochState, EpochState__Output as _toolgate_v1_EpochState__Output } from '../../toolgate/v1/EpochState.js';

export interface PongResponse {
  'state'?: (_toolgate_v1_EpochState);
}

export interface PongResponse__Output {
  'state': (_toolgate_v1_EpochState__Output);
}
