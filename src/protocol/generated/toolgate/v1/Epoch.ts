// Original file: proto/toolgate/v1/contract.proto

import type { EpochState as _toolgate_v1_EpochState, EpochState__Output as _toolgate_v1_EpochState__Output } from '../../toolgate/v1/EpochState.js';
import type { Health as _toolgate_v1_Health, Health__Output as _toolgate_v1_Health__Output } from '../../toolgate/v1/Health.js';
import type { Long } from '@grpc/proto-loader';

export interface Epoch {
  'epoch'?: (number | string | Long);
  'digest'?: (string);
  'version'?: (string);
  'state'?: (_toolgate_v1_EpochState);
  'registeredAtMs'?: (number | string | Long);
  'health'?: (_toolgate_v1_Health | null);
}

export interface Epoch__Output {
  'epoch': (number);
  'digest': (string);
  'version': (string);
  'state': (_toolgate_v1_EpochState__Output);
  'registeredAtMs': (number);
  'health': (_toolgate_v1_Health__Output | null);
}
