// Original file: proto/toolgate/v1/dead_calls.proto

import type { DeadCall as _toolgate_v1_DeadCall, DeadCall__Output as _toolgate_v1_DeadCall__Output } from '../../toolgate/v1/DeadCall.js';

export interface ListDeadCallsResponse {
  'calls'?: (_toolgate_v1_DeadCall)[];
  'nextPageToken'?: (string);
}

export interface ListDeadCallsResponse__Output {
  'calls': (_toolgate_v1_DeadCall__Output)[];
  'nextPageToken': (string);
}
