// Original file: proto/toolgate/v1/gateway.proto

import type { CallSummary as _toolgate_v1_CallSummary, CallSummary__Output as _toolgate_v1_CallSummary__Output } from '../../toolgate/v1/CallSummary.js';
import type { Long } from '@grpc/proto-loader';

export interface ListCallsResponse {
  'calls'?: (_toolgate_v1_CallSummary)[];
  'nextPageToken'?: (string);
  'timeMs'?: (number | string | Long);
  'sampled'?: (boolean);
}

export interface ListCallsResponse__Output {
  'calls': (_toolgate_v1_CallSummary__Output)[];
  'nextPageToken': (string);
  'timeMs': (number);
  'sampled': (boolean);
}
