// Original file: proto/toolgate/v1/registry.proto

import type { CallInHand as _toolgate_v1_CallInHand, CallInHand__Output as _toolgate_v1_CallInHand__Output } from '../../toolgate/v1/CallInHand.js';
import type { Long } from '@grpc/proto-loader';

export interface RenewResponse {
  'leaseUntilMs'?: (number | string | Long);
  'fenced'?: (_toolgate_v1_CallInHand)[];
}

export interface RenewResponse__Output {
  'leaseUntilMs': (number);
  'fenced': (_toolgate_v1_CallInHand__Output)[];
}
