// Original file: proto/toolgate/v1/registry.proto

import type { EpochState as _toolgate_v1_EpochState, EpochState__Output as _toolgate_v1_EpochState__Output } from '../../toolgate/v1/EpochState.js';
import type { SchemaWarning as _toolgate_v1_SchemaWarning, SchemaWarning__Output as _toolgate_v1_SchemaWarning__Output } from '../../toolgate/v1/SchemaWarning.js';
import type { SkippedPart as _toolgate_v1_SkippedPart, SkippedPart__Output as _toolgate_v1_SkippedPart__Output } from '../../toolgate/v1/SkippedPart.js';
import type { Long } from '@grpc/proto-loader';

export interface RegisterResponse {
  'epoch'?: (number | string | Long);
  'digest'?: (string);
  'state'?: (_toolgate_v1_EpochState);
  'leaseToken'?: (string);
  'leaseMs'?: (number);
  'pingIntervalMs'?: (number);
  'registeredAtMs'?: (number | string | Long);
  'warnings'?: (_toolgate_v1_SchemaWarning)[];
  'skipped'?: (_toolgate_v1_SkippedPart)[];
}

export interface RegisterResponse__Output {
  'epoch': (number);
  'digest': (string);
  'state': (_toolgate_v1_EpochState__Output);
  'leaseToken': (string);
  'leaseMs': (number);
  'pingIntervalMs': (number);
  'registeredAtMs': (number);
  'warnings': (_toolgate_v1_SchemaWarning__Output)[];
  'skipped': (_toolgate_v1_SkippedPart__Output)[];
}
