// Original file: proto/toolgate/v1/registry.proto

import type { CancelReason as _toolgate_v1_CancelReason, CancelReason__Output as _toolgate_v1_CancelReason__Output } from '../../toolgate/v1/CancelReason.js';

export interface CancelNotice {
  'callId'?: (string);
  'attempt'?: (number);
  'reason'?: (_toolgate_v1_CancelReason);
}

export interface CancelNotice__Output {
  'callId': (string);
  'attempt': (number);
  'reason': (_toolgate_v1_CancelReason__Output);
}
