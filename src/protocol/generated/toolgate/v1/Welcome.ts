// Original file: proto/toolgate/v1/registry.proto

import type { EpochState as _toolgate_v1_EpochState, EpochState__Output as _toolgate_v1_EpochState__Output } from '../../toolgate/v1/EpochState.js';
import type { CallInHand as _toolgate_v1_CallInHand, CallInHand__Output as _toolgate_v1_CallInHand__Output } from '../../toolgate/v1/CallInHand.js';
import type { Limits as _toolgate_v1_Limits, Limits__Output as _toolgate_v1_Limits__Output } from '../../toolgate/v1/Limits.js';

export interface Welcome {
  'nodeId'?: (string);
  'state'?: (_toolgate_v1_EpochState);
  'fenced'?: (_toolgate_v1_CallInHand)[];
  'heartbeatMs'?: (number);
  'limits'?: (_toolgate_v1_Limits | null);
  'nodeVersion'?: (string);
}

export interface Welcome__Output {
  'nodeId': (string);
  'state': (_toolgate_v1_EpochState__Output);
  'fenced': (_toolgate_v1_CallInHand__Output)[];
  'heartbeatMs': (number);
  'limits': (_toolgate_v1_Limits__Output | null);
  'nodeVersion': (string);
}
