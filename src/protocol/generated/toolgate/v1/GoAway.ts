// Original file: proto/toolgate/v1/registry.proto

import type { GoAwayReason as _toolgate_v1_GoAwayReason, GoAwayReason__Output as _toolgate_v1_GoAwayReason__Output } from '../../toolgate/v1/GoAwayReason.js';

export interface GoAway {
  'reason'?: (_toolgate_v1_GoAwayReason);
  'graceMs'?: (number);
}

export interface GoAway__Output {
  'reason': (_toolgate_v1_GoAwayReason__Output);
  'graceMs': (number);
}
